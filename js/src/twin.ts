// The static twin of a view: a second output of the same cell, which is shown where there is no live view.

import { html } from "./svg.ts";

/**
 * A style element that hides the twin called `id` for as long as it is on the page.
 *
 * In JupyterLab, only a twin inside the output area that also contains the view is hidden: the same saved notebook,
 * opened next to this one, has a twin of the same name that must stay.  An output that itself contains the view stays
 * too: an `Output` widget or `interact` shows it, with an output area of its own.  In other hosts, the twin is hidden,
 * with the box around it.
 */
export function hideTwin(id: string, inOutputArea: boolean): HTMLStyleElement {
  const twin = `[data-vmwidgets-twin="${CSS.escape(id)}"]`;
  const view = `[data-vmwidgets-view="${CSS.escape(id)}"]`;
  const rule = inOutputArea
    ? `.jp-OutputArea:has(${view}) > .jp-OutputArea-child:has(${twin}):not(:has(${view})) { display: none }`
    : `${twin}, [data-vmwidgets-box]:has(${twin}) { display: none }`;
  return html("style", "", rule);
}

/** A live picture's message on its page, with its ID: a saved picture that plays in its place ends. */
export const LIVE = "vmwidgets-live";

/** Writes a sentence below the twins of a view that is gone for good. */
export function markTwins(within: Element, id: string, sentence: string): void {
  for (const twin of within.querySelectorAll(`[data-vmwidgets-twin="${CSS.escape(id)}"]`)) {
    twin.append(html("div", "vmw-gone", sentence));
  }
}
