// While one steps through an operation, what is above and below the drawing stays where it is: nothing gets lower.

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
   * A picture of an operation, so many pixels high, is about to be drawn in place of another.  Of the same place it is
   * laid out again, for another room, and takes what it needs.
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
