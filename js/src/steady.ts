// While a reader steps through an operation, the parts above and below the drawing stay in place: no height shrinks.

export class Steady {
  private readonly words: HTMLElement;
  private readonly drawing: SVGElement;
  private operation = -1;
  private place = -1;
  private tallest = 0;

  constructor(words: HTMLElement, drawing: SVGElement) {
    this.words = words;
    this.drawing = drawing;
  }

  /**
   * Notes that a picture of an operation, this many pixels high, is about to be drawn in place of another.  A picture
   * of the same place was laid out again, for another room, and takes the height that it needs.
   */
  keep(operation: number, place: number, height: number): void {
    const same = operation === this.operation && place !== this.place;
    const high = same ? this.words.offsetHeight : 0;
    this.words.style.minHeight = high ? `${high}px` : "";
    this.tallest = Math.max(height, same ? this.tallest : 0);
    this.drawing.style.marginBottom = this.tallest > height ? `${this.tallest - height}px` : "";
    this.operation = operation;
    this.place = place;
  }
}
