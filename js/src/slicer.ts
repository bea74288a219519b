// The bit slicer: a slice of the address is dragged, or turned with keys, and the walk follows.  Python computes the
// address.

import type { Renderer } from "./renderer.ts";
import type { SceneNode, Send } from "./wire.ts";

const SLACK = 4; // pixels of movement that still count as a click
const STEP = 5; // pixels of a drag for each further value
const COARSE = 16;
const PAUSE = 60; // milliseconds between two requests: a pointer moves faster than a picture can be made
const KEYS: Record<string, number> = { ArrowUp: 1, ArrowDown: -1, PageUp: COARSE, PageDown: -COARSE };

export class Slicer {
  private readonly renderer: Renderer;
  private readonly send: Send;
  /** The slice that a pointer holds: where it was pressed, and how far it has been turned since. */
  private held: { id: string; from: number; done: number } | null = null;
  /** Whether the press has become a drag: the click that ends it does not count. */
  private dragged = false;
  private pending = { id: "", by: 0 };
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(renderer: Renderer, send: Send) {
    this.renderer = renderer;
    this.send = send;
    const { root } = renderer;
    root.addEventListener("pointerdown", (event) => this.hold(event));
    root.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"])
      root.addEventListener(end, () => {
        this.held = null;
      });
    root.addEventListener("click", (event) => this.swallow(event), { capture: true });
  }

  /** Returns true if `key` turns the slice called `id`. */
  key(key: string, id: string | undefined): boolean {
    const by = KEYS[key];
    if (!by || !id || this.renderer.nodes.get(id)?.node.value === undefined) return false;
    this.turn(id, by);
    return true;
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private hold(event: PointerEvent): void {
    const id = (event.target as Element).closest<SVGGElement>(".node")?.dataset.id;
    const node = id === undefined ? undefined : this.renderer.nodes.get(id)?.node;
    const slice = node && event.button === 0 ? this.sliceOf(node) : undefined;
    this.dragged = false;
    this.held = slice ? { id: slice.id, from: event.clientX, done: 0 } : null;
  }

  private drag(event: PointerEvent): void {
    const { held } = this;
    const by = event.clientX - (held?.from ?? 0);
    if (!held || (!this.dragged && Math.abs(by) < SLACK)) return;
    if (!this.dragged) this.renderer.root.setPointerCapture(event.pointerId);
    this.dragged = true;
    const wanted = Math.round(by / STEP) * (event.shiftKey ? COARSE : 1);
    if (wanted !== held.done) this.turn(held.id, wanted - held.done);
    held.done = wanted;
  }

  private swallow(event: MouseEvent): void {
    if (this.dragged) event.stopPropagation();
    this.dragged = false;
  }

  private sliceOf(node: SceneNode): SceneNode | undefined {
    if (node.value !== undefined) return node;
    if (node.role !== "turn") return undefined;
    return this.renderer.scene?.nodes.find(
      (one) =>
        one.value !== undefined &&
        one.x <= node.x &&
        node.x < one.x + one.w &&
        one.y <= node.y &&
        node.y < one.y + one.h,
    );
  }

  private turn(id: string, by: number): void {
    if (this.pending.id !== id) this.flush();
    this.pending = { id, by: this.pending.by + by };
    if (this.timer === undefined) this.timer = setTimeout(() => this.flush(), PAUSE);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { id, by } = this.pending;
    this.pending = { id: "", by: 0 };
    if (by !== 0) this.send({ type: "turn", id, by });
  }
}
