/**
 * After the server was started again with other files of this page, the page is loaded again, once.
 *
 * What differs is seen by the files' text, since a server that was only restarted is no reason to disturb anybody.
 */

import { inside } from "./address.js";

/** Addresses of the files that this page was made of, as far as they are loaded: those for plots come late. */
function ours() {
  const names = performance.getEntriesByType("resource").map((entry) => entry.name);
  return [...new Set(names)].filter((name) => name.startsWith(inside("static/"))).sort();
}

/** @param {string[]} names @param {RequestCache} cache */
async function contents(names, cache) {
  const texts = await Promise.all(names.map(async (name) => {
    const answer = await fetch(name, { cache });
    return answer.ok ? await answer.text() : "";
  }));
  return JSON.stringify(texts);
}

/** @returns {(server: string) => Promise<void>} to be called when the server is another one */
export function watchFiles() {
  // Small files, and out of the browser's cache.
  /** @type {string[]} */
  let names = [];
  const first = new Promise((resolve) => setTimeout(resolve, 2000))
    .then(() => contents((names = ours()), "default"))
    .catch(() => "");
  return async (server) => {
    try {
      const before = await first;
      const after = await contents(names, "no-cache");
      if (!before || before === after || sessionStorage.getItem("sonicgrid-reloaded-for") === server) return;
      sessionStorage.setItem("sonicgrid-reloaded-for", server);
      location.reload();
    } catch {
      // The server went away again, or storage is closed: then the page stays as it is.
    }
  };
}
