// The structure of the picture, laid out by Graphviz: a button that requests it, and its SVG in place of our picture.

import type { Send } from "./requests.ts";
import type { Client, Router } from "./router.ts";
import type { Scene, SceneNode, When } from "./scene.ts";
import { html, put, svg } from "./svg.ts";

interface DrawingCalls {
  send: Send;
  /** Called when something in the drawing was pressed; "" is the background. */
  act: (id: string) => void;
  /** A sentence for the reader. */
  tell: (sentence: string) => void;
  /** A sentence that stays: the picture was made to be Graphviz's. */
  lack: (sentence: string) => void;
}

/** The colours in a file, as in vmwidgets/views/scene/dot.py, and the page's colours for them. */
const COLOURS: Readonly<Record<string, string>> = {
  "#f6f8fa": "--vmw-card",
  "#7f8a97": "--vmw-line",
  "#0a7d50": "--vmw-new",
  "#c22f1e": "--vmw-error",
};

const OFFERED = "draw this picture with Graphviz";
const DRAWN = "drawn by Graphviz: back to the picture as it was";

/** Milliseconds after which a reader is told that the drawing is on its way: a busy kernel answers later. */
const PATIENCE = 600;

export class Drawing {
  readonly press = html("button", "vmw-button", "Graphviz");
  readonly root = html("div", "vmw-graphviz");
  /** Our own picture, which is hidden while another one is shown. */
  private readonly own: SVGSVGElement;
  private readonly router: Router;
  private readonly calls: DrawingCalls;
  private readonly line: Client;
  private on = false;
  /** Whether it is on whenever a kernel answers; and the text that has come with the latest picture. */
  private stays = false;
  private brought = { shown: "", dot: "" };
  /** The picture on screen, and whether a text of DOT is on its way. */
  private shown = "";
  private asked = false;
  private when: When | null = null;
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
      (shown, svg) => shown === this.shown && this.on && this.show(svg),
      () => {
        this.clear();
        if (this.router.why || !this.stays) this.toggle(false); // else it draws the next picture
        if (this.router.why && this.stays) this.calls.lack(this.cannot);
        else this.calls.tell(this.router.why ? this.cannot : "Graphviz can't draw this picture.");
      },
    );
  }

  /** Notes that picture `seq` is on screen: the drawing follows it. */
  draw(seq: number, scene: Scene, when: When): void {
    this.shown = `${seq} ${when.place}`;
    this.scene = scene;
    this.when = when;
    this.scale = when.scale;
    if (this.on) this.need();
  }

  /** Takes the DOT text of picture `seq` after this many events. */
  take(seq: number, place: number, dot: string): void {
    this.asked = false;
    if (!this.on || !this.scene) return;
    if (`${seq} ${place}` === this.shown) this.line.ask(this.shown, dot);
    else this.need();
  }

  /** Keeps the text that comes with picture `seq`, which follows. */
  bring(seq: number, place: number, dot: string): void {
    this.brought = { shown: `${seq} ${place}`, dot };
  }

  /** Draws from now on. */
  always(): void {
    this.stays = true;
    this.toggle(true);
    if (!this.on) this.calls.lack(this.cannot);
  }

  /** Notes whether a kernel answers: without one, nobody sends the text of a step. */
  live(alive: boolean): void {
    if (!alive) this.toggle(false);
    else if (this.stays && !this.on) this.toggle(true);
  }

  select(thing: string): void {
    this.selection = thing;
    this.mark();
  }

  /** Shows Graphviz's drawing from now on, or our own picture. */
  toggle(on: boolean): void {
    this.on = on && !this.router.why;
    this.asked = false;
    this.offer();
    this.wait(this.on);
    if (this.on) this.need();
    else this.clear();
  }

  private clear(): void {
    this.root.replaceChildren();
    this.swap(false);
  }

  /** Says that the drawing is on its way if it does not come soon, or stops saying so. */
  private wait(waits: boolean): void {
    clearTimeout(this.timer);
    if (waits) this.timer = setTimeout(() => this.explain(), PATIENCE);
    else if (this.said) this.say("");
  }

  /** The kernel sends Graphviz, and the picture's text for it; when both have come, Graphviz starts to work. */
  private explain(): void {
    if (this.asked || !this.router.ready) this.say("The Jupyter kernel sends Graphviz as soon as it is idle.");
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
    if (this.brought.shown === this.shown) {
      this.line.ask(this.shown, this.brought.dot);
      return;
    }
    if (this.asked || !this.when) return; // one after the other: while a slider is dragged, only the newest counts
    this.asked = true;
    this.calls.send({ type: "dot", operation: this.when.number, place: this.when.place });
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
    svg.style.maxWidth = `${Number.parseFloat(svg.getAttribute("viewBox")?.split(" ")[2] ?? "0") * this.scale}px`;
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

/** Gives the parts of Graphviz's SVG the classes and colours that the style sheet knows. */
export function dressed(svg: Element, scene: Scene): void {
  put(svg, "class", "vmw-scene still");
  put(svg, "role", "img");
  put(svg, "aria-label", `${scene.title}, drawn by Graphviz`);
  for (const name of ["width", "height"]) svg.removeAttribute(name);
  const graph = svg.querySelector(".graph");
  if (!graph) return;
  graph.removeAttribute("id");
  for (const part of [...graph.children]) if (part.tagName !== "g") part.remove(); // its background and its name
  const nodes = new Map(scene.nodes.map((node) => [node.id, node]));
  for (const group of graph.children) {
    const node = group.classList.contains("node") ? nodes.get(group.id) : undefined;
    put(group, "data-id", group.id); // IDs are unique in the whole page
    group.removeAttribute("id");
    const title = group.querySelector("title");
    if (node?.title && title) title.textContent = node.title;
    else title?.remove();
    for (const link of group.querySelectorAll("g > a")) unlinked(link, nodes);
    const boxes = [...group.children].filter(({ tagName }) => tagName === "polygon" || tagName === "path");
    if (group.classList.contains("edge")) {
      for (const part of boxes) put(part, "class", part.tagName === "path" ? "line" : "arrow");
    } else if (boxes.length === 1 && node) put(boxes[0] as Element, "class", "shape");
    else for (const part of boxes) coloured(part); // a box with ports, or a cluster
  }
}

/** Makes a node from a row that is a link: a press does the same as elsewhere, and follows no link. */
function unlinked(link: Element, nodes: ReadonlyMap<string, SceneNode>): void {
  const row = link.parentElement as Element;
  const id = row.id.replace(/^a_/, ""); // Graphviz's mark of a link
  const node = nodes.get(id);
  row.removeAttribute("id");
  row.replaceChildren(...link.children);
  for (const part of row.querySelectorAll("polygon")) coloured(part);
  if (!node) return;
  put(row, "class", "node row");
  put(row, "data-id", id);
  const title = svg("title");
  title.textContent = node.title ?? "";
  row.prepend(title);
}

/** Gives elements with colours of their own the page's colours. */
function coloured(part: Element): void {
  for (const name of ["fill", "stroke"]) {
    const colour = COLOURS[part.getAttribute(name) ?? ""];
    if (colour) (part as SVGElement).style.setProperty(name, `var(${colour})`);
  }
}
