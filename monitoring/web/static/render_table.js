/**
 * Tables: real ones, with a caption, that are sorted here when they are small and by the server when they are long.
 *
 * @import {Cell, Column, Panel, Table} from "./contract.js"
 */

import { arrange, make, mark, say, sayWords } from "./element.js";
import { plain } from "./format.js";
import { pagingControls } from "./page_through.js";
import { fillCell } from "./table_cell.js";
import { fillHeads, sortRows } from "./sort_table.js";

/** @typedef {{key: string, descending: boolean} | null} Order what somebody clicked; null for the server's order */

/** @param {HTMLElement} place @returns {(panel: Panel) => void} */
export function renderTable(place) {
  const caption = make("caption", "unseen");
  const heads = make("tr");
  const body = make("tbody");
  const box = make("div", "scroll", make("table", "", caption, make("thead", "", heads), body));
  const empty = make("p", "empty");
  const paging = make("nav", "paging");
  place.append(box, empty, paging);
  box.tabIndex = 0;
  mark(box, "role", "region");
  /** @type {Map<string, HTMLTableRowElement>} */
  let rows = new Map();
  /** @type {Order} */
  let order = null;

  /** @param {Panel} panel */
  function update(panel) {
    const table = /** @type {Table} */ (panel.content);
    const shown = shownColumns(table.columns);
    say(caption, table.paging ? panel.title : `${panel.title}, ${plain(table.rows.length, "count")} rows`);
    mark(box, "aria-label", `${panel.title}, table`);
    box.hidden = table.rows.length === 0;
    // Where the lead has said so already, it is enough.
    empty.hidden = table.rows.length > 0 || panel.lead !== "";
    sayWords(empty, table.empty);
    fillHeads(heads, shown.map((place) => table.columns[place]), table.paging, order, (wanted) => {
      order = wanted;
      update(panel);
    });
    const sorted = table.paging ? table.rows : sortRows(table, order);
    /** @type {Map<string, HTMLTableRowElement>} */
    const now = new Map();
    for (const row of sorted) {
      const key = freeKey(now, String(row[shown[0]]));
      const element = rows.get(key) ?? make("tr");
      fillRow(element, row, table.columns, shown);
      now.set(key, element);
    }
    rows = now;
    arrange(body, [...now.values()]);
    pagingControls(paging, panel.title, table.paging, table.rows.length);
  }
  return update;
}

/** Places of the columns that are shown: those that are another's tone are not. @param {Column[]} columns */
export function shownColumns(columns) {
  const tones = new Set(columns.map((column) => column.tone).filter(Boolean));
  return columns.flatMap((column, place) => (tones.has(column.key) ? [] : [place]));
}

/** Rows are known again by their first cell, so that the focus stays on a job and not on a place. */
function freeKey(/** @type {Map<string, unknown>} */ taken, /** @type {string} */ name) {
  let key = name;
  for (let count = 2; taken.has(key); count++) key = `${name}\n${count}`;
  return key;
}

/**
 * @param {HTMLTableRowElement} element
 * @param {Cell[]} row
 * @param {Column[]} columns
 * @param {number[]} shown
 */
function fillRow(element, row, columns, shown) {
  while (element.cells.length > shown.length) element.lastElementChild?.remove();
  shown.forEach((place, index) => {
    let cell = element.cells[index];
    if (!cell) {
      cell = make(index === 0 ? "th" : "td");
      if (index === 0) cell.scope = "row";
      element.append(cell);
    }
    fillCell(cell, place, row, columns);
  });
}
