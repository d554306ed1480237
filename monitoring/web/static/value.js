/**
 * One value as an element: a number, a chip with a job state, a moment with its UTC, a command to copy, or a dash.
 *
 * @import {Cell, Tone, Unit} from "./contract.js"
 */

import { JOB_STATES } from "./contract.js";
import { make, mark, say, unseen, worded } from "./element.js";
import { NONE, plain, utc } from "./format.js";

/** Tones in a word, beside their sign and colour. */
export const TONE_WORDS = { "": "", good: "fine", warn: "watch", bad: "act" };

/**
 * @param {Cell} value
 * @param {Unit} unit
 * @returns {Node}
 */
export function valueNode(value, unit) {
  if (value === "") return document.createTextNode("");
  if (value === null) {
    const dash = make("span", "none", NONE);
    mark(dash, "aria-hidden", "true");
    return make("span", "", dash, unseen("not known"));
  }
  if (unit === "state") return chip(String(value));
  if (unit === "time" && typeof value === "number") {
    const time = make("time", "", plain(value, unit));
    time.title = utc(value);
    if (time.title) time.dateTime = new Date(value * 1000).toISOString();
    return time;
  }
  if (unit === "code") return copied(String(value));
  if (unit === "text") return make("span", "", ...worded(plain(value, unit)));
  return document.createTextNode(plain(value, unit));
}

/** @param {string} state */
export function chip(state) {
  const known = JOB_STATES.includes(state);
  return make("span", known ? `chip state-${state}` : "chip", state);
}

/**
 * A sign for a tone, with its word.
 *
 * @param {Tone} tone
 * @param {boolean} visible whether the word is; else it is for screen readers alone
 */
export function toneNode(tone, visible) {
  const sign = make("span", "sign");
  mark(sign, "aria-hidden", "true");
  const word = make("span", visible ? "word" : "unseen", TONE_WORDS[tone]);
  return make("span", `tone tone-${tone}`, sign, word);
}

/** @param {string} text a command or path */
export function copied(text) {
  const code = make("code", "", text);
  const button = make("button", "copy", "copy");
  button.type = "button";
  mark(button, "aria-label", `copy ${text}`);
  button.addEventListener("click", () => void copy(code, button));
  return make("span", "copyable", code, button);
}

/** The clipboard is closed to pages that came over plain http; there the text is selected, for Ctrl+C. */
async function copy(/** @type {HTMLElement} */ code, /** @type {HTMLElement} */ button) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    say(button, "copied");
  } catch {
    getSelection()?.selectAllChildren(code);
    say(button, "selected");
  }
  setTimeout(() => say(button, "copy"), 2000);
}
