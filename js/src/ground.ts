// What a drawing lies on.  Where a page is narrower than the drawing it is scrolled sideways: letters stay as large as one
// can read.

import { html } from "./svg.ts";

/** How small a picture may be drawn beside its own size: its smallest letters have 12 pixels. */
export const SMALLEST = 1;

/** Whether something that is scrolled sideways goes on to its left, and to its right. */
export function hiddenIn({ scrollLeft, scrollWidth, clientWidth }: HTMLElement): [boolean, boolean] {
  return [scrollLeft > 1, scrollLeft < scrollWidth - clientWidth - 1]; // parts of a pixel are none
}

export class Ground {
  readonly root = html("div", "vmw-ground");
  private readonly drawing: SVGElement;

  constructor(drawing: SVGElement) {
    this.drawing = drawing;
    this.root.addEventListener("scroll", () => this.goesOn(), { passive: true });
  }

  /** Whether the drawing, laid out for so many pixels, is scrolled. */
  scroll(scrolls: boolean, width: number): void {
    this.root.classList.toggle("vmw-scrolls", scrolls);
    if (scrolls) this.root.tabIndex = 0;
    else this.root.removeAttribute("tabindex");
    this.drawing.style.minWidth = scrolls ? `${Math.round(SMALLEST * width)}px` : "";
    this.goesOn();
  }

  /** Shades the sides to which the picture goes on. */
  private goesOn(): void {
    const [left, right] = this.root.classList.contains("vmw-scrolls") ? hiddenIn(this.root) : [false, false];
    this.root.classList.toggle("vmw-more-left", left);
    this.root.classList.toggle("vmw-more-right", right);
  }
}
