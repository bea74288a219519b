// Text that may be too long for its room: it is cut only if it is too long in this page's font.  Python knows a limit
// of a text's width, and gives a room to each text that may exceed its space; no other text is measured.  A canvas
// measures, which costs the page no layout, and each text is measured once.

import type { Run } from "./scene.ts";
import { svg } from "./svg.ts";

const ELLIPSIS = "…";
/** Pixels by which a text may be too long: less than the space before its last letter. */
const SLACK = 0.5;
/** The number of widths that are kept. */
const MANY = 10_000;

const widths = new Map<string, number>();
let canvas: CanvasRenderingContext2D | null | undefined;

/** The width of a text in some font, in pixels. */
export type Measure = (text: string) => number;

/**
 * The part of `text` that is shown in `room` pixels, with an ellipsis at its end, or in its middle if the room is
 * negative.
 */
export function cut(text: string, room: number, measure: Measure): string {
  const most = Math.abs(room) + SLACK;
  if (measure(text) <= most) return text;
  const letters = Array.from(text);
  const kept = (count: number): string => {
    const start = room < 0 ? Math.floor(count / 3) : count;
    return letters.slice(0, start).join("") + ELLIPSIS + letters.slice(letters.length - (count - start)).join("");
  };
  let [least, above] = [0, letters.length];
  while (above - least > 1) {
    const count = (least + above) >> 1;
    if (measure(kept(count)) <= most) least = count;
    else above = count;
  }
  return least ? kept(least) : "";
}

/** Measures in the fonts that the text of one picture has on its page. */
export class Ruler {
  private readonly root: SVGElement;
  private readonly fonts = new Map<string, string>();

  constructor(root: SVGElement) {
    this.root = root;
  }

  /** Whether the picture is on a page, and has its style there: before that, its font is unknown. */
  get ready(): boolean {
    return this.root.isConnected && getComputedStyle(this.root).getPropertyValue("--vmw-sans") !== "";
  }

  /** The shown part of a run of text; all of it if nothing can be measured. */
  fit([, , text, style, , room]: Run): string {
    if (!room) return text;
    if (canvas === undefined) canvas = document.createElement("canvas").getContext("2d");
    const font = canvas && this.font(style);
    return font ? cut(text, room, (part) => width(part, font)) : text;
  }

  private font(style: string): string {
    const known = this.fonts.get(style);
    if (known !== undefined || !this.ready) return known ?? "";
    const probe = svg("text", style);
    this.root.append(probe);
    const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(probe);
    const font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
    probe.remove();
    this.fonts.set(style, font);
    return font;
  }
}

function width(text: string, font: string): number {
  const key = `${font}\n${text}`;
  const known = widths.get(key);
  if (known !== undefined || !canvas) return known ?? 0;
  if (widths.size >= MANY) widths.clear();
  canvas.font = font;
  const measured = canvas.measureText(text).width;
  widths.set(key, measured);
  return measured;
}
