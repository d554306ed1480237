/**
 * How old the numbers are, by the server's clock, ticking; and one banner for what is wrong with the connection.
 *
 * Only the banner is announced to screen readers, and it does not tick.
 */

import { make, mark, say } from "./element.js";
import { moment, plain, utc } from "./format.js";

const STALE_S = 30;
const ASK_AFTER_S = 20;
const ASK_AGAIN_S = 60;
const CLOCKS_DIFFER_S = 60;

/** @param {() => void} ask for the whole page, before numbers are called old */
export function heardLine(ask) {
  const dot = make("span", "dot");
  mark(dot, "aria-hidden", "true");
  const words = make("span");
  const line = make("p", "heard", dot, words);
  const banner = make("div", "banner");
  mark(banner, "role", "status");
  mark(banner, "hidden", "");
  /** @type {number | null} */
  let heardAt = null;
  let aheadS = 0;
  let known = false;
  let lost = false;
  let why = "";
  let lostAt = 0;
  let askedAt = 0;

  const now = () => Date.now() / 1000 + aheadS;

  function show() {
    const age = heardAt === null ? null : Math.max(0, now() - heardAt);
    const stale = known && (age === null || age > STALE_S);
    if (known && !lost && !document.hidden && (age === null || age > ASK_AFTER_S) && now() - askedAt > ASK_AGAIN_S) {
      askedAt = now();
      ask();
    }
    mark(line, "data-is", lost ? "lost" : stale ? "stale" : known ? "live" : "waiting");
    mark(line, "title", heardAt === null ? null : utc(heardAt));
    const heard = age === null ? "nothing heard yet" : `last heard ${plain(Math.floor(age), "s")} ago`;
    say(words, known ? heard : lost ? "no numbers" : "asking the server");
    const trouble = lost ? lostWords() : stale ? staleWords() : "";
    mark(banner, "hidden", trouble === "" ? "" : null);
    mark(banner, "data-is", lost ? "lost" : "stale");
    say(banner, trouble);
  }

  function lostWords() {
    const since = `Not connected to the dashboard${known ? ` since ${moment(lostAt)}` : ""}`;
    if (why) return known ? `${since}. It says: ${why}` : why;
    const numbers = known ? " The numbers are those of that moment." : "";
    return `${since}: its server does not answer.${numbers} This page tries again by itself.`;
  }

  function staleWords() {
    if (heardAt === null) return "Nothing was heard from the collector yet. It may be starting, or it is not running.";
    const since = `Nothing was heard from the collector since ${moment(heardAt)}`;
    return `${since}: the numbers are those of that moment. It may be stopped, or behind.`;
  }

  setInterval(show, 1000);
  show();

  return {
    line,
    banner,
    /** @param {number} at of the server's clock @param {number | null} heard */
    heard(at, heard) {
      aheadS = at - Date.now() / 1000;
      heardAt = heard;
      known = true;
      show();
    },
    /** @param {string} reason */
    lost(reason) {
      if (!lost) lostAt = Date.now() / 1000;
      lost = true;
      why = reason;
      show();
    },
    found() {
      lost = false;
      show();
    },
    /** In words, how far this machine's clock is from the server's; empty where it is right enough. */
    clocks() {
      if (!known || Math.abs(aheadS) < CLOCKS_DIFFER_S) return "";
      const by = plain(Math.round(Math.abs(aheadS)), "s");
      return `This machine's clock is ${by} ${aheadS < 0 ? "ahead of" : "behind"} the server's.`;
    },
  };
}
