// What a picture is drawn of: nodes, links, and text that fits.
//
// One node of a scene as one <g>: its shape, its bars, its runs of text.  If it is drawn again, it is the same element.
//
//   <g class="node KIND STATE…" style="transform: translate(X, Y)" data-id data-thing>
//     <rect|path class="shape"/> <rect|path class="bar STYLE"/>… <text class="STYLE"/>…
//   </g>
//   <g class="vmw-over" style="transform: translate(X, Y)"> <path class="shade"/> <rect class="ring"/> <g class="badge"/> </g>
//
// The shade marks the selected thing, the ring shows where the keyboard is, and the badge marks things that are new or
// will go.  All three lie over all nodes, and are visible next to the outline, which marks new and changed things.

import { arrange, drop, put, say, svg } from "./svg.ts";
import type { Place, Point, Run, SceneLink, SceneNode, Strip } from "./wire.ts";

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
  /** The node's name, with the complete text of each cut run; pointing.ts shows it. */
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

// ---- link
// One link of a scene.
//
//   <g class="link KIND STATE…" data-id> <path class="line"/> <path class="arrow"/> </g>

const ARROW = { length: 9, half: 4 };

export class LinkElement {
  readonly root = svg("g");
  private readonly line = svg("path", "line");
  private arrow: SVGPathElement | null = null;
  private placed = "";
  link: SceneLink;

  constructor(link: SceneLink) {
    this.link = link;
    this.root.dataset.id = link.id;
    this.root.append(this.line);
    this.draw(link);
  }

  draw(link: SceneLink): void {
    this.link = link;
    put(this.root, "class", `link ${link.kind} ${link.state ?? ""}`.trimEnd());
    const placed = JSON.stringify([link.points, link.bend, link.source, link.target, link.arrow]);
    if (placed === this.placed) return;
    this.placed = placed;
    put(this.line, "d", linePath(link.points, link.bend));
    this.drawArrow(link.points.at(-2), link.points.at(-1));
  }

  private drawArrow(from: Point | undefined, to: Point | undefined): void {
    if (!this.link.arrow || !from || !to) {
      this.arrow?.remove();
      this.arrow = null;
      return;
    }
    if (!this.arrow) {
      this.arrow = svg("path", "arrow");
      this.line.after(this.arrow);
    }
    put(this.arrow, "d", arrowPath(controls(from, to, this.link.bend)[1], to));
  }
}

export const short = (value: number): number => Math.round(value * 10) / 10;
const at = ([x, y]: Point): string => `${short(x)},${short(y)}`;

/** Returns a line written as cubics, so that it can be animated into another with as many pieces. */
function linePath(points: readonly Point[], bend?: SceneLink["bend"]): string {
  const [start, ...rest] = points;
  if (!start) return "";
  let from = start;
  let path = `M${at(start)}`;
  for (const to of rest) {
    path += ` C${[...controls(from, to, bend), to].map(at).join(" ")}`;
    from = to;
  }
  return path;
}

/** Returns a filled arrowhead with its point at `to`, coming from `from`. */
function arrowPath(from: Point, to: Point): string {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  if (length === 0) return "";
  const [ux, uy] = [dx / length, dy / length];
  const [bx, by] = [to[0] - ux * ARROW.length, to[1] - uy * ARROW.length];
  const left: Point = [bx - uy * ARROW.half, by + ux * ARROW.half];
  const right: Point = [bx + uy * ARROW.half, by - ux * ARROW.half];
  return `M${at(to)} L${at(left)} L${at(right)} Z`;
}

/** The control points of a piece, which is a curve if it has a bend and is neither level nor upright. */
function controls(from: Point, to: Point, bend?: SceneLink["bend"]): [Point, Point] {
  const [[x, y], [toX, toY]] = [from, to];
  const [middleX, middleY] = [(x + toX) / 2, (y + toY) / 2];
  if (!bend) return [from, from];
  return bend === "level"
    ? [
        [middleX, y],
        [middleX, toY],
      ]
    : [
        [x, middleY],
        [toX, middleY],
      ];
}

// ---- fit
// Text that may be too long for its room: it is cut only if it is too long in this page's font.  Python knows a limit
// of a text's width, and gives a room to each text that may exceed its space; no other text is measured.  A canvas
// measures, which costs the page no layout, and each text is measured once.

const ELLIPSIS = "…";
/** Pixels by which a text may be too long: less than the space before its last letter. */
const SLACK = 0.5;
/** The number of widths that are kept. */
const MANY = 10_000;

const widths = new Map<string, number>();
let canvas: CanvasRenderingContext2D | null | undefined;

/** The width of a text in some font, in pixels. */
type Measure = (text: string) => number;

/**
 * The part of `text` that is shown in `room` pixels, with an ellipsis at its end, or in its middle if the room is
 * negative.
 */
export function cut(text: string, room: number, measure: Measure): string {
  const most = Math.abs(room) + SLACK;
  if (measure(text) <= most) return text;
  const letters = Array.from(text);
  const kept = (count: number): string => {
    const start = room < 0 ? Math.floor(count / 3) : count;
    return letters.slice(0, start).join("") + ELLIPSIS + letters.slice(letters.length - (count - start)).join("");
  };
  let [least, above] = [0, letters.length];
  while (above - least > 1) {
    const count = (least + above) >> 1;
    if (measure(kept(count)) <= most) least = count;
    else above = count;
  }
  return least ? kept(least) : "";
}

/** Measures in the fonts that the text of one picture has on its page. */
export class Ruler {
  private readonly root: SVGElement;
  private readonly fonts = new Map<string, string>();

  constructor(root: SVGElement) {
    this.root = root;
  }

  /** Whether the picture is on a page, and has its style there: before that, its font is unknown. */
  get ready(): boolean {
    return this.root.isConnected && getComputedStyle(this.root).getPropertyValue("--vmw-sans") !== "";
  }

  /** The shown part of a run of text; all of it if nothing can be measured. */
  fit([, , text, style, , room]: Run): string {
    if (!room) return text;
    if (canvas === undefined) canvas = document.createElement("canvas").getContext("2d");
    const font = canvas && this.font(style);
    return font ? cut(text, room, (part) => width(part, font)) : text;
  }

  private font(style: string): string {
    const known = this.fonts.get(style);
    if (known !== undefined || !this.ready) return known ?? "";
    const probe = svg("text", style);
    this.root.append(probe);
    const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(probe);
    const font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
    probe.remove();
    this.fonts.set(style, font);
    return font;
  }
}

/** Forgets all widths: the page has other letters. */
export function measureAgain(): void {
  widths.clear();
}

function width(text: string, font: string): number {
  const key = `${font}\n${text}`;
  const known = widths.get(key);
  if (known !== undefined || !canvas) return known ?? 0;
  if (widths.size >= MANY) widths.clear();
  canvas.font = font;
  const measured = canvas.measureText(text).width;
  widths.set(key, measured);
  return measured;
}
