// A thing under the pointer lights up wherever the pictures of a machine show it, and its name appears immediately.

import { type Kin, kinOf, opposite, related } from "./kin.ts";
import type { Renderer } from "./renderer.ts";
import type { SceneNode } from "./scene.ts";
import { BRACKETS } from "./screen.ts";
import { speaker } from "./speaker.ts";
import { html, say } from "./svg.ts";

/** Pixels between a thing and its name, and between the name and the edges of the window. */
const BESIDE = 8;
/** Pixels above which a thing is tall: its name is next to the pointer, not below the thing. */
const HIGH = 90;

/** The pictures that light up together: all pictures of a machine, or of a handout. */
export class Lights {
  private static readonly shared = new Map<string, Lights>();
  private readonly renderers = new Set<Renderer>();
  private from: Renderer | null = null;
  private id = "";

  /** The lights of all pictures with this name. */
  static of(name: string): Lights {
    const lights = Lights.shared.get(name) ?? new Lights();
    Lights.shared.set(name, lights);
    return lights;
  }

  join(renderer: Renderer): void {
    this.renderers.add(renderer);
  }

  leave(renderer: Renderer): void {
    this.renderers.delete(renderer);
    if (renderer === this.from) this.point(renderer, "");
    for (const [name, lights] of Lights.shared) if (!lights.renderers.size) Lights.shared.delete(name);
  }

  /**
   * Lights up the things of a node under the pointer; "" is none.  Returns how many things lit up in each other
   * picture.
   */
  point(renderer: Renderer, id: string): Map<Renderer, number> {
    if (!id && renderer !== this.from) return new Map();
    this.from = id ? renderer : null;
    this.id = id;
    return this.light();
  }

  /** Notes that a picture was drawn again: its lit things are somewhere else, or gone. */
  redrawn(renderer: Renderer): void {
    if (!this.from) return;
    if (renderer === this.from && !renderer.node(this.id)) this.point(renderer, "");
    else this.light();
  }

  private light(): Map<Renderer, number> {
    const lit = new Map<Renderer, number>();
    const { from, id } = this;
    const node = from?.node(id);
    const found = node?.thing ? related(node.thing, this.all()) : new Set<string>();
    for (const renderer of this.renderers) {
      const { scene } = renderer;
      const here = node?.thing && scene ? new Set([...found, ...opposite(scene, node.thing)]) : found;
      const nodes = here.size ? renderer.nodesOf(here) : renderer === from && node && acts(node) ? [node] : [];
      renderer.light(nodes);
      if (nodes.length && renderer !== from) lit.set(renderer, nodes.length);
    }
    return lit;
  }

  private all(): Kin[] {
    return [...this.renderers].flatMap(({ scene }) => (scene ? kinOf(scene) : []));
  }
}

const acts = (node: SceneNode): boolean => Boolean(node.action);

/** Listens to a pointer and the keyboard in one picture, and names the thing there. */
export class Hover {
  private readonly renderer: Renderer;
  private readonly tip = html("div", "vmw-name");
  private readonly name = html("span");
  private readonly also = html("span", "vmw-also");
  private lights: Lights;
  private id = "";
  private readonly hide = (): void => void this.point("");

