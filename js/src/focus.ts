// One tab stop for each view: Tab reaches exactly one node of the drawing, and arrow keys move the focus from there.

import type { Arrow } from "./keyboard.ts";
import { entrance, step } from "./keyboard.ts";
import { whole } from "./marks.ts";
import { focusable } from "./node.ts";
import type { Renderer } from "./renderer.ts";
import { put } from "./svg.ts";

const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

export class Focus {
  private readonly renderer: Renderer;
  private current = "";

  constructor(renderer: Renderer) {
    this.renderer = renderer;
    this.current = this.focused(); // a click may have moved it there before
    renderer.root.addEventListener("focusin", () => {
      const id = this.focused();
      if (id) this.stand(id);
    });
  }

  /** The ID of the node with the focus; "" if there is none. */
  private focused(): string {
    const { root } = this.renderer;
    const { activeElement } = root.getRootNode() as Document | ShadowRoot;
    return (root.contains(activeElement) && activeElement?.closest<SVGGElement>(".node")?.dataset.id) || "";
  }

  /** Handles a new frame: the tab stop stays on its node, or moves to the thing that the new picture tells about. */
  settle(): void {
    const scene = this.renderer.scene;
    if (!scene) return;
    const node = this.renderer.node(this.current);
    this.stand((node && focusable(node) ? node : (entrance(scene) ?? entrance(whole(scene))))?.id ?? "");
    put(this.renderer.root, "tabindex", this.current ? -1 : 0);
  }

  /** Moves the focus; returns true if `key` is a key that does so. */
  move(key: string): boolean {
    const scene = this.renderer.scene;
    if (!scene || !ARROWS.has(key)) return false;
    const next = step(whole(scene), this.current, key as Arrow);
    if (next) this.renderer.element(next.id)?.root.focus();
    return true;
  }

  private stand(id: string): void {
    if (id !== this.current) this.renderer.nodes.get(this.current)?.root.setAttribute("tabindex", "-1");
    this.current = id;
    const element = this.renderer.stand(id)?.root;
    if (element) put(element, "tabindex", 0);
  }
}
