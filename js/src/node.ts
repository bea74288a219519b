// One node of a scene as one <g>: its shape, its bars, its runs of text.  If it is drawn again, it is the same element.
//
//   <g class="node KIND STATE…" style="transform: translate(X, Y)" data-id data-thing>
//     <rect|path class="shape"/> <rect|path class="bar STYLE"/>… <text class="STYLE"/>…
//   </g>
//   <g class="vmw-over" style="transform: translate(X, Y)"> <path class="shade"/> <rect class="ring"/> <g class="badge"/> </g>
//
// The shade marks the selected thing, the ring shows where the keyboard is, and the badge marks things that are new or
// will go.  All three lie over all nodes, and are visible next to the outline, which marks new and changed things.

import type { Ruler } from "./fit.ts";
import type { Place, SceneNode, Strip } from "./scene.ts";
import { arrange, drop, put, say, svg } from "./svg.ts";

const ROUNDING = 6;
/** Pixels from a shape's edge to its shade, and to the ring around it. */
const SHADE = 3.5;
const RING = 6;
/** The radius of a badge. */
const BADGE = 6.5;
/** From this number on, consecutive bars of one style are one path: cells of a slab, a TLB, a descriptor. */
const MANY_BARS = 4;

export class NodeElement {
  readonly root = svg("g");
  readonly over = svg("g", "vmw-over");
  private bars: readonly SVGElement[] = [];
  private runs: readonly SVGTextElement[] = [];
  private shape: SVGElement | null = null;
  private shade: SVGPathElement | null = null;
  private ring: SVGRectElement | null = null;
  private badge: SVGGElement | null = null;
  private shapeKind = "";
  private drawn = "";
  private place = "";
  private readonly ruler: Ruler;
  /** The node's name, with the complete text of each cut run; hover.ts shows it. */
  name = "";
  node: SceneNode;

  constructor(node: SceneNode, ruler: Ruler, tree?: Place) {
    this.node = node;
    this.ruler = ruler;
    this.root.dataset.id = node.id;
    this.draw(node, tree);
  }

  /** `tree`: the node's place in its tree, if it is in one. */
  draw(node: SceneNode, tree?: Place): void {
    this.node = node;
    const place = `translate(${node.x}px, ${node.y}px)`;
    if (place !== this.place) this.root.style.transform = this.over.style.transform = place;
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
      tree,
    ]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const selected = this.shade ? " selected" : "";
    put(this.root, "class", `node ${node.kind} ${node.state ?? ""}${selected}`.trimEnd());
    this.name = this.drawRuns(node);
    this.drawAccess(node, this.name, tree);
    this.drawShape(node);
    this.drawBars(node);
    this.drawOver();
    // A picture has hundreds of nodes, and painting them is most of its cost, so there are no elements but these.
    const { shape, bars, runs } = this;
    arrange(this.root, [...(shape ? [shape] : []), ...bars, ...runs]);
  }

  /** Measures its text again, which may be in another font now. */
  fit(tree?: Place): void {
    this.drawn = "";
    this.draw(this.node, tree);
  }

  remove(): void {
    this.root.remove();
    this.over.remove();
  }

  /** Selects the node, or ends its selection. */
  choose(selected: boolean): void {
    if (selected === (this.shade !== null)) return;
    this.shade = selected ? svg("path", "shade") : null;
    this.root.classList.toggle("selected", selected);
    this.drawChoice();
    this.drawOver();
  }

  /** Notes whether the keyboard reaches this node when it enters the picture. */
  stand(here: boolean): void {
    if (here === (this.ring !== null)) return;
    this.ring = here ? svg("rect", "ring") : null;
    this.drawOver();
  }

  /** Notes that the node is new ("+"), will go ("−") or differs from the other side ("≠"), or nothing (""). */
  announce(sign: string): void {
    if (sign === (this.badge?.textContent ?? "")) return;
    const kind = this.node.state?.includes("beside") ? "badge beside" : "badge";
    this.badge = sign ? svg("g", kind) : null;
    if (this.badge) {
      const [circle, text] = [svg("circle"), svg("text", "middle")];
      put(circle, "r", BADGE);
      put(text, "y", 4);
      say(text, sign);
      this.badge.append(circle, text);
    }
    this.drawOver();
  }

  private drawOver(): void {
    const { node, shade, ring, badge } = this;
    if (!shade && !ring && !badge) this.over.remove();
    arrange(
      this.over,
      [shade, ring, badge].filter((part) => part !== null),
    );
    if (badge) put(badge, "transform", `translate(${node.w - 1},1)`);
    const [w, h, r] = [node.w, node.h, roundingOf(node)];
    const [right, below] = [w + SHADE, h + SHADE];
    if (shade) put(shade, "d", `M${r},${below} H${right - r} A${r},${r} 0 0 0 ${right},${below - r} V${r}`);
    const around = { x: -RING, y: -RING, width: w + 2 * RING, height: h + 2 * RING, rx: r + RING };
    if (ring) for (const [name, value] of Object.entries(around)) put(ring, name, value);
  }

  private drawChoice(): void {
    if (this.node.action !== "select" || this.node.role) return;
    const inTree = this.root.getAttribute("role") === "treeitem";
    put(this.root, inTree ? "aria-selected" : "aria-pressed", String(this.shade !== null));
  }

  /** `title` is the complete text, including cut parts. */
  private drawAccess(node: SceneNode, title: string, tree: Place | undefined): void {
    if (node.thing) put(this.root, "data-thing", node.thing);
    else drop(this.root, "data-thing");
    if (!focusable(node)) {
      this.drawName(title);
      return;
    }
    put(this.root, "role", tree ? "treeitem" : roleOf(node));
    if (tree) this.drawPlace(node, tree);
    this.drawChoice();
    if (node.role === "switch") put(this.root, "aria-pressed", String(node.state === "chosen"));
    if (node.value !== undefined) {
      put(this.root, "aria-valuetext", node.text?.[0]?.[2] ?? "");
      put(this.root, "aria-valuenow", node.value ?? 0);
    }
    put(this.root, "aria-label", [title || textOf(node) || node.id, ...stateWords(node)].join(", "));
    if (!this.root.hasAttribute("tabindex")) put(this.root, "tabindex", -1);
  }

  /** A node that no key reaches is read out by its name all the same. */
  private drawName(name: string): void {
    if (!name) {
      drop(this.root, "role");
      drop(this.root, "aria-label");
      return;
    }
    put(this.root, "role", "img");
    put(this.root, "aria-label", name);
  }

  private drawPlace(node: SceneNode, { level, position, size, parent }: Place): void {
    put(this.root, "aria-level", level);
    put(this.root, "aria-posinset", position);
    put(this.root, "aria-setsize", size);
    const folded = node.state?.split(" ").includes("folded") ?? false;
    if (folded || parent) put(this.root, "aria-expanded", String(!folded));
    else drop(this.root, "aria-expanded");
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
    put(this.shape, "rx", roundingOf(node));
  }

  private drawBars(node: SceneNode): void {
    this.bars = alike(node.bars ?? []).map((strips, i) => {
      const [x, y, w, h, style] = strips[0] as Strip;
      const kind = strips.length > 1 ? "path" : "rect";
      const known = this.bars[i];
      const bar = known?.localName === kind ? known : svg(kind);
      put(bar, "class", `bar ${style}`);
      if (kind === "path") {
        put(bar, "d", strips.map(([x, y, w, h]) => `M${x},${y}h${w}v${h}h${-w}z`).join(""));
        return bar;
      }
      put(bar, "x", x);
      put(bar, "y", y);
      put(bar, "width", w);
      put(bar, "height", h);
      return bar;
    });
  }

  /** The node's title, with the complete text of each cut run that is not in it. */
  private drawRuns(node: SceneNode): string {
    const runs = node.text ?? [];
    const said = [node.title ?? ""];
    this.runs = runs.map((run, i) => {
      const [x, y, text, style, anchor] = run;
      const element = this.runs[i] ?? svg("text");
      put(element, "class", style);
      put(element, "x", x);
      put(element, "y", y);
      put(element, "text-anchor", anchor);
      const shown = this.ruler.fit(run);
      say(element, shown);
      if (shown !== text && !said[0]?.includes(text)) said.push(text);
      return element;
    });
    return said.filter(Boolean).join(" · ");
  }
}

