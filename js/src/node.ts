// One node of a scene as one <g>: its shape, its bars, its runs of text.  Drawn again, it is the same element.
//
//   <g class="node KIND STATE…" style="transform: translate(X, Y)" data-id data-thing>
//     <title/> <rect|path class="shape"/> <g class="bars"><rect class="bar STYLE"/>…</g> <g class="runs"><text class="STYLE"/>…</g>
//   </g>

import type { SceneNode } from "./scene.ts";
import { arrange, drop, match, put, say, svg } from "./svg.ts";

const ROUNDING = 6;

export class NodeElement {
  readonly root = svg("g");
  private readonly title = svg("title");
  private readonly bars = svg("g", "bars");
  private readonly runs = svg("g", "runs");
  private shape: SVGElement | null = null;
  private shapeKind = "";
  private drawn = "";
  private place = "";
  node: SceneNode;

  constructor(node: SceneNode) {
    this.node = node;
    this.root.dataset.id = node.id;
    this.draw(node, true);
  }

  draw(node: SceneNode, first = false): void {
    this.node = node;
    const place = `translate(${node.x}px, ${node.y}px)`;
    if (place !== this.place) this.root.style.transform = place;
    this.place = place;
    const drawn = JSON.stringify([
      node.kind,
      node.w,
      node.h,
      node.shape,
      node.state,
      node.text,
      node.bars,
      node.title,
      node.value,
    ]);
    if (!first && drawn === this.drawn) return;
    this.drawn = drawn;
    const selected = this.root.classList.contains("selected") ? " selected" : "";
    put(this.root, "class", `node ${node.kind} ${node.state ?? ""}${selected}`.trimEnd());
    this.drawAccess(node);
    this.drawShape(node);
    this.drawBars(node);
    this.drawRuns(node);
    // A picture has hundreds of nodes: parts that are empty stay out of the page, and cost it no style.
    const { title, shape, bars, runs } = this;
    const parts = [node.title && title, shape, node.bars && bars, node.text && runs];
    arrange(
      this.root,
      parts.filter((part): part is SVGElement => typeof part === "object" && part !== null),
    );
  }

  private drawAccess(node: SceneNode): void {
    if (node.thing) put(this.root, "data-thing", node.thing);
    else drop(this.root, "data-thing");
    say(this.title, node.title ?? "");
    if (!focusable(node)) return;
    put(this.root, "role", roleOf(node));
    if (node.role === "switch") put(this.root, "aria-pressed", String(node.state === "chosen"));
    if (node.value !== undefined) {
      put(this.root, "aria-valuetext", node.text?.[0]?.[2] ?? "");
      put(this.root, "aria-valuenow", node.value ?? 0);
    }
    put(this.root, "aria-label", [node.title || textOf(node) || node.id, ...stateWords(node)].join(", "));
    if (!this.root.hasAttribute("tabindex")) put(this.root, "tabindex", -1);
  }

  private drawShape(node: SceneNode): void {
    const kind = node.shape ?? "box";
    if (kind !== this.shapeKind) {
      this.shape = kind === "none" ? null : svg(kind === "triangle" ? "path" : "rect", "shape");
      this.shapeKind = kind;
    }
    if (!this.shape) return;
    if (kind === "triangle") {
      put(this.shape, "d", `M0,0 H${node.w} L${node.w / 2},${node.h} Z`);
      return;
    }
    put(this.shape, "width", node.w);
    put(this.shape, "height", node.h);
    put(this.shape, "rx", kind === "round" ? node.h / 2 : Math.min(ROUNDING, node.h / 5, node.w / 5));
  }

  private drawBars(node: SceneNode): void {
    const strips = node.bars ?? [];
    match(this.bars, "rect", strips.length).forEach((rect, i) => {
      const [x, y, w, h, style] = strips[i] as (typeof strips)[number];
      put(rect, "class", `bar ${style}`);
      put(rect, "x", x);
      put(rect, "y", y);
      put(rect, "width", w);
      put(rect, "height", h);
    });
  }

  private drawRuns(node: SceneNode): void {
    const runs = node.text ?? [];
    match(this.runs, "text", runs.length).forEach((element, i) => {
      const [x, y, text, style, anchor] = runs[i] as (typeof runs)[number];
      put(element, "class", style);
      put(element, "x", x);
      put(element, "y", y);
      put(element, "text-anchor", anchor);
      say(element, text);
    });
  }
}

/** Whether the keyboard can stand on a node. */
export function focusable(node: SceneNode): boolean {
  return Boolean(node.lane || node.action);
}

function roleOf(node: SceneNode): string {
  if (node.value !== undefined) return "spinbutton"; // arrow keys change its number
  return node.action ? "button" : "img";
}

/** States that are only seen otherwise, in words. */
const STATES: Record<string, string> = {
  new: "new",
  changed: "changed",
  path: "on the path",
  here: "at hand",
  leaving: "about to go",
  stuck: "stuck",
};

function stateWords(node: SceneNode): string[] {
  return (node.state ?? "").split(" ").flatMap((state) => STATES[state] ?? []);
}

function textOf(node: SceneNode): string {
  return (node.text ?? []).map((run) => run[2]).join(" ");
}
