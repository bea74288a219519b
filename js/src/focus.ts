// One tab stop a view: exactly one node of the drawing is reached by Tab, and arrow keys carry the focus from there.

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
    this.current = this.focused(); // a click may have led there before
    renderer.root.addEventListener("focusin", () => {
      const id = this.focused();
      if (id) this.stand(id);
    });
  }

  /** The id of the node that has the focus; "" where none has. */
  private focused(): string {
    const { root } = this.renderer;
    const { activeElement } = root.getRootNode() as Document | ShadowRoot;
    return (root.contains(activeElement) && activeElement?.closest<SVGGElement>(".node")?.dataset.id) || "";
  }

  /** After a frame: the tab stop stays on its node, or moves to what the new picture tells about. */
  settle(): void {
    const scene = this.renderer.scene;
    if (!scene) return;
    const node = this.renderer.node(this.current);
    this.stand((node && focusable(node) ? node : (entrance(scene) ?? entrance(whole(scene))))?.id ?? "");
    put(this.renderer.root, "tabindex", this.current ? -1 : 0);
  }

  /** Moves the focus; true if `key` is one that does. */
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
