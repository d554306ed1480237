/**
 * Paths of layers. A bin's value is that of its whole width, so it is drawn as a step; where nothing is known is a gap.
 *
 * @import {Layer} from "./plot_layers.js"
 */

/** @typedef {InstanceType<typeof import("uplot")>} Chart */

/**
 * @param {Chart} chart
 * @param {Layer} layer
 * @param {number[]} starts left edges of the bins, seconds
 * @param {number} binS width of a bin
 */
export function pathsOf(chart, layer, starts, binS) {
  const stroke = new Path2D();
  const fill = new Path2D();
  const x = (/** @type {number} */ at) => Math.round(chart.valToPos(at, "x", true));
  const y = (/** @type {number} */ value) => chart.valToPos(value, "y", true);
  for (const [first, last] of runs(layer.tops)) {
    for (let bin = first; bin <= last; bin++) {
      const [left, right, top] = [x(starts[bin]), x(starts[bin] + binS), y(layer.tops[bin] ?? 0)];
      if (bin === first) stroke.moveTo(left, top);
      else stroke.lineTo(left, top);
      stroke.lineTo(right, top);
      if (bin === first) fill.moveTo(left, top);
      else fill.lineTo(left, top);
      fill.lineTo(right, top);
    }
    for (let bin = last; bin >= first; bin--) {
      const bottom = y(layer.bottoms?.[bin] ?? 0);
      fill.lineTo(x(starts[bin] + binS), bottom);
      fill.lineTo(x(starts[bin]), bottom);
    }
    fill.closePath();
  }
  return { stroke, fill: layer.fill === "none" ? null : fill, clip: null, band: null, flags: 0 };
}

/** Stretches of bins of which something is known, first and last of each. @param {(number | null)[]} values */
function runs(values) {
  /** @type {[number, number][]} */
  const found = [];
  values.forEach((value, bin) => {
    if (value === null) return;
    const open = found.at(-1);
    if (open && open[1] === bin - 1) open[1] = bin;
    else found.push([bin, bin]);
  });
  return found;
}
