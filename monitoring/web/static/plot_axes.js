/**
 * The axes: local time below, values from 0 at the left, written in one unit that fits the largest.
 *
 * @import {Unit} from "./contract.js"
 */

import { clock, day, plain, unitName } from "./format.js";
import { colour } from "./colours.js";

const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif";
const DAY_S = 86400;
const HOUR_S = 3600;
const LENGTHS = /** @type {const} */ ([
  [2 * DAY_S, "d", DAY_S],
  [2 * HOUR_S, "h", HOUR_S],
  [120, "min", 60],
  [1, "s", 1],
  [0, "ms", 0.001],
]);
const POWERS = Array.from({ length: 22 }, (_, power) => 10 ** (power - 9));
const STEPS = POWERS.flatMap((power) => [1, 2, 2.5, 5].map((step) => step * power));
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400];

/**
 * What values are divided by on the axis, and the unit that stands at it.
 *
 * @param {Unit} unit
 * @param {number} height the largest value
 * @returns {{scale: number, name: string, steps: number[]}}
 */
export function axisUnit(unit, height) {
  if (unit === "share") return { scale: 0.01, name: "%", steps: STEPS };
  if (unit === "count") return { scale: 1, name: "", steps: STEPS.filter((step) => Number.isInteger(step)) };
  if (unit === "mb" && height >= 1000) {
    return height >= 1e6 ? { scale: 1e6, name: "TB", steps: STEPS } : { scale: 1e3, name: "GB", steps: STEPS };
  }
  if (unit === "s") {
    const [, name, scale] = LENGTHS.find(([least]) => height >= least) ?? LENGTHS[3];
    return { scale, name, steps: name === "min" || name === "h" ? CLOCK_STEPS : STEPS };
  }
  return { scale: 1, name: unitName(unit), steps: STEPS };
}

/**
 * @param {{unit: Unit, height: number}} shown
 * @returns {import("uplot").Axis[]}
 */
export function axes(shown) {
  const common = {
    stroke: () => colour("muted"),
    font: FONT,
    grid: { stroke: () => colour("grid"), width: 1 },
    ticks: { show: false },
  };
  return [
    {
      ...common,
      size: 34,
      gap: 5,
      space: 64,
      values: (_, splits) => splits.map((at, place) => timeLabel(at, splits[place - 1], splits[1] - splits[0])),
    },
    {
      ...common,
      size: 46,
      gap: 5,
      space: 30,
      incrs: () => {
        const { scale, steps } = axisUnit(shown.unit, shown.height);
        return steps.map((step) => step * scale);
      },
      values: (_, splits) => {
        const { scale } = axisUnit(shown.unit, shown.height);
        // 0.1 + 0.2 is no label.
        return splits.map((value) => plain(Number((value / scale).toPrecision(9)), "number"));
      },
    },
  ];
}

/** The day stands under the first label and wherever it changes. */
function timeLabel(/** @type {number} */ at, /** @type {number | undefined} */ before, /** @type {number} */ step) {
  const named = before === undefined || day(at) !== day(before);
  if (step >= DAY_S) return day(at);
  return named ? `${clock(at, step < 60)}\n${day(at)}` : clock(at, step < 60);
}
