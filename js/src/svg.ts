// The few operations on elements that every drawing module needs.

const NAMESPACE = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(name: K, className = ""): SVGElementTagNameMap[K] {
  const element = document.createElementNS(NAMESPACE, name);
  if (className) element.setAttribute("class", className);
  return element;
}

export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Sets an attribute only if it differs: an untouched element costs the browser no style or layout. */
export function put(element: Element, name: string, value: string | number): void {
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function drop(element: Element, name: string): void {
  if (element.hasAttribute(name)) element.removeAttribute(name);
}

export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes `parent` contain exactly `children` in this order, moving only misplaced elements.  The element with the focus
 * is not moved, since it would lose the focus: the others move around it.
 */
export function arrange(parent: Element, children: readonly Element[]): void {
  // Elements that leave are removed first: otherwise, they would put everything after them out of place.
  const staying = new Set(children);
  for (const child of [...parent.children]) if (!staying.has(child)) child.remove();
  const focused = focusedIn(parent);
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === focused) {
      for (let next: Element | null; at && at !== child; at = next) {
        next = at.nextElementSibling;
        parent.append(at);
      }
    }
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** The child of `parent` that has the focus, or contains the element with the focus. */
function focusedIn(parent: Element): Element | null {
  let at: Node | null = (parent.getRootNode() as Document | ShadowRoot).activeElement ?? null;
  if (!at || at === parent || !parent.contains(at)) return null;
  while (at && at.parentNode !== parent) at = at.parentNode;
  return at as Element | null;
}

/** Returns `count` elements called `name` in `parent`, adding or removing some at the end. */
export function match<K extends keyof SVGElementTagNameMap>(
  parent: Element,
  name: K,
  count: number,
): SVGElementTagNameMap[K][] {
  while (parent.children.length > count) parent.lastElementChild?.remove();
  while (parent.children.length < count) parent.append(svg(name));
  return Array.from(parent.children) as SVGElementTagNameMap[K][];
}

// ---- focus
// A control that hides, disables or removes itself would leave the focus to the page's body, where no key means anything.

const CONTROLS = "button, input, select, textarea, summary, a[href], [tabindex]";

/** Whether an element can't have the focus (any longer). */
function isGone(one: Element): boolean {
  return !one.isConnected || one.matches(":disabled") || one.closest("[hidden], [style*='display: none']") !== null;
}

/**
 * Makes a change in `within`.  If the element with the focus is gone then, `heir` gets the focus; without an heir, the
 * control that is now in its place gets it, or the last control before it.
 */
export function keepFocus(within: Element, change: () => void, heir?: HTMLElement): void {
  const page = within.getRootNode() as Document | ShadowRoot;
  const held = page.activeElement;
  const controls = () => [...within.querySelectorAll<HTMLElement>(CONTROLS)];
  const before = held && within.contains(held) && held !== within ? controls() : [];
  change();
  const { activeElement } = page;
  const isHandedOn = activeElement !== held && within.contains(activeElement);
  if (!before.length || isHandedOn || !held || !isGone(held)) return;
  const now = controls().filter((one) => one.tabIndex >= 0 && !isGone(one));
  const passed = before.slice(0, before.indexOf(held as HTMLElement));
  const place = Math.max(-1, ...passed.map((one) => now.indexOf(one)));
  (heir ?? now[place + 1] ?? now[place])?.focus({ preventScroll: true });
}

// ---- button
// Buttons of a picture.

/** A button that Tab reaches; `key`, if there is one, does the same. */
export function button(text: string, label: string, key = ""): HTMLButtonElement {
  const element = html("button", "vmw-button", text);
  element.type = "button";
  element.title = key ? `${label} (${key})` : label;
  element.setAttribute("aria-label", label);
  if (key) element.setAttribute("aria-keyshortcuts", key);
  return element;
}
