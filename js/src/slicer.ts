// The bit slicer: a slice of the address is dragged, or turned with keys, and the walk follows.  Python makes the address.

import type { Renderer } from "./renderer.ts";
import type { Send } from "./requests.ts";
import type { SceneNode } from "./scene.ts";

const STEP = 5; // pixels of a drag for one more
const SLACK = 4; // pixels that still are a click
const COARSE = 16;
const PAUSE = 60; // milliseconds between two requests: a pointer moves faster than a picture can be made
const KEYS: Record<string, number> = { ArrowUp: 1, ArrowDown: -1, PageUp: COARSE, PageDown: -COARSE };

export class Slicer {
  private readonly renderer: Renderer;
  private readonly send: Send;
  private held: { id: string; from: number; done: number; moved: boolean } | null = null;
  private pending = { id: "", by: 0 };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private dragged = false;

  constructor(renderer: Renderer, send: Send) {
    this.renderer = renderer;
    this.send = send;
    const root = renderer.root;
    root.addEventListener("pointerdown", (event) => this.press(event));
    root.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"] as const) root.addEventListener(end, () => this.release());
    root.addEventListener("click", (event) => this.swallow(event), { capture: true });
  }

  /** True if `key` turns the slice called `id`. */
  key(key: string, id: string | undefined): boolean {
    const by = KEYS[key];
    if (!by || !id || this.renderer.nodes.get(id)?.node.value === undefined) return false;
    this.turn(id, by);
    return true;
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private press(event: PointerEvent): void {
    const node = this.nodeAt(event);
    const slice = node && this.sliceOf(node);
    this.dragged = false;
    if (!slice || event.button !== 0) return;
    this.held = { id: slice.id, from: event.clientX, done: 0, moved: false };
  }

  private drag(event: PointerEvent): void {
    if (!this.held) return;
    const by = event.clientX - this.held.from;
    if (!this.held.moved && Math.abs(by) < SLACK) return;
    if (!this.held.moved) this.renderer.root.setPointerCapture(event.pointerId);
    this.held.moved = this.dragged = true;
    const wanted = Math.round(by / STEP) * (event.shiftKey ? COARSE : 1);
    if (wanted !== this.held.done) this.turn(this.held.id, wanted - this.held.done);
    this.held.done = wanted;
  }

  private release(): void {
    this.held = null;
  }

  /** The click that ends a drag is none. */
  private swallow(event: MouseEvent): void {
    if (!this.dragged) return;
    this.dragged = false;
    event.stopPropagation();
  }

  private nodeAt(event: Event): SceneNode | undefined {
    const id = (event.target as Element).closest<SVGGElement>(".node")?.dataset.id;
    return id === undefined ? undefined : this.renderer.nodes.get(id)?.node;
  }

  private sliceOf(node: SceneNode): SceneNode | undefined {
    if (node.value !== undefined) return node;
    if (node.role !== "turn") return undefined;
    const middle = node.x + node.w / 2;
    return this.renderer.scene?.nodes.find(
      (one) => one.value !== undefined && one.x <= middle && middle <= one.x + one.w && one.y <= node.y,
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
