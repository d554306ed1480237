/**
 * One cell of a table: its value, its link, the bar behind it and its tone.
 *
 * @import {Cell, Column, Tone} from "./contract.js"
 */

import { inside } from "./address.js";
import { link, mark } from "./element.js";
import { TONE_WORDS, toneNode, valueNode } from "./value.js";

const WORDS = new Set(["text", "state", "code", "time"]);
const MOST_ON_A_LINE = 36;

/** @type {WeakMap<HTMLTableCellElement, string>} */
const filled = new WeakMap();

/** Whether values of a column are set flush left. @param {Column} column */
export function isWords(column) {
  return WORDS.has(column.unit);
}

/**
 * @param {HTMLTableCellElement} cell
 * @param {number} place of the column
 * @param {Cell[]} row
 * @param {Column[]} columns
 */
export function fillCell(cell, place, row, columns) {
  const column = columns[place];
  const value = row[place] ?? null;
  const tone = toneOf(column, row, columns);
  const address = column.link && value !== null ? target(column.link, row, columns) : null;
  const now = JSON.stringify([value, column.unit, column.bar, tone, address]);
  if (filled.get(cell) === now) return;
  filled.set(cell, now);

  const kind = isWords(column) ? `words unit-${column.unit}` : "digits";
  const long = String(value).length > MOST_ON_A_LINE ? " long" : "";
  mark(cell, "class", kind + long + (tone ? ` cell-${tone}` : ""));
  /** @type {Node} */
  let content = valueNode(value, column.unit);
  if (address !== null) {
    const known = cell.querySelector("a");
    const anchor = known ?? link(address, "");
    if (anchor.href !== address) anchor.href = address;
    anchor.replaceChildren(content);
    content = anchor;
  }
  const parts = tone ? [toneNode(tone, false), " ", content] : [content];
  const focused = cell.contains(document.activeElement) ? document.activeElement : null;
  cell.replaceChildren(...parts);
  if (focused instanceof HTMLElement && cell.contains(focused)) focused.focus({ preventScroll: true });
  bar(cell, column, value);
}

/** @param {Column} column @param {Cell[]} row @param {Column[]} columns @returns {Tone} */
function toneOf(column, row, columns) {
  if (!column.tone) return "";
  const said = String(row[columns.findIndex((other) => other.key === column.tone)] ?? "");
  return said in TONE_WORDS ? /** @type {Tone} */ (said) : "";
}

/**
 * The address of a cell: columns of its row in braces are filled in; null where one of them is not known.
 *
 * @param {string} template
 * @param {Cell[]} row
 * @param {Column[]} columns
 */
function target(template, row, columns) {
  let known = true;
  const address = template.replace(/\{([^{}]+)\}/g, (_, key) => {
    const value = row[columns.findIndex((column) => column.key === key)] ?? "";
    known &&= value !== "";
    return encodeURIComponent(String(value));
  });
  return known ? inside(address) : null;
}

/** @param {HTMLElement} cell @param {Column} column @param {Cell} value */
function bar(cell, column, value) {
  const share = column.bar && typeof value === "number" ? Math.min(Math.max(value, 0), 1) : 0;
  cell.classList.toggle("bar", column.bar);
  cell.style.setProperty("--share", `${(share * 100).toFixed(1)}%`);
}
