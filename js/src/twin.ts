// The static twin of a view: a second output of the same cell, which stays where no live view is.

import { html } from "./svg.ts";

/**
 * A style element that hides the twin called `id` for as long as it is on the page.
 *
 * In JupyterLab only inside the output area that holds the view as well: the same saved notebook, opened beside this
 * one, has a twin of the same name that must stay.  An output that holds the view too stays: it is what an `Output`
 * widget or `interact` shows, with an output area of its own.  Elsewhere the twin is hidden, and the box that it is in.
 */
export function hideTwin(id: string, inOutputArea: boolean): HTMLStyleElement {
  const twin = `[data-vmwidgets-twin="${CSS.escape(id)}"]`;
  const view = `[data-vmwidgets-view="${CSS.escape(id)}"]`;
  const rule = inOutputArea
    ? `.jp-OutputArea:has(${view}) > .jp-OutputArea-child:has(${twin}):not(:has(${view})) { display: none }`
    : `${twin}, [data-vmwidgets-box]:has(${twin}) { display: none }`;
  return html("style", "", rule);
}

/** What a live picture says on its page, with its id: a saved one that plays in its place ends. */
export const LIVE = "vmwidgets-live";

/** Writes a sentence below the twins of a view that is gone for good. */
export function markTwins(within: Element, id: string, sentence: string): void {
  for (const twin of within.querySelectorAll(`[data-vmwidgets-twin="${CSS.escape(id)}"]`)) {
    twin.append(html("div", "vmw-gone", sentence));
  }
}
