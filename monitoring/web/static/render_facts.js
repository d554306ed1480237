/**
 * Facts: numbers side by side, large, each with what it is and a note.
 *
 * @import {Fact, Facts, Panel} from "./contract.js"
 */

import { inside } from "./address.js";
import { arrange, link, make, mark, worded } from "./element.js";
import { plain, write } from "./format.js";
import { toneNode, valueNode } from "./value.js";

/** Longer values are words rather than numbers, and are written smaller; sentences as such. */
const MOST_LARGE = 14;
const MOST_ON_A_LINE = 24;

/** @param {HTMLElement} place @returns {(panel: Panel) => void} */
export function renderFacts(place) {
  const list = make("dl", "facts");
  place.append(list);
  /** @type {Map<string, {element: HTMLElement, shown: string}>} */
  const items = new Map();

  return (panel) => {
    const facts = /** @type {Facts} */ (panel.content).facts;
    for (const key of [...items.keys()]) if (!facts.some((fact) => fact.key === key)) items.delete(key);
    const wanted = facts.map((fact) => {
      let item = items.get(fact.key);
      if (!item) items.set(fact.key, (item = { element: make("div", "fact"), shown: "" }));
      const now = JSON.stringify(fact);
      if (now !== item.shown) {
        const focused = item.element.contains(document.activeElement);
        fill(item.element, fact);
        if (focused) item.element.querySelector("a")?.focus({ preventScroll: true });
        item.shown = now;
      }
      return item.element;
    });
    arrange(list, wanted);
  };
}

/** @param {HTMLElement} element @param {Fact} fact */
function fill(element, fact) {
  mark(element, "data-key", fact.key);
  mark(element, "class", fact.tone ? `fact fact-${fact.tone}` : "fact");
  const title = make("dt", "", fact.link ? link(inside(fact.link), fact.title) : fact.title);
  if (fact.tone) title.append(" ", toneNode(fact.tone, fact.tone !== "good"));
  const value = make("dd", "value", large(fact));
  const length = plain(fact.value, fact.unit).length;
  if (length > MOST_LARGE) value.classList.add(length > MOST_ON_A_LINE ? "sentence" : "long");
  const parts = [title, value];
  if (fact.low !== null || fact.high !== null) {
    parts.push(make("dd", "interval", `${plain(fact.low, fact.unit)} to ${plain(fact.high, fact.unit)}`));
  }
  if (fact.note) parts.push(make("dd", "note", ...worded(fact.note)));
  element.replaceChildren(...parts);
}

/** @param {Fact} fact @returns {Node} */
function large(fact) {
  const { text, unit } = write(fact.value, fact.unit);
  if (!unit || fact.value === null) return valueNode(fact.value, fact.unit);
  return make("span", "", text, make("small", "", `\u202f${unit}`));
}
