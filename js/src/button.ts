// Buttons of a picture.

import { html } from "./svg.ts";

/** A button that Tab reaches; it has a key besides. */
export function button(text: string, label: string, key: string): HTMLButtonElement {
  const element = html("button", "vmw-button", text);
  element.type = "button";
  element.title = `${label} (${key})`;
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-keyshortcuts", key);
  return element;
}
