/**
 * A panel: its heading, the answer in a sentence, the numbers, and where they are from.
 *
 * @import {Content, Panel} from "./contract.js"
 */

import { formOfPage } from "./address.js";
import { identity, link, make, mark, say, sayWords, unseen, worded } from "./element.js";
import { renderFacts } from "./render_facts.js";
import { renderPlot } from "./render_plot.js";
import { renderTable } from "./render_table.js";
import { renderText } from "./render_text.js";
import { copied, toneNode } from "./value.js";

/** @type {Record<Content["kind"], (place: HTMLElement, more: HTMLElement) => (panel: Panel) => void>} */
const RENDERERS = { facts: renderFacts, table: renderTable, plot: renderPlot, text: renderText };

/**
 * What can be opened stands in one row below the numbers, so that it takes little room while it is closed.
 *
 * @param {string} key
 */
export function renderPanel(key) {
  const heading = make("h2");
  heading.id = `${identity(key)}-title`;
  const tone = make("span", "panel-tone");
  const lead = make("p", "lead");
  const content = make("div", "content");
  const source = make("div", "source-text");
  const named = unseen("");
  const details = make("details", "source", make("summary", "", "Source", named), source);
  const own = make("div", "own");
  const more = make("div", "more", own, details);
  const element = make("section", "panel", make("header", "", heading, tone), lead, content, more);
  element.id = identity(key);
  mark(element, "aria-labelledby", heading.id);
  mark(element, "data-key", key);
  let shown = "";
  let kind = "";
  let from = "";
  /** @type {(panel: Panel) => void} */
  let update = () => {};

  return {
    element,
    /** @param {Panel} panel */
    update(panel) {
      const now = JSON.stringify(panel);
      if (now === shown) return;
      shown = now;
      say(heading, panel.title);
      sayWords(lead, panel.lead);
      lead.hidden = panel.lead === "";
      say(named, ` of ${panel.title}`);
      if (mark(element, "data-tone", panel.tone), tone.dataset.is !== panel.tone) {
        tone.dataset.is = panel.tone;
        tone.replaceChildren(...(panel.tone && panel.tone !== "good" ? [toneNode(panel.tone, true)] : []));
      }
      if (panel.content.kind !== kind) {
        kind = panel.content.kind;
        content.replaceChildren();
        own.replaceChildren();
        mark(element, "data-kind", kind);
        update = RENDERERS[panel.content.kind](content, own);
      }
      update(panel);
      const said = JSON.stringify([panel.source, kind]);
      if (said !== from) fillSource(source, panel);
      from = said;
    },
  };
}

/** @param {HTMLElement} place @param {Panel} panel */
function fillSource(place, panel) {
  place.replaceChildren(make("p", "", ...worded(panel.source.text)));
  if (panel.source.files.length) {
    place.append(make("ul", "files", ...panel.source.files.map((file) => make("li", "", copied(file)))));
  }
  const links = make("p", "forms");
  if (panel.content.kind !== "text") {
    links.append(link(formOfPage("csv", { panel: panel.key }), "These numbers as CSV"), " ");
  }
  links.append(link(formOfPage("json"), "This page as JSON"));
  place.append(links);
}
