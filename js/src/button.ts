// Buttons of a picture.

import { html } from "./svg.ts";

/** A button outside the tab order: the view is one tab stop, and each button has its key. */
export function button(text: string, label: string, key: string): HTMLButtonElement {
  const element = html("button", "vmw-button", text);
  element.type = "button";
  element.tabIndex = -1;
  element.title = `${label} (${key})`;
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-keyshortcuts", key);
  return element;
}
