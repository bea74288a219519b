// How much room a picture has on its page: measured, and told once it has come to rest.

/** Pixels beside a drawing: the padding of a picture's box. */
export const MARGINS = 28;
/** Milliseconds that a width must last, but for the first. */
const REST = 120;
/** Pixels below which more room is left unused: a scroll bar that comes and goes with the picture's height needs less. */
const SLACK = 24;

export class Width {
  private readonly place: HTMLElement;
  private readonly tell: (px: number) => void;
  private told = 0;

  /** Calls `tell` with the room that `place` has, and again when that changes, until `signal` says that it is gone. */
  constructor(place: HTMLElement, tell: (px: number) => void, signal: AbortSignal) {
    this.place = place;
    this.tell = tell;
    place.classList.add("vmw-place");
    this.measure();
    if (typeof ResizeObserver === "undefined") return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const observer = new ResizeObserver(() => {
      clearTimeout(timer);
      if (this.told) timer = setTimeout(() => this.measure(), REST);
      else this.measure();
    });
    observer.observe(place);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      clearTimeout(timer);
    });
  }

  /** What was told is told once more: who asked may have forgotten it. */
  again(): void {
    if (this.told) this.tell(this.told);
  }

  private measure(): void {
    const px = Math.floor(this.place.clientWidth - MARGINS);
    if (px <= 0 || (this.told && this.told <= px && px < this.told + SLACK)) return;
    this.told = px;
    this.tell(px);
  }
}
