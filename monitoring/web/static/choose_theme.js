/**
 * The button for light and dark, and word to the plots when the page looks otherwise: by it, by the system, for print.
 */

import { make, mark, say } from "./element.js";

const KEY = "sonicgrid-theme";
const WORDS = { "": "system", light: "light", dark: "dark" };
const AFTER = /** @type {const} */ ({ "": "light", light: "dark", dark: "" });
const root = document.documentElement;

/** The event of `document` at which plots draw themselves anew. */
export const APPEARANCE = "appearance";

/** @returns {HTMLElement} */
export function themeButton() {
  const word = make("span");
  const button = make("button", "quiet theme", make("span", "theme-label", "Theme: "), word);
  button.type = "button";
  const show = () => {
    const theme = chosen();
    say(word, WORDS[theme]);
    mark(button, "data-theme", theme || "system");
  };
  button.addEventListener("click", () => {
    choose(AFTER[chosen()]);
    show();
  });
  show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  return button;
}

/** @returns {"" | "light" | "dark"} */
function chosen() {
  const theme = root.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "";
}

/** @param {"" | "light" | "dark"} theme */
function choose(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  try {
    if (theme) localStorage.setItem(KEY, theme);
    else localStorage.removeItem(KEY);
  } catch {
    // It holds for this page alone then.
  }
  announce();
}

/** Paper is white. @param {boolean} begins */
function print(begins) {
  if (begins) root.dataset.printing = "";
  else delete root.dataset.printing;
  announce();
}

function announce() {
  document.dispatchEvent(new Event(APPEARANCE));
}

/** Whether the page is being laid out for paper. */
export function isPrinting() {
  return root.dataset.printing !== undefined;
}
