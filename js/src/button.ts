// Buttons of a picture.

import { html } from "./svg.ts";

/** A button that Tab reaches; `key`, if there is one, does the same. */
export function button(text: string, label: string, key = ""): HTMLButtonElement {
  const element = html("button", "vmw-button", text);
  element.type = "button";
  element.title = key ? `${label} (${key})` : label;
  element.setAttribute("aria-label", label);
  if (key) element.setAttribute("aria-keyshortcuts", key);
  return element;
}
