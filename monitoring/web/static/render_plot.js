/**
 * Plots over time: one uPlot each, whose cursors move together, with legend, marks in words and numbers as a table.
 *
 * @import {Panel, Plot} from "./contract.js"
 * @import {Chart} from "./plot_paths.js"
 * @import {Layer} from "./plot_layers.js"
 */

import { APPEARANCE, isPrinting } from "./choose_theme.js";
import { colour } from "./colours.js";
import { make, mark, say } from "./element.js";
import { loadUPlot } from "./load_uplot.js";
import { axes, axisUnit } from "./plot_axes.js";
import { heightOf, isDrawn, layersOf } from "./plot_layers.js";
import { plotLegend } from "./plot_legend.js";
import { marksList, placeMarks } from "./plot_marks.js";
import { pathsOf } from "./plot_paths.js";
import { plotTable } from "./plot_table.js";

const MISSING = "uPlot is not installed where this dashboard runs (make setup does that): here are the numbers.";
const PAPER_PX = { alone: 690, grouped: 330 };

/**
 * @param {HTMLElement} place
 * @param {HTMLElement} more for what can be opened
 * @returns {(panel: Panel) => void}
 */
export function renderPlot(place, more) {
  const unit = make("p", "axis-unit");
  const box = make("div", "chart");
  const readout = make("div", "readout");
  const empty = make("p", "empty");
  const missing = make("p", "empty", MISSING);
  missing.hidden = true;
  place.append(unit, box, readout, empty, missing);
  const listMarks = marksList(more);
  const table = plotTable(more);

  /** @type {Set<string>} */
  const hidden = new Set();
  const legend = plotLegend(readout, hidden, () => draw());
  /** @type {Panel | null} */
  let panel = null;
  /** @type {Plot | null} */
  let plot = null;
  /** @type {Layer[]} */
  let layers = [];
  /** @type {Chart | null} */
  let chart = null;
  let drawnAs = "";
  const shown = { unit: /** @type {import("./contract.js").Unit} */ ("count"), height: 1 };
  const leaving = new AbortController();
  // The width comes from here alone: to ask for it in the middle of changes would lay the page out for every plot.
  let width = 0;
  const sized = new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    if (!place.isConnected) leave();
    else if (chart) resize();
    else void draw();
  });
  sized.observe(box);
  document.addEventListener(APPEARANCE, () => (place.isConnected ? resize(true) : leave()), { signal: leaving.signal });

  function leave() {
    sized.disconnect();
    leaving.abort();
    chart?.destroy();
    chart = null;
  }

  /** @param {boolean} [anew] draw even where the size is the same */
  function resize(anew = false) {
    if (!chart) return;
    const wanted = sizeOf(width, panel);
    if (wanted.width > 0 && (wanted.width !== chart.width || wanted.height !== chart.height)) chart.setSize(wanted);
    else if (anew) chart.redraw(true, true);
  }

  async function draw() {
    const library = await loadUPlot();
    if (!panel || !plot || !place.isConnected) return;
    const something = isDrawn(plot);
    empty.hidden = something;
    say(empty, plot.empty);
    missing.hidden = library !== null || !something;
    if (library === null && something) table.details.open = true;
    const drawable = library !== null && something;
    for (const part of [unit, box, readout]) part.hidden = !drawable;
    if (!drawable || !library || (!chart && width === 0)) return;

    layers = layersOf(plot, hidden);
    shown.unit = plot.unit;
    shown.height = heightOf(layers.filter((layer) => !hidden.has(layer.line.key)), plot.unit);
    say(unit, axisUnit(plot.unit, shown.height).name);
    legend.show(layers, shown.height);
    // Lines that come and go make it another chart; new numbers of the same lines do not.
    const as = JSON.stringify(layers.map((layer) => [layer.line.key, layer.line.role, layer.colour, layer.fill]));
    if (as !== drawnAs) {
      chart?.destroy();
      chart = new library(options(), data(), box);
      drawnAs = as;
    }
    chart?.batch(() => {
      layers.forEach((layer, index) => {
        const show = !hidden.has(layer.line.key);
        if (chart?.series[index + 1].show !== show) chart?.setSeries(index + 1, { show });
      });
      chart?.setData(data());
    });
    legend.read(plot, chart?.cursor.idx);
  }

  /** @returns {import("uplot").AlignedData} */
  function data() {
    const half = (plot?.bin_s ?? 0) / 2;
    return [(plot?.starts ?? []).map((start) => start + half), ...layers.map((layer) => layer.tops)];
  }

  /** @returns {import("uplot").Options} */
  function options() {
    return {
      ...sizeOf(width, panel),
      // Half of the last time of day stands right of the plot.
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: "page", scales: ["x", null] },
        points: { show: !plot?.stacked, size: 6 },
      },
      scales: {
        x: { time: true, range: () => [plot?.starts[0] ?? 0, (plot?.starts.at(-1) ?? 0) + (plot?.bin_s ?? 1)] },
        y: { range: () => [0, shown.height] },
      },
      axes: axes(shown),
      series: [{}, ...layers.map((_, index) => series(index))],
      hooks: {
        draw: [(drawn) => placeMarks(drawn, plot?.marks ?? [])],
        setCursor: [(drawn) => plot && legend.read(plot, drawn.cursor.idx)],
      },
    };
  }

  /** @param {number} index of the layer @returns {import("uplot").Series} */
  function series(index) {
    const layer = layers[index];
    const own = () => colour(layer.colour);
    return {
      label: layer.line.title,
      stroke: layer.fill === "solid" ? () => colour("raised") : own,
      width: layer.line.role === "limit" ? 1.25 : layer.fill === "solid" ? 0.75 : 1.75,
      dash: layer.dash,
      fill: layer.fill === "none" ? undefined : () => (layer.fill === "solid" ? own() : `${own()}22`),
      points: { show: false },
      paths: (drawn) => pathsOf(drawn, layers[index], plot?.starts ?? [], plot?.bin_s ?? 1),
    };
  }

  return (latest) => {
    panel = latest;
    plot = /** @type {Plot} */ (latest.content);
    mark(box, "role", "img");
    mark(box, "aria-label", `Plot: ${latest.title}. ${latest.lead}`.trim());
    listMarks(plot);
    table.update(latest);
    void draw();
  };
}

/** @param {number} width of the place, pixels @param {Panel | null} panel */
function sizeOf(width, panel) {
  const grouped = Boolean(panel?.group);
  const height = grouped ? 170 : 230;
  if (isPrinting()) return { width: grouped ? PAPER_PX.grouped : PAPER_PX.alone, height: height - 20 };
  return { width, height };
}
