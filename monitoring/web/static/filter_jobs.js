/**
 * The form above the table of jobs. It asks by the address, so that what was found can be sent to somebody.
 */

import { pageWith, parameter, PATH } from "./address.js";
import { JOB_STATES } from "./contract.js";
import { link, make } from "./element.js";

const FIELDS = /** @type {const} */ ([
  ["state", "State", ["", ...JOB_STATES]],
  ["site", "Site", null],
  ["flavour", "Flavour", ["", "gpu", "cpu"]],
  ["exit_class", "Exit class", null],
  ["block", "Block", null],
  ["worker", "Worker contains", null],
]);

/** Whether this is a page of jobs. */
export function isJobsPage() {
  return /^c\/[^/]+\/jobs(\?|$)/.test(PATH);
}

/** @returns {HTMLFormElement} */
export function filterForm() {
  const form = make("form", "filter");
  form.setAttribute("aria-label", "Which jobs");
  form.setAttribute("role", "search");
  for (const [name, title, words] of FIELDS) {
    form.append(make("label", "", make("span", "", title), field(name, words)));
  }
  const button = make("button", "", "Show");
  const clear = link(pageWith(Object.fromEntries([...FIELDS.map(([name]) => [name, ""]), ["offset", ""]])), "All jobs");
  form.append(make("span", "actions", button, clear));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = FIELDS.map(([name]) => [name, String(new FormData(form).get(name) ?? "").trim()]);
    location.assign(pageWith({ ...Object.fromEntries(asked), offset: "" }));
  });
  return form;
}

/** @param {string} name @param {readonly string[] | null} words what can be chosen; null for anything */
function field(name, words) {
  const value = parameter(name);
  if (words === null) {
    const input = make("input");
    input.name = name;
    input.value = value;
    input.autocomplete = "off";
    input.spellcheck = false;
    if (name === "block") input.inputMode = "numeric";
    return input;
  }
  const select = make("select");
  select.name = name;
  for (const word of words) select.append(new Option(word || "any", word, false, word === value));
  if (value && !words.includes(value)) select.append(new Option(value, value, true, true));
  return select;
}
