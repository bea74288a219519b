// The picture as Graphviz draws it: a button that asks for it, and its SVG in place of ours.

import type { Send } from "./requests.ts";
import type { Client, Router } from "./router.ts";
import type { Scene, SceneNode } from "./scene.ts";
import { html, put } from "./svg.ts";

/** Pixels that runs of one line may differ in height, as vmwidgets/views/scene/dot.py has it. */
const LEVEL = 4;

interface DrawingCalls {
  send: Send;
  /** Something in the drawing was pressed; "" is the ground. */
  act: (id: string) => void;
  /** A sentence for the reader. */
  tell: (sentence: string) => void;
}

const OFFERED = "draw this picture with Graphviz";
const DRAWN = "drawn by Graphviz: back to the picture as it was";

/** Milliseconds from which a reader is told that the drawing is on its way: a kernel that is busy answers later. */
const PATIENCE = 600;

export class Drawing {
  readonly press = html("button", "vmw-button", "Graphviz");
  readonly root = html("div", "vmw-graphviz");
  /** Our own picture, which is hidden as long as there is another. */
  private readonly own: SVGSVGElement;
  private readonly router: Router;
  private readonly calls: DrawingCalls;
  private readonly line: Client;
  private on = false;
  /** The number of the picture on screen, and of the one whose DOT text is on its way; -1: none. */
  private seq = -1;
  private asked = -1;
  private scene: Scene | null = null;
  private scale = 1;
  private selection = "";
  private said = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(own: SVGSVGElement, router: Router, calls: DrawingCalls) {
    this.own = own;
    this.router = router;
    this.calls = calls;
    this.root.hidden = true;
    this.press.type = "button";
    this.press.setAttribute("aria-label", OFFERED);
    this.offer();
    this.press.addEventListener("click", () => this.toggle(!this.on));
    this.root.addEventListener("click", (event) => {
      this.calls.act((event.target as Element).closest<SVGGElement>(".node")?.dataset.id ?? "");
    });
    this.line = router.connect(
      "drawing",
      (seq, svg) => seq === this.seq && this.on && this.show(svg),
      () => {
        this.toggle(false);
        this.calls.tell(this.router.why ? this.cannot : "Graphviz can't draw this picture.");
      },
    );
  }

  /** Picture `seq` is on screen: the drawing follows it. */
  draw(seq: number, scene: Scene, scale: number): void {
    this.seq = seq;
    this.scene = scene;
    this.scale = scale;
    if (this.on) this.need();
  }

  /** The DOT text of picture `seq` has come. */
  take(seq: number, dot: string): void {
    this.asked = -1;
    if (!this.on || !this.scene) return;
    if (seq === this.seq) this.line.ask(seq, dot, this.scene.height);
    else this.need();
  }

  select(thing: string): void {
    this.selection = thing;
    this.mark();
  }

  /** Shows Graphviz's drawing from now on, or our own picture. */
  toggle(on: boolean): void {
    this.on = on && !this.router.why;
    this.asked = -1;
    this.offer();
    this.wait(this.on);
    if (this.on) this.need();
    else {
      this.root.replaceChildren();
      this.swap(false);
    }
  }

  /** Says that the drawing is on its way, if it does not come soon; or no longer. */
  private wait(waits: boolean): void {
    clearTimeout(this.timer);
    if (waits) this.timer = setTimeout(() => this.explain(), PATIENCE);
    else if (this.said) this.say("");
  }

  /** The kernel sends Graphviz, and the picture's text for it; where both are here, Graphviz is at work. */
  private explain(): void {
    if (this.asked >= 0 || !this.router.ready) this.say("The Jupyter kernel sends Graphviz as soon as it is idle.");
  }

  private say(sentence: string): void {
    this.said = sentence !== "";
    this.calls.tell(sentence);
  }

  close(): void {
    clearTimeout(this.timer);
    this.line.leave();
  }

  private need(): void {
    if (this.asked >= 0) return; // one after the other: while a slider is dragged the newest one counts
    this.asked = this.seq;
    this.calls.send({ type: "dot" });
  }

  private get cannot(): string {
    return `Graphviz can't run in this page: ${this.router.why}`;
  }

  private offer(): void {
    const { why } = this.router;
    this.press.disabled = Boolean(why);
    this.press.title = why ? this.cannot : this.on ? DRAWN : OFFERED;
    put(this.press, "aria-pressed", String(this.on));
  }

  private swap(drawn: boolean): void {
    this.root.hidden = !drawn;
    this.own.toggleAttribute("hidden", drawn);
  }

  private show(text: string): void {
    const { scene } = this;
    const svg = new DOMParser().parseFromString(text, "image/svg+xml").querySelector("svg");
    if (!svg || !scene) return;
    dressed(svg, scene);
    svg.style.maxWidth = `${scene.width * this.scale}px`;
    this.root.replaceChildren(document.importNode(svg, true));
    this.mark();
    this.swap(true);
    this.wait(false);
  }

  private mark(): void {
    const things = new Map(this.scene?.nodes.map((node) => [node.id, node.thing]));
    for (const group of this.root.querySelectorAll<SVGGElement>(".node")) {
      const thing = things.get(group.dataset.id ?? "");
      group.classList.toggle("selected", Boolean(thing) && thing === this.selection);
    }
  }
}

/** Gives Graphviz's SVG the place of the scene, and its parts the classes that the style sheet knows. */
export function dressed(svg: Element, scene: Scene): void {
  put(svg, "class", "vmw-scene still");
  put(svg, "viewBox", `0 0 ${scene.width} ${scene.height}`);
  put(svg, "role", "img");
  put(svg, "aria-label", `${scene.title}, drawn by Graphviz`);
  for (const name of ["width", "height"]) svg.removeAttribute(name);
  const graph = svg.querySelector(".graph");
  if (!graph) return;
  put(graph, "transform", `translate(0 ${scene.height})`); // y is what it was, below zero
  graph.removeAttribute("id");
  for (const part of [...graph.children]) if (part.tagName !== "g") part.remove(); // its ground and its name
  const nodes = new Map(scene.nodes.map((node) => [node.id, node]));
  for (const group of graph.children) {
    const node = group.classList.contains("node") ? nodes.get(group.id) : undefined;
    put(group, "data-id", group.id); // ids are of the whole page
    group.removeAttribute("id");
    const title = group.querySelector("title");
    if (node?.title && title) title.textContent = node.title;
    else title?.remove();
    for (const part of group.children) {
      const isLine = group.classList.contains("edge") && part.tagName === "path";
      if (group.classList.contains("node") && (part.tagName === "polygon" || part.tagName === "path"))
        put(part, "class", "shape");
      else if (isLine) put(part, "class", "line");
      else if (part.tagName === "polygon") put(part, "class", "arrow");
    }
    if (node) level(group, node, scene.height);
  }
}

/** Puts lines of words at the height that they have in the scene: Graphviz's own lines are all as far from each other. */
function level(group: Element, node: SceneNode, height: number): void {
  const lines = [...group.querySelectorAll("text")].filter((line) => line.textContent?.trim());
  const rows: number[] = [];
  for (const [, y, text] of [...(node.text ?? [])].sort((one, other) => one[1] - other[1])) {
    const last = rows.at(-1);
    if (text.trim() && (last === undefined || y - last > LEVEL)) rows.push(y);
  }
  if (rows.length !== lines.length) return;
  for (const [number, line] of lines.entries()) put(line, "y", node.y + (rows[number] ?? 0) - height);
}
