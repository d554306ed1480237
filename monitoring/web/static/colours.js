/**
 * Colours of plots. The style sheet has them, for light, dark and paper; every job state has one of its own everywhere.
 *
 * @import {Line} from "./contract.js"
 */

import { APPEARANCE } from "./choose_theme.js";
import { JOB_STATES } from "./contract.js";

const SERIES = 8;
const DASHES = [[], [7, 3], [2, 2.5], [9, 3, 2, 3], [4, 4]];

// Asking for a style makes the browser work out all of them, so it is asked once for each look of the page.
/** @type {Map<string, string>} */
const known = new Map();
document.addEventListener(APPEARANCE, () => known.clear());

/** @param {string} name of a custom property, without its dashes */
export function colour(name) {
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    known.set(name, value);
  }
  return value;
}

/**
 * The name of a line's colour.
 *
 * @param {Line} line
 * @param {number} place among the lines that are neither limits nor states
 */
export function colourOf(line, place) {
  if (line.role === "limit") return "ink";
  if (line.role === "state" && JOB_STATES.includes(line.key)) return `state-${line.key}`;
  return `series-${place % SERIES}`;
}

/** More lines than colours are told apart by their dashes. @param {number} place */
export function dashOf(place) {
  return DASHES[Math.floor(place / SERIES) % DASHES.length];
}
