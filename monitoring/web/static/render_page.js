/**
 * The panels of a page, in order. What did not change is not touched; what did is changed in its place.
 *
 * @import {Panel} from "./contract.js"
 */

import { arrange, make } from "./element.js";
import { renderPanel } from "./render_panel.js";

/** @param {HTMLElement} place */
export function renderPage(place) {
  /** @type {Map<string, ReturnType<typeof renderPanel>>} */
  let panels = new Map();
  /** @type {Map<string, HTMLElement>} */
  let groups = new Map();

  /** @param {Panel} panel */
  function update(panel) {
    try {
      panels.get(panel.key)?.update(panel);
    } catch (error) {
      // One panel that cannot be shown must not take the others with it.
      console.error(`panel ${panel.key}:`, error);
    }
  }

  return {
    /** @param {Panel[]} all the whole page's */
    show(all) {
      const [before, old] = [panels, groups];
      panels = new Map(all.map((panel) => [panel.key, before.get(panel.key) ?? renderPanel(panel.key)]));
      groups = new Map();
      /** @type {[HTMLElement, HTMLElement[]][]} */
      const rows = [];
      let last = "";
      for (const panel of all) {
        const element = /** @type {HTMLElement} */ (panels.get(panel.key)?.element);
        if (!panel.group) {
          rows.push([element, []]);
        } else if (panel.group === last) {
          rows.at(-1)?.[1].push(element);
        } else {
          const name = `${panel.group} from ${panel.key}`;
          const group = old.get(name) ?? make("div", "group");
          groups.set(name, group);
          rows.push([group, [element]]);
        }
        last = panel.group;
      }
      arrange(place, rows.map(([row]) => row));
      for (const [row, members] of rows) if (members.length) arrange(row, members);
      // Only now are they on the page and have a width to be drawn in.
      all.forEach(update);
    },
    /** @param {Panel[]} some those that changed */
    change(some) {
      some.forEach(update);
    },
  };
}
