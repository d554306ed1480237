/**
 * The head of the page: the way up, the title, and which stretch of time the plots cover.
 *
 * @import {Crumb, Page} from "./contract.js"
 */

import { inside, pageWith, parameter, PATH } from "./address.js";
import { arrange, link, make, mark, say } from "./element.js";

const SPANS = /** @type {const} */ ([["1h", "1 h"], ["6h", "6 h"], ["24h", "24 h"], ["", "whole"]]);

/** @param {HTMLElement} crumbs @param {HTMLElement} heading @param {HTMLElement} spans */
export function pageHead(crumbs, heading, spans) {
  let above = "";
  if (/^c\/[^/?]+(\/site\/[^/?]+)?(\?|$)/.test(PATH)) spans.append(...spanLinks());
  else spans.hidden = true;

  /** @param {Page} page */
  return (page) => {
    say(heading, page.title);
    document.title = page.title === "SonicGrid" ? page.title : `${page.title} \u00b7 SonicGrid`;
    const now = JSON.stringify([page.crumbs, page.title]);
    if (now === above) return;
    above = now;
    const list = make("ol");
    arrange(list, [...page.crumbs.map(crumb), here(page.title)]);
    crumbs.replaceChildren(list);
  };
}

/** @param {Crumb} up */
function crumb(up) {
  return make("li", "", link(inside(up.link), up.title));
}

/** @param {string} title */
function here(title) {
  const item = make("li", "", title);
  mark(item, "aria-current", "page");
  return item;
}

function spanLinks() {
  const chosen = parameter("last");
  return SPANS.map(([last, words]) => {
    const anchor = link(pageWith({ last }), words);
    if (!last) anchor.append(make("span", "unseen", " campaign"));
    mark(anchor, "aria-current", last === chosen ? "true" : null);
    return anchor;
  });
}
