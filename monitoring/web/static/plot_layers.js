/**
 * A plot's lines as layers: where each begins and ends above the axis, with which colour; stacked ones on each other.
 *
 * @import {Line, Plot} from "./contract.js"
 */

import { colourOf, dashOf } from "./colours.js";

/**
 * @typedef {object} Layer
 * @property {Line} line
 * @property {(number | null)[]} tops
 * @property {(number | null)[] | null} bottoms of a stacked layer; null where nothing lies below
 * @property {string} colour name of its custom property
 * @property {number[]} dash
 * @property {"solid" | "soft" | "none"} fill
 */

/**
 * @param {Plot} plot
 * @param {Set<string>} hidden keys of lines that somebody switched off
 * @returns {Layer[]} in the order of the lines
 */
export function layersOf(plot, hidden) {
  let place = 0;
  const alone = plot.lines.filter((line) => line.role !== "limit").length === 1;
  /** @type {Layer[]} */
  const layers = plot.lines.map((line) => {
    const own = line.role === "" ? place++ : 0;
    const stacked = plot.stacked && line.role !== "limit";
    return {
      line,
      tops: line.values,
      bottoms: null,
      colour: colourOf(line, own),
      dash: line.role === "" && !stacked ? dashOf(own) : [],
      fill: stacked ? "solid" : alone && line.role !== "limit" ? "soft" : "none",
    };
  });
  if (plot.stacked) stack(layers.filter((layer) => layer.fill === "solid" && !hidden.has(layer.line.key)));
  return layers;
}

/** The last one lies on the axis, so that the legend reads as the plot does, from the top. @param {Layer[]} layers */
function stack(layers) {
  /** @type {(number | null)[]} */
  let below = layers.length ? layers[0].line.values.map(() => null) : [];
  for (const layer of [...layers].reverse()) {
    layer.bottoms = below;
    const ground = below;
    layer.tops = layer.line.values.map((value, bin) => (value === null ? null : value + (ground[bin] ?? 0)));
    below = layer.tops.map((top, bin) => top ?? ground[bin]);
  }
}

/** Whether there is anything to draw. @param {Plot} plot */
export function isDrawn(plot) {
  return lastKnown(plot) >= 0;
}

/** The last bin of which anything is known. @param {Plot} plot */
export function lastKnown(plot) {
  for (let bin = plot.starts.length - 1; bin >= 0; bin--) {
    if (plot.lines.some((line) => line.role !== "limit" && (line.values[bin] ?? null) !== null)) return bin;
  }
  return -1;
}

/** @param {Layer} layer */
function top(layer) {
  return layer.tops.reduce((/** @type {number} */ most, value) => Math.max(most, value ?? 0), 0);
}

/**
 * The largest value of the vertical axis. A limit far above all that happened would make a flat line of the rest.
 *
 * @param {Layer[]} layers those that are shown
 * @param {string} unit
 */
export function heightOf(layers, unit) {
  const largest = (/** @type {Layer[]} */ some) => some.reduce((most, layer) => Math.max(most, top(layer)), 0);
  const data = largest(layers.filter((layer) => layer.line.role !== "limit"));
  const limit = largest(layers.filter((layer) => layer.line.role === "limit"));
  if (unit === "share" && Math.max(data, limit) <= 1 && Math.max(data, limit) > 0.2) return 1;
  const most = limit <= data * 10 || data === 0 ? Math.max(data, limit) : data;
  return (most || 1) * 1.06;
}
