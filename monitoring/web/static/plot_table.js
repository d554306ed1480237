/**
 * A plot's numbers as a table: for those who cannot see it, and for all where uPlot is missing. Made when it is opened.
 *
 * @import {Panel, Plot} from "./contract.js"
 */

import { make, mark, unseen } from "./element.js";
import { renderTable } from "./render_table.js";

/** @param {HTMLElement} place */
export function plotTable(place) {
  const summary = make("summary", "", "Data as a table");
  const name = unseen("");
  summary.append(name);
  const inner = make("div");
  const details = make("details", "plot-data", summary, inner);
  place.append(details);
  /** @type {((panel: Panel) => void) | null} */
  let update = null;
  /** @type {Panel | null} */
  let latest = null;
  details.addEventListener("toggle", show);

  function show() {
    if (!details.open || !latest) return;
    update ??= renderTable(inner);
    update(tableOf(latest));
  }

  return {
    details,
    /** @param {Panel} panel */
    update(panel) {
      latest = panel;
      mark(details, "data-of", panel.key);
      name.textContent = ` of ${panel.title}`;
      show();
    },
  };
}

/** @param {Panel} panel a plot @returns {Panel} a table, the newest bin first */
function tableOf(panel) {
  const plot = /** @type {Plot} */ (panel.content);
  const column = { link: "", note: "", bar: false, tone: "", sort: false };
  return {
    ...panel,
    content: {
      kind: "table",
      columns: [
        { ...column, key: "at", title: "From", unit: "time" },
        ...plot.lines.map((line) => ({ ...column, key: line.key, title: line.title, unit: plot.unit })),
      ],
      rows: plot.starts.map((start, bin) => [start, ...plot.lines.map((line) => line.values[bin] ?? null)]).reverse(),
      empty: plot.empty,
      paging: null,
    },
  };
}
