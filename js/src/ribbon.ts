// Gestures on an address ribbon: drag pans, ctrl or command with the wheel zooms.  Python decides what is shown then.

import { Drag } from "./drag.ts";
import type { Renderer } from "./renderer.ts";
import type { Send } from "./requests.ts";
import type { SceneNode } from "./scene.ts";

const WHEEL_STEP = 1.2;
const BUTTON_STEP = 1.6;
const PAUSE = 60; // milliseconds between two requests: a wheel turns faster than a picture can be made

export class Ribbon {
  private readonly renderer: Renderer;
  private readonly send: Send;
  private pending = { factor: 1, at: 0.5, by: 0 };
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(renderer: Renderer, send: Send) {
    this.renderer = renderer;
    this.send = send;
    renderer.root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new Drag(
      renderer.root,
      (event) => this.press(event),
      (held, event) => this.drag(held, event),
    );
  }

  /** Whether the scene has a ribbon. */
  get shown(): boolean {
    return this.node() !== undefined;
  }

  zoom(direction: 1 | -1): void {
    this.ask({ factor: direction > 0 ? BUTTON_STEP : 1 / BUTTON_STEP, at: 0.5, by: 0 });
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private node(): SceneNode | undefined {
    return this.renderer.scene?.nodes.find((node) => node.role === "pan");
  }

  private box(): DOMRect | undefined {
    const node = this.node();
    return node && this.renderer.nodes.get(node.id)?.root.querySelector(".shape")?.getBoundingClientRect();
  }

  /** The pointer's place on the ribbon, from 0 to 1; null next to the ribbon. */
  private position(event: MouseEvent): number | null {
    const box = this.box();
    if (!box?.width || event.clientY < box.top - 24 || event.clientY > box.bottom + 24) return null;
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  }

  private wheel(event: WheelEvent): void {
    const at = this.position(event);
    if (at === null || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.ask({ factor: event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP, at, by: 0 });
  }

  /** The place where the ribbon is held. */
  private press(event: PointerEvent): { from: number } | null {
    const from = this.isOn(event) ? this.position(event) : null;
    return from === null ? null : { from };
  }

  /** Whether the pointer is on the ribbon, or on things that cover it: ranges and gaps cover nearly all of it. */
  private isOn(event: PointerEvent): boolean {
    const box = this.box();
    return box !== undefined && box.top <= event.clientY && event.clientY <= box.bottom;
  }

  private drag(held: { from: number }, event: PointerEvent): void {
    const at = this.position(event);
    if (at === null) return;
    this.ask({ factor: 1, at, by: held.from - at });
    held.from = at;
  }

  private ask(more: { factor: number; at: number; by: number }): void {
    this.pending = { factor: this.pending.factor * more.factor, at: more.at, by: this.pending.by + more.by };
    if (this.timer === undefined) this.timer = setTimeout(() => this.flush(), PAUSE);
  }

  private flush(): void {
    this.timer = undefined;
    const { factor, at, by } = this.pending;
    this.pending = { factor: 1, at, by: 0 };
    if (factor !== 1) this.send({ type: "zoom", factor, at });
    if (by !== 0) this.send({ type: "pan", by });
  }
}
