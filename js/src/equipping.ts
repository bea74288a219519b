// The pictures that wait for their controls, whose code comes after the first picture, and the message for pictures
// that wait long.

import { PATIENCE } from "./code.ts";
import type { Equip } from "./controls.ts";
import type { Figure } from "./figure.ts";
import { isExported } from "./hearing.ts";

const LATE = "The controls come as soon as the Jupyter kernel is idle.";

export class Equipping {
  private readonly start: () => Promise<Equip>;
  private put: Equip | null = null;
  private starts = false;
  /** The pictures without controls, each with the timer after which it is told why. */
  private readonly waiting = new Map<Figure, ReturnType<typeof setTimeout>>();

  /** `start` requests the controls' code, and starts it. */
  constructor(start: () => Promise<Equip>) {
    this.start = start;
  }

  /** Gives the picture its controls: now, or once their code is here, unless `signal` says that it is gone. */
  give(figure: Figure, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (isExported()) {
      figure.lack("", true); // no kernel will ever send the code
      return;
    }
    const late = setTimeout(() => figure.lack(LATE), PATIENCE);
    this.waiting.set(figure, late);
    signal.addEventListener("abort", () => this.forget(figure));
    if (this.put) this.equip(this.put);
    else if (!this.starts) this.begin();
  }

  /** Gives controls to all waiting pictures.  If that fails, the next picture tries again, for all. */
  private async begin(): Promise<void> {
    this.starts = true;
    try {
      this.put = await this.start();
      this.equip(this.put);
    } catch (error) {
      for (const [figure, late] of this.waiting) {
        clearTimeout(late);
        figure.lack(`The controls of this picture could not be loaded. (${error})`, true);
      }
    } finally {
      this.starts = false;
    }
  }

  private equip(put: Equip): void {
    for (const figure of [...this.waiting.keys()]) {
      this.forget(figure);
      try {
        put(figure);
      } catch (error) {
        figure.lack(`The controls of this picture have failed. (${error})`, true);
      }
    }
  }

  private forget(figure: Figure): void {
    clearTimeout(this.waiting.get(figure));
    this.waiting.delete(figure);
  }
}
