// The background of a drawing.  If a page is narrower than the drawing, the drawing is scrolled sideways, so that
// letters stay large enough to read.

import { html } from "./svg.ts";

/** The smallest scale at which a picture may be drawn: its smallest letters then have 12 pixels. */
export const SMALLEST = 1;

/** Whether an element that is scrolled sideways continues on its left, and on its right. */
export function hiddenIn({ scrollLeft, scrollWidth, clientWidth }: HTMLElement): [boolean, boolean] {
  return [scrollLeft > 1, scrollLeft < scrollWidth - clientWidth - 1]; // ignore fractions of a pixel
}

export class Ground {
  readonly root = html("div", "vmw-ground");
  private readonly drawing: SVGElement;

  constructor(drawing: SVGElement) {
    this.drawing = drawing;
    this.root.addEventListener("scroll", () => this.goesOn(), { passive: true });
  }

  /** Whether the drawing is scrolled if it is laid out for this many pixels. */
  scroll(scrolls: boolean, width: number): void {
    this.root.classList.toggle("vmw-scrolls", scrolls);
    if (scrolls) this.root.tabIndex = 0;
    else this.root.removeAttribute("tabindex");
    this.drawing.style.minWidth = scrolls ? `${Math.round(SMALLEST * width)}px` : "";
    this.goesOn();
  }

  /** Whether something is drawn beyond the right edge: a drawing that is too wide may be empty there. */
  private continues(): boolean {
    const edge = this.root.getBoundingClientRect().right + 1;
    return [...this.drawing.querySelectorAll("text,.bar,.line")].some(
      (one) => one.getBoundingClientRect().right > edge,
    );
  }

  /** Shades the sides on which the picture continues. */
  private goesOn(): void {
    const [left, right] = this.root.classList.contains("vmw-scrolls") ? hiddenIn(this.root) : [false, false];
    this.root.classList.toggle("vmw-more-left", left);
    this.root.classList.toggle("vmw-more-right", right && this.continues());
  }
}
