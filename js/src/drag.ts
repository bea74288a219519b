// A drag on a picture: it begins after a few pixels, so that a click stays a click, and the click that ends a drag does
// not count.

import type { Renderer } from "./renderer.ts";

const SLACK = 4; // pixels of movement that still count as a click

/** `begin` says what a pressed pointer holds (null: nothing); `move` follows it from where it was pressed. */
export class Drag<Held> {
  private readonly root: Renderer["root"];
  private readonly begin: (event: PointerEvent) => Held | null;
  private readonly move: (held: Held, event: PointerEvent) => void;
  private held: { what: Held; pressed: number; moved: boolean } | null = null;
  private dragged = false;

  constructor(
    root: Renderer["root"],
    begin: (event: PointerEvent) => Held | null,
    move: (held: Held, event: PointerEvent) => void,
  ) {
    this.root = root;
    this.begin = begin;
    this.move = move;
    root.addEventListener("pointerdown", (event) => this.press(event));
    root.addEventListener("pointermove", (event) => this.follow(event));
    for (const end of ["pointerup", "pointercancel"] as const) root.addEventListener(end, () => this.release());
    root.addEventListener("click", (event) => this.swallow(event), { capture: true });
  }

  private press(event: PointerEvent): void {
    const what = event.button === 0 ? this.begin(event) : null;
    this.dragged = false;
    this.held = what === null ? null : { what, pressed: event.clientX, moved: false };
  }

  private follow(event: PointerEvent): void {
    const { held } = this;
    if (!held || (!held.moved && Math.abs(event.clientX - held.pressed) < SLACK)) return;
    if (!held.moved) this.root.setPointerCapture(event.pointerId);
    held.moved = this.dragged = true;
    this.move(held.what, event);
  }

  private release(): void {
    this.held = null;
  }

  private swallow(event: MouseEvent): void {
    if (!this.dragged) return;
    this.dragged = false;
    event.stopPropagation();
  }
}
