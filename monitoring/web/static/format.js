/**
 * Writing values with their units: digits as in the server's sentences, local time with UTC at hand, and an en dash,
 * never 0, where nothing is known.
 *
 * @import {Cell, Unit} from "./contract.js"
 */

export const NONE = "\u2013";
const THIN = "\u202f";

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {number} amount @param {Intl.NumberFormatOptions} options */
function digits(amount, options) {
  const key = JSON.stringify(options);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.NumberFormat("en-GB", options)));
  const parts = format.formatToParts(amount);
  return parts.map(({ type, value }) => (type === "minusSign" ? "\u2212" : value)).join("");
}

/** Whole from 100 on, below that to three digits that count. @param {number} value */
function number(value) {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return digits(value, { maximumSignificantDigits: 2 });
  if (size >= 100) return digits(value, { maximumFractionDigits: 0 });
  return digits(value, { maximumFractionDigits: size >= 10 ? 1 : size >= 1 ? 2 : 3 });
}

/**
 * A value in two parts, so that its unit can be written smaller.
 *
 * @param {Cell} value
 * @param {Unit} unit
 * @returns {{text: string, unit: string}}
 */
export function write(value, unit) {
  if (value === null || value === undefined) return { text: NONE, unit: "" };
  if (typeof value === "string") return { text: value, unit: "" };
  switch (unit) {
    case "text":
      return { text: String(value), unit: "" };
    case "count":
      return { text: digits(value, { maximumFractionDigits: Number.isInteger(value) ? 0 : 1 }), unit: "" };
    case "share":
      return { text: percent(value), unit: "%" };
    case "mbps":
      return { text: number(value), unit: "Mb/s" };
    case "per_s":
      return { text: number(value), unit: "/s" };
    case "per_h":
      return { text: number(value), unit: "/h" };
    case "mb":
      return megabytes(value);
    case "s":
      return duration(value);
    case "time":
      return { text: moment(value), unit: "" };
    default:
      return { text: number(value), unit: "" };
  }
}

/** A value with its unit, as one text. @param {Cell} value @param {Unit} unit */
export function plain(value, unit) {
  const { text, unit: after } = write(value, unit);
  return after ? `${text}${after === "%" || after.startsWith("/") ? THIN : "\u00a0"}${after}` : text;
}

/** 99.97 % is not 100 %, and 0.02 % not 0 %. @param {number} share */
function percent(share) {
  const value = share * 100;
  if (value > 99.9 && value < 100) return "99.9";
  if (value > 0 && value < 0.1) return "<0.1";
  return digits(value, { maximumFractionDigits: Math.abs(value) < 10 || value > 99 ? 1 : 0 });
}

/** @param {number} value MB */
function megabytes(value) {
  if (Math.abs(value) >= 999_950) return { text: number(value / 1e6), unit: "TB" };
  if (Math.abs(value) >= 999.95) return { text: number(value / 1e3), unit: "GB" };
  return { text: number(value), unit: "MB" };
}

/** Two units at most, the larger never full. @param {number} seconds */
function duration(seconds) {
  const sign = seconds < 0 ? "\u2212" : "";
  const length = Math.abs(seconds);
  if (length === 0) return { text: "0", unit: "s" };
  if (length < 0.9995) return { text: sign + digits(length * 1000, { maximumSignificantDigits: 3 }), unit: "ms" };
  if (length < 99.95) {
    return { text: sign + digits(length, { maximumFractionDigits: length < 9.995 ? 2 : 1 }), unit: "s" };
  }
  const steps = /** @type {const} */ ([[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]);
  for (const [large, name, small, rest] of steps) {
    const whole = Math.round(length / small);
    const count = Math.floor((whole * small) / large);
    if (count === 0) continue;
    if (count >= 100) return { text: sign + digits(count, { maximumFractionDigits: 0 }), unit: name };
    const left = whole - (count * large) / small;
    return left ? { text: `${sign}${count}${THIN}${name} ${left}`, unit: rest } : { text: sign + count, unit: name };
  }
  return { text: sign + Math.round(length), unit: "s" };
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_OF_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const SHORT_CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** Local date and time; a page stays open over midnight, so that the day is always there. @param {number} at */
export function moment(at) {
  const date = new Date(at * 1000);
  const day = date.getFullYear() === new Date().getFullYear() ? DAY : DAY_OF_YEAR;
  return Number.isNaN(date.getTime()) ? NONE : `${day.format(date)}, ${CLOCK.format(date)}`;
}

/** @param {number} at */
export function day(at) {
  return DAY.format(at * 1000);
}

/** @param {number} at @param {boolean} [seconds] */
export function clock(at, seconds = false) {
  return (seconds ? CLOCK : SHORT_CLOCK).format(at * 1000);
}

/** @param {number} at */
export function utc(at) {
  const date = new Date(at * 1000);
  return Number.isNaN(date.getTime()) ? "" : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** @type {Partial<Record<Unit, string>>} */
const NAMES = { mbps: "Mb/s", per_s: "per second", per_h: "per hour", share: "%", mb: "MB", s: "s" };

/** The unit alone, for an axis whose numbers are written without it. @param {Unit} unit */
export function unitName(unit) {
  return NAMES[unit] ?? "";
}
