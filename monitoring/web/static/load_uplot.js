/**
 * uPlot, which set-up has put under the server's `static/lib/`. Where it has not, plots are shown as tables.
 */

import { inside } from "./address.js";
import { make } from "./element.js";

/** @typedef {typeof import("uplot")} Library */

/** @type {Promise<Library | null> | null} */
let loading = null;

/** @returns {Promise<Library | null>} */
export function loadUPlot() {
  loading ??= load();
  return loading;
}

async function load() {
  try {
    const module = await import(inside("static/lib/uPlot.esm.js"));
    const style = make("link");
    style.rel = "stylesheet";
    style.href = inside("static/lib/uPlot.min.css");
    // Before ours, which says how its parts look here.
    document.head.prepend(style);
    await new Promise((done) => {
      style.onload = style.onerror = done;
    });
    return /** @type {Library} */ (module.default);
  } catch {
    return null;
  }
}
