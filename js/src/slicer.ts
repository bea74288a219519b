// The bit slicer: a slice of the address is dragged, or turned with keys, and the walk follows.  Python computes the
// address.

import type { Renderer } from "./renderer.ts";
import type { SceneNode, Send } from "./wire.ts";

const STEP = 5; // pixels of a drag for each further value
const COARSE = 16;
const PAUSE = 60; // milliseconds between two requests: a pointer moves faster than a picture can be made
const KEYS: Record<string, number> = { ArrowUp: 1, ArrowDown: -1, PageUp: COARSE, PageDown: -COARSE };

/** A slice that is held: where it was pressed, and how far it has been turned since. */
type Held = { id: string; from: number; done: number };

export class Slicer {
  private readonly renderer: Renderer;
  private readonly send: Send;
  private pending = { id: "", by: 0 };
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(renderer: Renderer, send: Send) {
    this.renderer = renderer;
    this.send = send;
    new Drag<Held>(
      renderer.root,
      (event) => this.press(event),
      (held, event) => this.drag(held, event),
    );
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

  private press(event: PointerEvent): Held | null {
    const node = this.nodeAt(event);
    const slice = node && this.sliceOf(node);
    return slice ? { id: slice.id, from: event.clientX, done: 0 } : null;
  }

  private drag(held: Held, event: PointerEvent): void {
    const by = event.clientX - held.from;
    const wanted = Math.round(by / STEP) * (event.shiftKey ? COARSE : 1);
    if (wanted !== held.done) this.turn(held.id, wanted - held.done);
    held.done = wanted;
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

// ---- drag
// A drag on a picture: it begins after a few pixels, so that a click stays a click, and the click that ends a drag does
// not count.

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
