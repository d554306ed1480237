/**
 * Lines of a file. What grows at its end is added there, so that what somebody has selected or scrolled to stays.
 *
 * @import {Panel, Text} from "./contract.js"
 */

import { make, mark, say } from "./element.js";

/** @param {HTMLElement} place @returns {(panel: Panel) => void} */
export function renderText(place) {
  const box = make("pre", "lines");
  box.tabIndex = 0;
  mark(box, "role", "region");
  const empty = make("p", "empty");
  place.append(box, empty);
  /** @type {string[]} */
  let shown = [];

  return (panel) => {
    const { lines, empty: nothing } = /** @type {Text} */ (panel.content);
    mark(box, "aria-label", `${panel.title}, lines of text`);
    box.hidden = lines.length === 0;
    empty.hidden = lines.length > 0;
    say(empty, nothing);
    const atEnd = shown.length === 0 || box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
    const gone = shift(shown, lines);
    for (let count = 0; count < gone; count++) box.firstChild?.remove();
    for (const line of lines.slice(shown.length - gone)) box.append(make("span", "line", `${line}\n`));
    shown = lines;
    if (atEnd) box.scrollTop = box.scrollHeight;
  };
}

/**
 * How many lines went from the beginning, so that the rest is where the new ones begin.
 *
 * @param {string[]} before
 * @param {string[]} after
 */
function shift(before, after) {
  for (let gone = 0; gone < before.length; gone++) {
    const kept = before.length - gone;
    const begins = kept <= after.length && before[gone] === after[0];
    if (begins && before.slice(gone).every((line, index) => line === after[index])) return gone;
  }
  return before.length;
}
