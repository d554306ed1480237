/**
 * The legend, which is a readout too: values of the bin under the cursor, or of the last one. A click hides a line.
 *
 * @import {Plot} from "./contract.js"
 * @import {Layer} from "./plot_layers.js"
 */

import { arrange, make, mark, say } from "./element.js";
import { clock, day, plain } from "./format.js";
import { lastKnown } from "./plot_layers.js";

/**
 * @param {HTMLElement} place
 * @param {Set<string>} hidden keys of lines that are switched off
 * @param {() => void} changed
 */
export function plotLegend(place, hidden, changed) {
  const when = make("p", "when");
  const list = make("ul", "legend");
  place.append(when, list);
  /** @type {Map<string, ReturnType<typeof itemOf>>} */
  const items = new Map();

  /** @param {string} key */
  function itemOf(key) {
    const swatch = make("span", "swatch");
    const name = make("span", "name");
    const value = make("span", "reading");
    const button = make("button", "quiet", swatch, name);
    button.type = "button";
    button.addEventListener("click", () => {
      if (!hidden.delete(key)) hidden.add(key);
      changed();
    });
    return { item: make("li", "", button, value), button, swatch, name, value };
  }

  return {
    /** @param {Layer[]} layers @param {number} height of the vertical axis */
    show(layers, height) {
      const wanted = layers.map((layer) => {
        const key = layer.line.key;
        const parts = items.get(key) ?? itemOf(key);
        items.set(key, parts);
        const above = layer.line.role === "limit" && layer.tops.every((top) => top === null || top > height);
        say(parts.name, above ? `${layer.line.title} (above this plot)` : layer.line.title);
        mark(parts.button, "aria-pressed", String(!hidden.has(key)));
        mark(parts.swatch, "class", `swatch ${layer.fill === "solid" ? "area" : "line"}`);
        parts.swatch.style.setProperty("--colour", `var(--${layer.colour})`);
        parts.swatch.style.setProperty("--dash", layer.dash.length ? "dashed" : "solid");
        return parts.item;
      });
      arrange(list, wanted);
    },
    /** @param {Plot} plot @param {number | null | undefined} pointed bin under the cursor */
    read(plot, pointed) {
      const bin = pointed ?? lastKnown(plot);
      const start = plot.starts[bin];
      const last = pointed === null || pointed === undefined ? "last: " : "";
      say(when, start === undefined ? "" : last + stretch(start, plot.bin_s));
      for (const line of plot.lines) {
        const parts = items.get(line.key);
        if (parts) say(parts.value, plain(line.values[bin] ?? null, plot.unit));
      }
    },
  };
}

/** From when to when a bin is. @param {number} start @param {number} binS */
function stretch(start, binS) {
  const end = start + binS;
  const other = day(end) === day(start) ? "" : `${day(end)}, `;
  return `${day(start)}, ${clock(start, binS < 60)} to ${other}${clock(end, binS < 60)}`;
}
