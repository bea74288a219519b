// The time at which a picture that has come is drawn: immediately, but never faster than the screen.  While the slider
// is dragged, its mark and headline come first: a picture takes the page longer than both, and the dragged slider must
// not stick.

/**
 * Milliseconds: a picture that comes sooner than this after a drawing waits for the screen's next frame, and then only
 * the newest is drawn.
 */
const FRAME = 16;

/** Milliseconds between two pictures of a drag. */
export const BETWEEN = 120;

/**
 * Milliseconds after a move of the slider in which its mark may not be on the screen yet, and the next move is likely.
 */
const SEEN = 50;

export class Pace {
  private readonly draw: () => void;
  private readonly dragged: () => number;
  private readonly clock: () => number;
  private waits = false;
  private drawn = Number.NEGATIVE_INFINITY;

  /** `draw` draws the newest picture; `dragged` returns the time when the slider was moved last. */
  constructor(draw: () => void, dragged: () => number, clock = () => performance.now()) {
    this.draw = draw;
    this.dragged = dragged;
    this.clock = clock;
  }

  /** Notes that another picture has come.  If one is waiting already, the newest is drawn instead. */
  come(): void {
    if (this.waits) return;
    const now = this.clock();
    // A hidden page gets no animation frames, and must not fall behind forever.
    const [moved, drawn] = [now - this.dragged(), now - this.drawn];
    if (document.hidden) this.go();
    else if (moved < SEEN) {
      this.waits = true;
      const settled = (): void => {
        this.go();
        void document.body.offsetHeight; // laid out now, so that the next frame, which may have a mark, only paints
      };
      setTimeout(() => requestAnimationFrame(() => setTimeout(settled)), BETWEEN - drawn);
    } else if (drawn > FRAME) this.go();
    else {
      this.waits = true;
      requestAnimationFrame(() => this.go());
    }
  }

  private go(): void {
    this.waits = false;
    this.draw();
    this.drawn = this.clock();
  }
}
