/**
 * After the server was started again with other files of this page, the page is loaded again, once.
 *
 * What differs is seen by the files' text, since a server that was only restarted is no reason to disturb anybody.
 */

import { inside } from "./address.js";

/** Addresses of the files that this page was made of. */
function ours() {
  const names = performance.getEntriesByType("resource").map((entry) => entry.name);
  return [...new Set(names)].filter((name) => name.startsWith(inside("static/"))).sort();
}

/** @param {RequestCache} cache */
async function contents(cache) {
  const texts = await Promise.all(ours().map(async (name) => {
    const answer = await fetch(name, { cache });
    return answer.ok ? await answer.text() : "";
  }));
  return JSON.stringify(texts);
}

/** @returns {(server: string) => Promise<void>} to be called when the server is another one */
export function watchFiles() {
  // Small files, and out of the browser's cache.
  const first = new Promise((resolve) => setTimeout(resolve, 2000)).then(() => contents("default")).catch(() => "");
  return async (server) => {
    try {
      const [before, after] = [await first, await contents("no-cache")];
      if (!before || before === after || sessionStorage.getItem("sonicgrid-reloaded-for") === server) return;
      sessionStorage.setItem("sonicgrid-reloaded-for", server);
      location.reload();
    } catch {
      // The server went away again, or storage is closed: then the page stays as it is.
    }
  };
}
