// Many small things, and trees: what a scene says of them in few words.
//
// Many small things without words: one path for each look, and a node of its own for the few that matter now.
//
//   g.marks > g.node KIND STATE > path.shape          (in front of the links, behind the nodes)
//   g.marks-lines > g.link LANE > path.line

import { rounding, short } from "./node.ts";
import { match, put, svg } from "./svg.ts";
import type { Place, Point, Scene, SceneLane, SceneLink, SceneMarks, SceneNode } from "./wire.ts";

/** The marks of one lane, as numbers; vmwidgets/views/scene/model.py explains each column. */
export class Marks {
  readonly data: SceneMarks;
  readonly number: number[];
  readonly x: number[];
  readonly y: number[];
  readonly w: number[];
  private readonly parent: number[];
  readonly page: number[];
  readonly pages: number[];
  private places: Map<number, number> | null = null;

  constructor(data: SceneMarks) {
    this.data = data;
    this.number = sums(data.number);
    this.x = sums(data.x).map((tenths) => tenths / 10);
    this.y = sums(data.y).map((tenths) => tenths / 10);
    this.w = sums(data.w).map((tenths) => tenths / 10);
    this.parent = sums(data.parent ?? []);
    this.page = sums(data.page);
    this.pages = sums(data.pages ?? []);
  }

  /** The mark at `place` as a node. */
  node(place: number): SceneNode {
    const { lane, kind, of, h, looks, look, title } = this.data;
    const number = this.number[place];
    const [shape, state, said] = looks[look[place] ?? 0] ?? ["box", "", ""];
    const [page, pages] = [this.page[place] ?? 0, this.pages[place] ?? 0];
    const words: Record<string, string> = {
      state,
      number: `${number}`,
      name: this.data.names?.[place] ?? "",
      words: said,
      address: address(page),
      end: address(page + pages),
      size: size(pages),
    };
    return {
      id: `${lane}/${number}`,
      kind,
      x: this.x[place] ?? 0,
      y: this.y[place] ?? 0,
      w: this.w[place] ?? 0,
      h,
      shape,
      state,
      thing: `${of}:${number}`,
      title: title.replace(/\{(\w+)\}/g, (_, name: string) => words[name] ?? ""),
      action: "select",
      lane,
    };
  }

  /** Both ends of the line from a mark's parent to the mark; null if the mark has no parent. */
  ends(place: number): [foot: Point, head: Point] | null {
    const parent = this.parent[place] ?? -1;
    if (parent < 0) return null;
    return [
      [this.middle(parent), (this.y[parent] ?? 0) + this.data.h],
      [this.middle(place), this.y[place] ?? 0],
    ];
  }

  /** That line as a link. */
  link(place: number): SceneLink | null {
    const points = this.ends(place);
    if (!points) return null;
    const { lane } = this.data;
    const [source, target] = [`${lane}/${this.number[this.parent[place] ?? 0]}`, `${lane}/${this.number[place]}`];
    return { id: `${target}/up`, kind: lane, source, target, points, branch: true };
  }

  /** The place of the mark whose node has this ID; -1 if there is none. */
  placeOf(id: string): number {
    const { lane } = this.data;
    return id.startsWith(`${lane}/`) ? this.numbered(id.slice(lane.length + 1)) : -1;
  }

  /** The place of the mark that shows `thing`; -1 if there is none. */
  placeOfThing(thing: string): number {
    const { of } = this.data;
    return thing.startsWith(`${of}:`) ? this.numbered(thing.slice(of.length + 1)) : -1;
  }