/** The bars: each is its own path, except many consecutive bars of one style. */
function alike(strips: readonly Strip[]): Strip[][] {
  const found: Strip[][] = [];
  for (const strip of strips) {
    const last = found.at(-1);
    if (last?.[0]?.[4] === strip[4]) last.push(strip);
    else found.push([strip]);
  }
  return found.flatMap((one) => (one.length < MANY_BARS ? one.map((strip) => [strip]) : [one]));
}

/** The radius of a node's corners. */
function roundingOf(node: SceneNode): number {
  return node.shape === "round" ? Math.min(node.w, node.h) / 2 : rounding(node.w, node.h);
}

/** The radius of a box's corners. */
export function rounding(w: number, h: number): number {
  return Math.min(ROUNDING, h / 5, w / 5);
}

/** The least pixels of a node with a badge, and the most badges of a picture: more would be meaningless. */
const BADGED = { w: 24, h: 18, most: 7 };

/**
 * The badges of things that are new ("+"), will go ("−") or differ from the other side ("≠"), by ID; none if nearly all
 * are, as in `views/scene/svg.py`.
 */
export function badgesOf(nodes: readonly SceneNode[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { id, kind, shape, state, w, h } of nodes) {
    if (!state || shape === "none" || kind === "stage" || w < BADGED.w || h < BADGED.h) continue;
    const words = state.split(" ");
    if (words.includes("within")) continue; // the ring around it and its neighbours has a badge
    const sign = signOf(words);
    if (sign) found.set(id, sign);
  }
  return found.size > BADGED.most ? new Map() : found;
}

function signOf(state: readonly string[]): string {
  if (state.includes("new")) return "+";
  if (state.includes("leaving")) return "−";
  return state.includes("beside") && state.includes("changed") ? "≠" : "";
}

/** Whether the keyboard can move to a node. */
export function focusable(node: SceneNode): boolean {
  return Boolean(node.lane || node.action);
}

function roleOf(node: SceneNode): string {
  if (node.value !== undefined) return "spinbutton"; // arrow keys change its number
  return node.action ? "button" : "img";
}

/** States that other readers only see, in words. */
const STATES: Record<string, string> = {
  new: "new",
  changed: "changed",
  path: "on the path",
  here: "current",
  leaving: "about to be removed",
  stuck: "stuck",
  shown: "shown in detail",
};

function stateWords(node: SceneNode): string[] {
  const states = (node.state ?? "").split(" ");
  if (states.includes("beside")) return []; // it differs from the other side, and its title says how
  return states.flatMap((state) => STATES[state] ?? []);
}

function textOf(node: SceneNode): string {
  return (node.text ?? []).map((run) => run[2]).join(" ");
}
