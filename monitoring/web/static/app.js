/**
 * Begins: fills the shell, follows the server, and shows what it sends.
 */

import { formOfPage } from "./address.js";
import { themeButton } from "./choose_theme.js";
import { make, say } from "./element.js";
import { filterForm, isJobsPage } from "./filter_jobs.js";
import { heardLine } from "./heard.js";
import { follow } from "./live.js";
import { watchFiles } from "./newer_page.js";
import { pageHead } from "./page_head.js";
import { renderPage } from "./render_page.js";

/** @param {string} id */
function part(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page's shell has no #${id}`);
  return element;
}

const panels = part("panels");
const showHead = pageHead(part("crumbs"), part("title"), part("spans"));
const page = renderPage(panels);
const heard = heardLine(() => stream.ask());
part("standing").append(heard.line, themeButton());
part("trouble").append(heard.banner);
if (isJobsPage()) part("ask").append(filterForm());

const clocks = make("p");
const json = make("a", "", "This page as JSON");
json.href = formOfPage("json");
part("foot").append(json, clocks);

const restarted = watchFiles();
const stream = follow({
  page(whole) {
    showHead(whole);
    page.show(whole.panels);
    heard.heard(whole.at, whole.heard_at);
    say(clocks, heard.clocks());
    // Tests and those who script the page wait for this.
    document.documentElement.dataset.shown = String(whole.at);
    panels.removeAttribute("aria-busy");
    toFragment();
  },
  panels(changes) {
    page.change(changes.panels);
    heard.heard(changes.at, changes.heard_at);
    say(clocks, heard.clocks());
    document.documentElement.dataset.shown = String(changes.at);
  },
  lost: heard.lost,
  found: heard.found,
  restarted: (server) => void restarted(server),
});

let moved = false;
/** A link to one panel works although the panel was not there when the page was. */
function toFragment() {
  if (moved || !location.hash) return;
  moved = true;
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}