  /**
   * The place of the mark at a point, the nearest of several; -1 if there is none.  Left and right edges are in order.
   */
  at([x, y]: Point): number {
    let [low, high] = [0, this.x.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.x[middle] ?? 0) + (this.w[middle] ?? 0) < x) low = middle + 1;
      else high = middle;
    }
    let nearest = -1;
    const off = (place: number): number => Math.abs(this.middle(place) - x);
    for (let place = low; (this.x[place] ?? Number.POSITIVE_INFINITY) <= x; place++) {
      const top = this.y[place] ?? 0;
      if (top <= y && y <= top + this.data.h && (nearest < 0 || off(place) < off(nearest))) nearest = place;
    }
    return nearest;
  }

  private middle(place: number): number {
    return (this.x[place] ?? 0) + (this.w[place] ?? 0) / 2;
  }

  private numbered(text: string): number {
    this.places ??= new Map(this.number.map((number, place) => [number, place]));
    return this.places.get(Number(text)) ?? -1;
  }
}

/** The function that computes a value once for each scene. */
export function perScene<Value>(make: (scene: Scene) => Value): (scene: Scene) => Value {
  const known = new WeakMap<Scene, Value>();
  return (scene) => {
    let value = known.get(scene);
    if (value === undefined) {
      value = make(scene);
      known.set(scene, value);
    }
    return value;
  };
}

/** The marks of a scene. */
export const marksOf = perScene((scene) => (scene.marks ?? []).map((data) => new Marks(data)));

/** The scene with each mark as a node, as arrow keys need it. */
export const whole = /* @__PURE__ */ perScene((scene: Scene): Scene => {
  if (!scene.marks?.length) return scene;
  const links = [...scene.links];
  const lanes = new Set(scene.marks.map((marks) => marks.lane));
  const marked = scene.nodes.filter((node) => lanes.has(node.lane ?? ""));
  for (const marks of marksOf(scene)) {
    for (let place = 0; place < marks.number.length; place++) {
      marked.push(marks.node(place));
      const link = marks.link(place);
      if (link) links.push(link);
    }
  }
  marked.sort((a, b) => a.x - b.x); // other lanes have an order of their own
  const nodes = [...scene.nodes.filter((node) => !lanes.has(node.lane ?? "")), ...marked];
  return { ...scene, nodes, links, marks: [] };
});

/** Draws the marks of a scene. */
export class MarksLayer {
  readonly root = svg("g", "marks");
  readonly lines = svg("g", "marks-lines");
  private drawn = "";

  draw(scene: Scene): void {
    const drawn = JSON.stringify(scene.marks ?? []); // a tenth of the time for drawing a thousand marks
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const all = marksOf(scene);
    const looks = all.flatMap((marks) => marks.data.looks.map((_, look) => ({ marks, look })));
    match(this.root, "g", looks.length).forEach((group, index) => {
      const { marks, look } = looks[index] as (typeof looks)[number];
      const [shape, state] = marks.data.looks[look] as (typeof marks.data.looks)[number];
      put(group, "class", `node ${marks.data.kind} ${state}`);
      drawPath(group, "shape", shapes(marks, look, shape === "round"));
    });
    const lined = all.filter((marks) => marks.data.parent);
    match(this.lines, "g", lined.length).forEach((group, index) => {
      const marks = lined[index] as Marks;
      put(group, "class", `link ${marks.data.lane}`);
      drawPath(group, "line", lines(marks));
    });
  }
}

function drawPath(group: SVGElement, name: string, d: string): void {
  const [path] = match(group, "path", 1);
  if (!path) return;
  put(path, "class", name);
  put(path, "d", d);
}

function shapes(marks: Marks, look: number, round: boolean): string {
  const { h } = marks.data;
  let d = "";
  marks.data.look.forEach((one, place) => {
    if (one !== look) return;
    const [x, y, w] = [marks.x[place] ?? 0, marks.y[place] ?? 0, marks.w[place] ?? 0];
    const radius = short(rounding(w, h));
    if (round) d += `M${x},${short(y + h / 2)}a${w / 2},${h / 2} 0 1,0 ${w},0a${w / 2},${h / 2} 0 1,0 -${w},0`;
    else if (radius < SEEN) d += `M${x},${y}h${w}v${h}h-${w}z`;
    else {
      const [across, down] = [short(w - 2 * radius), short(h - 2 * radius)];
      d += `M${x},${short(y + radius)}v${down}q0,${radius} ${radius},${radius}h${across}q${radius},0 ${radius},-${radius}`;
      d += `v-${down}q0,-${radius} -${radius},-${radius}h-${across}q-${radius},0 -${radius},${radius}z`;
    }
  });
  return d;
}

