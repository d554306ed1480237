/**
 * The heads of a table and the order of its rows: links where the server sorts, buttons where all rows are here.
 *
 * @import {Cell, Column, Paging, Table} from "./contract.js"
 * @import {Order} from "./render_table.js"
 */

import { pageWith } from "./address.js";
import { arrange, link, make, mark, say } from "./element.js";
import { isWords } from "./table_cell.js";

const FEWEST_TO_SORT = 2;

/**
 * @param {HTMLTableRowElement} heads
 * @param {Column[]} columns
 * @param {Paging | null} paging
 * @param {Order} order
 * @param {(order: Order) => void} choose
 */
export function fillHeads(heads, columns, paging, order, choose) {
  const known = /** @type {HTMLTableCellElement[]} */ ([...heads.children]);
  const wanted = columns.map((column) => known.find((head) => head.dataset.key === column.key) ?? newHead(column));
  columns.forEach((column, place) => {
    const head = wanted[place];
    const sorted = paging ? (paging.sort === column.key ? paging : null) : order?.key === column.key ? order : null;
    mark(head, "aria-sort", sorted ? (sorted.descending ? "descending" : "ascending") : null);
    mark(head, "class", isWords(column) ? "words" : "digits");
    head.title = column.note;
    const control = head.firstElementChild;
    if (control) say(control, column.title);
    if (control instanceof HTMLAnchorElement) control.href = sortedBy(column, sorted);
    if (control instanceof HTMLButtonElement) control.onclick = () => choose(nextOrder(column, order));
  });
  arrange(heads, wanted);

  /** @param {Column} column */
  function newHead(column) {
    const head = make("th");
    head.scope = "col";
    head.dataset.key = column.key;
    if (!paging) {
      const button = make("button", "sort");
      button.type = "button";
      head.append(button);
    } else {
      head.append(column.sort ? link("", "", "sort") : make("span"));
    }
    return head;
  }
}

/** @param {Column} column @param {{descending: boolean} | null} sorted */
function sortedBy(column, sorted) {
  const descending = sorted ? !sorted.descending : largestFirst(column);
  return pageWith({ sort: column.key, desc: descending ? "1" : "0", offset: "" });
}

/** Whether the first click asks for the largest: of amounts and times, not of words, nor of numbers that are names. */
function largestFirst(/** @type {Column} */ column) {
  return (column.unit === "time" || !isWords(column)) && column.key !== "job" && column.key !== "block";
}

/** The third click gives the first order back. */
function nextOrder(/** @type {Column} */ column, /** @type {Order} */ order) {
  const first = largestFirst(column);
  if (order?.key !== column.key) return { key: column.key, descending: first };
  return order.descending === first ? { key: column.key, descending: !first } : null;
}

/** @param {Table} table @param {Order} order @returns {Cell[][]} */
export function sortRows(table, order) {
  const place = table.columns.findIndex((column) => column.key === order?.key);
  if (!order || place < 0 || table.rows.length < FEWEST_TO_SORT) return table.rows;
  const words = new Intl.Collator("en", { numeric: true });
  const sign = order.descending ? -1 : 1;
  return [...table.rows].sort((one, other) => {
    const [a, b] = [one[place], other[place]];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1; // what is not known comes last, always
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * words.compare(String(a), String(b));
  });
}
