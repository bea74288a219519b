// The room of a picture on its page: measured, and reported once it stops changing.

/** Milliseconds for which a width must last, except the first. */
const REST = 120;
/**
 * Pixels below which additional room is left unused: a scroll bar that comes and goes with the picture's height needs
 * less.
 */
const SLACK = 24;

/** Pixels for which a picture that fills the screen is laid out: enlarged to 1,920, its smallest words are 24 high. */
const FROM_AFAR = 760;

export class Room {
  private readonly place: HTMLElement;
  private readonly tell: (width: number, height: number) => void;
  private told: [width: number, height: number] = [0, 0];

  /**
   * Calls `tell` with the room of `place`, and again when it changes, until `signal` says that it is gone. The height
   * is the visible height: of the window, or of the part of it that scrolls.
   */
  constructor(place: HTMLElement, tell: (width: number, height: number) => void, signal: AbortSignal) {
    this.place = place;
    this.tell = tell;
    place.classList.add("vmw-place");
    this.measure();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = (): void => {
      clearTimeout(timer);
      if (this.told[0]) timer = setTimeout(() => this.measure(), REST);
      else this.measure();
    };
    signal.addEventListener("abort", () => clearTimeout(timer));
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(changed);
    observer.observe(place);
    signal.addEventListener("abort", () => observer.disconnect());
    addEventListener("resize", changed, { signal });
  }

  /** Reports the room again: the receiver may have forgotten it. */
  again(): void {
    if (this.told[0]) this.tell(...this.told);
  }

  private measure(): void {
    const filled = this.place.querySelector(":scope > .vmw-filled") !== null;
    const width = filled ? FROM_AFAR : this.place.clientWidth;
    if (width <= 0) return;
    const height = filled ? Math.floor((width * innerHeight) / innerWidth) : seen(this.place);
    const room: [number, number] = [width, height];
    if (this.told[0] && room.every((px, i) => (this.told[i] as number) <= px && px < (this.told[i] as number) + SLACK))
      return;
    this.told = room;
    this.tell(...room);
  }
}

/**
 * The visible pixels, from top to bottom, of the element around `place`: of the outermost part of the window that
 * scrolls.
 */
function seen(place: HTMLElement): number {
  let outermost: HTMLElement | undefined;
  for (let around = place.parentElement; around && around !== document.body; around = around.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(around).overflowY)) outermost = around;
  }
  return Math.max(1, Math.min(innerHeight, outermost?.clientHeight || innerHeight));
}