/** Pixels from which a rounded corner is visible. */
const SEEN = 1.7;

function lines(marks: Marks): string {
  let d = "";
  for (let place = 0; place < marks.number.length; place++) {
    const ends = marks.ends(place);
    if (ends) d += `M${short(ends[0][0])},${short(ends[0][1])}L${short(ends[1][0])},${short(ends[1][1])}`;
  }
  return d;
}

/** Returns the values whose differences these are. */
function sums(differences: readonly number[]): number[] {
  let sum = 0;
  return differences.map((difference) => {
    sum += difference;
    return sum;
  });
}

/** The address of a page, as Python writes it. */
function address(page: number): string {
  const digits = page ? `${page.toString(16)}000` : "0";
  return `0x${digits.replace(/\B(?=(....)+$)/g, "_")}`;
}

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** The size of this many pages, as Python's binary_size writes it. */
export function size(pages: number): string {
  const bytes = pages * 4096; // exact: a page's worth of its last bits is 0
  for (let power = UNITS.length; power > 0; power--) {
    const many = bytes / 1024 ** power;
    if (many >= 1 && Number.isInteger(many) && many < 10_000) return `${many} ${UNITS[power - 1]}`;
    if (many >= 10) return `${(even(many * 10) / 10).toFixed(1)} ${UNITS[power - 1]}`;
  }
  return `${bytes} B`;
}

/** The nearest whole number, or the even one of two equally near, as Python rounds. */
function even(value: number): number {
  const near = Math.round(value);
  return near - value === 0.5 && near % 2 ? near - 1 : near;
}

// ---- tree
// The words of a screen reader about a tree: how deep a node is, its number among its parent's children, and the nodes
// below it.

class Trees {
  private readonly scene: Scene;
  private above: Map<string, string> | null = null;
  private readonly below = new Map<string, { id: string; at: Point }[]>();

  constructor(scene: Scene) {
    this.scene = scene;
  }

  /** The lane of this name, if it is a tree. */
  lane(name: string | undefined): SceneLane | undefined {
    return this.scene.lanes.find((lane) => lane.name === name && lane.role === "tree");
  }

  parent(id: string): string | undefined {
    return this.read().get(id);
  }

  /** The nodes under `id`, as they are drawn from left to right or downwards. */
  children(id: string): readonly string[] {
    this.read();
    return (this.below.get(id) ?? []).map((child) => child.id);
  }

  place(id: string): Place {
    const parent = this.parent(id);
    const siblings = parent === undefined ? [id] : this.children(parent);
    let level = 1;
    for (let up = parent; up !== undefined; up = this.parent(up)) level++;
    return { level, position: siblings.indexOf(id) + 1, size: siblings.length, parent: this.below.has(id) };
  }

  /** Goes through all branches, once. */
  private read(): Map<string, string> {
    if (this.above) return this.above;
    this.above = new Map();
    for (const link of this.scene.links) if (link.branch) this.grow(link, this.above);
    for (const marks of marksOf(this.scene))
      for (let place = 0; place < marks.number.length; place++) {
        const link = marks.link(place);
        if (link) this.grow(link, this.above);
      }
    for (const children of this.below.values()) children.sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1]);
    return this.above;
  }

  private grow({ source, target, points }: SceneLink, above: Map<string, string>): void {
    above.set(target, source);
    const child = { id: target, at: points.at(-1) ?? ([0, 0] as Point) };
    const siblings = this.below.get(source);
    if (siblings) siblings.push(child);
    else this.below.set(source, [child]);
  }
}

/** The trees of a scene. */
export const treesOf = perScene((scene) => new Trees(scene));
