/**
 * Making and changing elements. All text goes through textContent: what comes from jobs and files is never markup.
 *
 * Nothing is written that is there already, so that a selection, the focus and a screen reader's place survive.
 */

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [classes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, classes = "", ...children) {
  const element = document.createElement(name);
  if (classes) element.className = classes;
  element.append(...children);
  return element;
}

/** @param {Node} node @param {string} text */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Nodes of a text; what stands between backticks is a command or a key. @param {string} text @returns {Node[]} */
export function worded(text) {
  const parts = text.split("`");
  if (parts.length % 2 === 0) return [document.createTextNode(text)];
  return parts.map((part, index) => (index % 2 ? make("code", "", part) : document.createTextNode(part)));
}

/** @type {WeakMap<Element, string>} */
const wordings = new WeakMap();

/** The same as `say`, for text that may hold commands. @param {Element} element @param {string} text */
export function sayWords(element, text) {
  if (wordings.get(element) === text) return;
  wordings.set(element, text);
  element.replaceChildren(...worded(text));
}

/** @param {Element} element @param {string} name @param {string | null} value null takes it away */
export function mark(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Make these the children of a parent, in this order, moving as few as possible.
 *
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const element of wanted) {
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}

/** @param {string} href @param {string} text @param {string} [classes] */
export function link(href, text, classes = "") {
  const anchor = make("a", classes, text);
  anchor.href = href;
  return anchor;
}

/** Text for screen readers alone. @param {string} text */
export function unseen(text) {
  return make("span", "unseen", text);
}

/** A key of the server's as an id of this page: without spaces, whatever a site is called. @param {string} key */
export function identity(key) {
  return `panel-${encodeURIComponent(key).replace(/%/g, "_")}`;
}
