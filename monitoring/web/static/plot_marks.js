/**
 * Marks of a plot: upright lines where somebody edited a site's limits or the throttle decided; in words below it.
 *
 * @import {Mark, Plot} from "./contract.js"
 * @import {Chart} from "./plot_paths.js"
 */

import { make, mark, say } from "./element.js";
import { moment } from "./format.js";
import { valueNode } from "./value.js";

const KINDS = { edit: "edit", decision: "decision" };
const FEW = 3;

/** Draw marks over a chart; called after each of its drawings. @param {Chart} chart @param {Mark[]} marks */
export function placeMarks(chart, marks) {
  const over = /** @type {HTMLElement} */ (chart.over);
  const known = /** @type {HTMLElement[]} */ ([...over.querySelectorAll(":scope > .mark")]);
  const { min, max } = chart.scales.x;
  const inside = marks.filter((one) => one.at >= (min ?? 0) && one.at <= (max ?? 0));
  inside.forEach((one, place) => {
    const line = known[place] ?? newMark(over);
    mark(line, "class", `mark mark-${one.kind}`);
    line.dataset.text = `${moment(one.at)}: ${one.text}`;
    line.style.left = `${chart.valToPos(one.at, "x")}px`;
  });
  for (const spare of known.slice(inside.length)) spare.remove();
}

/** @param {HTMLElement} over */
function newMark(over) {
  const line = make("div", "mark");
  mark(line, "aria-hidden", "true");
  line.addEventListener("pointerenter", () => {
    const tip = make("div", "tip", line.dataset.text ?? "");
    over.append(tip);
    const left = line.offsetLeft - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(left, over.clientWidth - tip.offsetWidth))}px`;
    line.addEventListener("pointerleave", () => tip.remove(), { once: true });
  });
  over.append(line);
  return line;
}

/** @param {HTMLElement} place */
export function marksList(place) {
  const summary = make("summary");
  const list = make("ol", "marks");
  const details = make("details", "marks-box", summary, list);
  place.append(details);
  let shown = "";
  let first = true;

  return (/** @type {Plot} */ plot) => {
    const now = JSON.stringify(plot.marks);
    if (now === shown) return;
    shown = now;
    details.hidden = plot.marks.length === 0;
    if (first && plot.marks.length > 0) {
      details.open = plot.marks.length <= FEW;
      first = false;
    }
    const counts = Object.entries(KINDS).flatMap(([kind, word]) => {
      const count = plot.marks.filter((one) => one.kind === kind).length;
      return count ? [`${count} ${word}${count > 1 ? "s" : ""}`] : [];
    });
    say(summary, `Marked: ${counts.join(", ")}`);
    const newest = [...plot.marks].sort((one, other) => other.at - one.at);
    const lines = newest.map((one) => make("li", "", valueNode(one.at, "time"), ` ${KINDS[one.kind]}: `, one.text));
    list.replaceChildren(...lines);
  };
}
