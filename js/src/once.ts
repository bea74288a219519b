// One sentence for each cell: if an output has several pictures, the first says what happened.

import { html } from "./svg.ts";

const AREA = ".jp-OutputArea";

/** Elements that show one of their parts at a time: each of these pictures may be alone in sight. */
const ONE_AT_A_TIME = ".jupyter-widget-tab, .jupyter-widget-accordion, .jupyter-widget-stack";

/** The output of the cell that contains an element, with any outputs nested in it; null outside a notebook. */
function output(root: Element): Element | null {
  let found: Element | null = null;
  for (let area = root.closest(AREA); area; area = area.parentElement?.closest(AREA) ?? null) found = area;
  return found;
}

/** In a part that begins or ends with the earlier sentence, only the repeated sentences are hidden. */
function fold(part: Element, sentence: string, said: ReadonlySet<string>): void {
  const known = [...said].sort((one, other) => other.length - one.length); // one may begin as another does
  const hidden = (words: string) => html("span", "vmw-said", words);
  const words: (string | Element)[] = [];
  let rest = sentence;
  const next = () => known.find((one) => rest.startsWith(`${one} `));
  for (let begin = next(); begin; begin = next()) {
    words.push(hidden(begin), " ");
    rest = rest.slice(begin.length + 1);
  }
  const end = known.find((one) => rest === one || rest.endsWith(` ${one}`)) ?? "";
  const own = rest.slice(0, rest.length - end.length);
  words.push(own);
  if (end) words.push(hidden(end));
  if (words.length > 1) {
    part.replaceChildren(...words);
    if (!own.trim()) part.classList.add("vmw-said");
  } else if (part.children.length) part.textContent = sentence;
}

/**
 * Hides the sentences that an earlier picture of the same output has.  On full screen, a picture has its own
 * (style.css).
 */
export function once(root: Element): void {
  const said = new Set<string>();
  for (const caption of output(root)?.querySelectorAll<HTMLElement>(".vmwidgets .vmw-bar > .vmw-caption") ?? []) {
    if (caption.closest(ONE_AT_A_TIME)) continue;
    const parts = [...caption.querySelectorAll(":scope > b, :scope > .vmw-reason")];
    for (const part of parts) {
      const sentence = part.textContent ?? "";
      part.classList.toggle("vmw-said", said.has(sentence));
      fold(part, sentence, said);
      if (sentence) said.add(sentence);
    }
    const left = parts.some((part) => part.textContent && !part.classList.contains("vmw-said"));
    caption.classList.toggle("vmw-said", !left);
  }
}