  /** `root` holds the picture and the shown name; `lights` are the pictures that light up with it. */
  constructor(renderer: Renderer, root: HTMLElement, lights = new Lights()) {
    this.renderer = renderer;
    this.lights = lights;
    lights.join(renderer);
    this.tip.setAttribute("aria-hidden", "true"); // a screen reader reads the name of the element with the focus
    this.tip.popover = "manual"; // above everything else on the page, and cut off by nothing
    this.tip.append(this.name, this.also);
    root.append(this.tip);
    const { root: drawing } = renderer;
    drawing.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch" && !event.buttons) this.point(renderer.under(event) ?? "", event);
    });
    drawing.addEventListener("pointerleave", this.hide);
    drawing.addEventListener("pointerdown", this.hide);
    drawing.addEventListener("focusin", (event) => {
      const node = (event.target as Element).closest<SVGGElement>(".node");
      if (node?.matches(":focus-visible")) this.speak(this.point(node.dataset.id ?? ""));
    });
    drawing.addEventListener("focusout", this.hide);
    drawing.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || BRACKETS.has(event.key)) this.hide();
    });
  }

  /**
   * Notes that the picture is of this machine: a thing under the pointer lights up in the machine's other pictures too.
   */
  join(name: string): void {
    this.lights.leave(this.renderer);
    this.lights = Lights.of(name);
    this.lights.join(this.renderer);
  }

  /** Shows a node as if it were under the pointer. */
  show(id: string): void {
    this.point(id);
  }

  /** Notes that the picture was drawn again. */
  settle(): void {
    const node = this.id ? this.renderer.node(this.id) : undefined;
    if (!node) this.hide();
    else if (this.tip.classList.contains("vmw-shown")) say(this.name, this.renderer.nameOf(node));
    this.lights.redrawn(this.renderer);
  }

  close(): void {
    this.hide();
    this.lights.leave(this.renderer);
    this.tip.remove();
  }

  private point(id: string, event?: PointerEvent): Map<Renderer, number> {
    const same = id === this.id;
    const node = id ? this.renderer.node(id) : undefined;
    this.id = node ? id : "";
    if (same) return new Map();
    const lit = this.lights.point(this.renderer, this.id);
    if (node) this.tell(node, lit, event);
    else this.away();
    return lit;
  }

  private tell(node: SceneNode, lit: ReadonlyMap<Renderer, number>, event?: PointerEvent): void {
    const words = this.renderer.nameOf(node);
    if (!words) {
      this.away();
      return;
    }
    say(this.name, words);
    say(this.also, alsoIn(lit));
    this.also.hidden = !lit.size;
    if (!this.tip.matches?.(":popover-open")) this.tip.showPopover?.();
    this.tip.classList.add("vmw-shown");
    this.place(node, event);
    addEventListener("scroll", this.hide, { capture: true, passive: true, once: true });
  }

  private away(): void {
    removeEventListener("scroll", this.hide, { capture: true });
    if (!this.tip.classList.contains("vmw-shown")) return;
    this.tip.classList.remove("vmw-shown");
    this.tip.hidePopover?.();
  }

  /**
   * Returns the place of the name: below the thing, or above it near the window's end; next to the pointer if the thing
   * is tall.
   */
  private place(node: SceneNode, event?: PointerEvent): void {
    const box = this.renderer.boxOf(node);
    const { offsetWidth: w, offsetHeight: h } = this.tip;
    const { clientWidth, clientHeight } = document.documentElement;
    const pointed = event && box.height > HIGH;
    const [top, bottom] = pointed ? [event.clientY - BESIDE, event.clientY + 2 * BESIDE] : [box.top, box.bottom];
    const x = (event && box.width > HIGH ? event.clientX : box.left + box.width / 2) - w / 2;
    const below = bottom + BESIDE;
    const y = below + h <= clientHeight ? below : top - BESIDE - h;
    this.tip.style.left = `${Math.max(BESIDE, Math.min(x, clientWidth - w - BESIDE))}px`;
    this.tip.style.top = `${Math.max(BESIDE, y)}px`;
  }

  /** Tells users of screen readers in which other pictures a thing lights up. */
  private speak(lit: ReadonlyMap<Renderer, number>): void {
    if (lit.size) speaker.say(alsoIn(lit), true);
  }
}

/** "also in: tables of init (2), frames". */
function alsoIn(lit: ReadonlyMap<Renderer, number>): string {
  const names = [...lit].map(([{ scene }, count]) => `${scene?.title ?? ""}${count > 1 ? ` (${count})` : ""}`);
  return names.length ? `also in: ${[...new Set(names)].join(", ")}` : "";
}
