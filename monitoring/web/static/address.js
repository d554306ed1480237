/**
 * Where things are: this page, its JSON, its changes, a panel's CSV, and what links inside panels mean.
 *
 * The shell says where the dashboard's root is, because a proxy may have put it below another site's.
 */

const shell = document.documentElement.dataset;

/** The dashboard's root, ending in a slash. */
export const ROOT = new URL((shell.root || "/").replace(/\/*$/, "/"), location.href);

/** The path of this page below the root, with its query; it may change while the page is open only by leaving it. */
export const PATH = shell.path ?? "";

/** The start of the server that sent the shell. */
export const SERVER = shell.server ?? "";

/** @param {string} link relative to the root */
export function inside(link) {
  return new URL(link.replace(/^\/+/, ""), ROOT).href;
}

/**
 * The address of this page in another form.
 *
 * @param {"json" | "csv" | "live"} form
 * @param {Record<string, string>} [more] further parameters
 */
export function formOfPage(form, more = {}) {
  const [path, query = ""] = PATH.split("?", 2);
  const parameters = new URLSearchParams(query);
  for (const [name, value] of Object.entries(more)) parameters.set(name, value);
  const asked = parameters.toString();
  return inside(`${form}/${path}${asked ? `?${asked}` : ""}`);
}

/**
 * This page with some parameters changed; an empty value takes one away.
 *
 * @param {Record<string, string>} changes
 */
export function pageWith(changes) {
  const [path, query = ""] = PATH.split("?", 2);
  const parameters = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) parameters.set(name, value);
    else parameters.delete(name);
  }
  const asked = parameters.toString();
  return inside(`${path}${asked ? `?${asked}` : ""}`);
}

/** A parameter of this page, empty where it has none. @param {string} name */
export function parameter(name) {
  return new URLSearchParams(PATH.split("?", 2)[1] ?? "").get(name) ?? "";
}
