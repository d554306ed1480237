/**
 * Paging through a table that the server holds, by links: which rows these are, and the way to the others.
 *
 * @import {Paging} from "./contract.js"
 */

import { pageWith } from "./address.js";
import { link, make, mark } from "./element.js";
import { plain } from "./format.js";

/** @type {WeakMap<HTMLElement, string>} */
const shown = new WeakMap();

/**
 * @param {HTMLElement} place
 * @param {string} title
 * @param {Paging | null} paging
 * @param {number} rows on this page
 */
export function pagingControls(place, title, paging, rows) {
  const now = JSON.stringify([paging, rows]);
  if (shown.get(place) === now) return;
  shown.set(place, now);
  place.hidden = paging === null;
  if (paging === null) return;
  mark(place, "aria-label", `${title}, pages`);
  const { total, offset, limit } = paging;
  const last = total > 0 ? Math.floor((total - 1) / limit) * limit : 0;
  const range = rows ? `${plain(offset + 1, "count")} to ${plain(offset + rows, "count")} of ` : "";
  const focused = place.contains(document.activeElement) ? document.activeElement?.textContent : null;
  place.replaceChildren(
    make("span", "range", `${range}${plain(total, "count")}`),
    step("First", offset > 0 ? 0 : null),
    step("Previous", offset > 0 ? Math.max(0, offset - limit) : null, "prev"),
    step("Next", offset + limit < total ? offset + limit : null, "next"),
    step("Last", offset < last ? last : null),
  );
  for (const anchor of place.querySelectorAll("a")) {
    if (anchor.textContent === focused) anchor.focus({ preventScroll: true });
  }
}

/** @param {string} word @param {number | null} offset null where there is no such page @param {string} [relation] */
function step(word, offset, relation = "") {
  if (offset === null) {
    const off = make("span", "step", word);
    mark(off, "aria-disabled", "true");
    mark(off, "role", "link");
    return off;
  }
  const anchor = link(pageWith({ offset: offset ? String(offset) : "" }), word, "step");
  anchor.rel = relation;
  return anchor;
}
