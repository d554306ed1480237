/**
 * The stream of this page's changes: opened again whenever it is lost, closed while nobody looks.
 *
 * The server sends the whole page on every connection, so that whatever was missed is right again with the first event.
 *
 * @import {Changes, Page} from "./contract.js"
 */

import { formOfPage, SERVER } from "./address.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/**
 * @typedef {object} Listener
 * @property {(page: Page) => void} page everything
 * @property {(changes: Changes) => void} panels what is new
 * @property {(why: string) => void} lost the connection; why is empty where nothing is known
 * @property {() => void} found it again
 * @property {(server: string) => void} restarted the server is another one than the one before
 */

/** @param {Listener} listener */
export function follow(listener) {
  /** @type {EventSource | null} */
  let source = null;
  let server = SERVER;
  let wait = FIRST_WAIT_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;

  function open() {
    close();
    const opened = new EventSource(formOfPage("live"));
    source = opened;
    opened.addEventListener("page", (event) => {
      wait = FIRST_WAIT_MS;
      listener.found();
      listener.page(JSON.parse(event.data));
      // Events are numbered SERVER-NUMBER.
      const sender = event.lastEventId.replace(/-[^-]*$/, "");
      if (sender && server && sender !== server) listener.restarted(sender);
      server = sender || server;
    });
    opened.addEventListener("panels", (event) => listener.panels(JSON.parse(event.data)));
    opened.addEventListener("error", () => void failed(opened));
  }

  /** A stream that ended is not mended by the browser where the server answers with an error; one rule for both. */
  async function failed(/** @type {EventSource} */ lost) {
    if (lost !== source) return;
    close();
    again();
    const why = await reason();
    if (source?.readyState !== EventSource.OPEN) listener.lost(why);
  }

  function again() {
    clearTimeout(later);
    later = setTimeout(open, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  function close() {
    clearTimeout(later);
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pageshow", (event) => event.persisted && open());
  addEventListener("pagehide", close);
  addEventListener("online", () => !document.hidden && open());
  if (!document.hidden) open();
  return {
    /** Ask for the whole page on a new connection: the old one may hang without anybody's having noticed. */
    ask: () => !document.hidden && open(),
  };
}

/** What the server says about this page where it gives no stream; empty where it says nothing. */
async function reason() {
  try {
    const answer = await fetch(formOfPage("json"), { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) return "";
    const said = await answer.json().catch(() => null);
    const error = said?.error?.message ?? said?.error ?? said?.detail;
    return typeof error === "string" ? error : `The server answers with ${answer.status} ${answer.statusText}`.trim();
  } catch {
    return "";
  }
}
