// Many small things without words: one path for each look, and a node of its own for the few that matter just now.
//
//   g.marks > g.node KIND STATE > path.shape          (in front of the links, behind the nodes)
//   g.marks-lines > g.link LANE > path.line

import type { Point, Scene, SceneLink, SceneMarks, SceneNode } from "./scene.ts";
import { match, put, svg } from "./svg.ts";

/** The marks of one lane, as numbers; vmwidgets/views/scene/model.py says what each column is. */
export class Marks {
  readonly data: SceneMarks;
  readonly number: number[];
  readonly x: number[];
  readonly y: number[];
  private readonly parent: number[];
  private readonly page: number[];
  private places: Map<number, number> | null = null;

  constructor(data: SceneMarks) {
    this.data = data;
    this.number = sums(data.number);
    this.x = sums(data.x).map((tenths) => tenths / 10);
    this.y = sums(data.y).map((tenths) => tenths / 10);
    this.parent = sums(data.parent);
    this.page = sums(data.page);
  }

  /** The mark at `place` as a node. */
  node(place: number): SceneNode {
    const { lane, kind, of, size, looks, look, title } = this.data;
    const number = this.number[place];
    const [shape, state] = looks[look[place] ?? 0] ?? ["box", ""];
    const words: Record<string, string> = { state, address: address(this.page[place] ?? 0), number: `${number}` };
    return {
      id: `${lane}/${number}`,
      kind,
      x: this.x[place] ?? 0,
      y: this.y[place] ?? 0,
      w: size,
      h: size,
      shape,
      state,
      thing: `${of}:${number}`,
      title: title.replace(/\{(\w+)\}/g, (_, name: string) => words[name] ?? ""),
      action: "select",
      lane,
    };
  }

  /** The line from a mark's parent to it; null where its parent is none. */
  link(place: number): SceneLink | null {
    const parent = this.parent[place] ?? -1;
    if (parent < 0) return null;
    const { lane, size } = this.data;
    const [source, target] = [`${lane}/${this.number[parent]}`, `${lane}/${this.number[place]}`];
    const foot: Point = [(this.x[parent] ?? 0) + size / 2, (this.y[parent] ?? 0) + size];
    const head: Point = [(this.x[place] ?? 0) + size / 2, this.y[place] ?? 0];
    return { id: `${target}/up`, kind: lane, source, target, points: [foot, head], branch: true };
  }

  /** The place of the mark whose node has this id; -1 for none. */
  placeOf(id: string): number {
    const { lane } = this.data;
    return id.startsWith(`${lane}/`) ? this.numbered(id.slice(lane.length + 1)) : -1;
  }

  /** The place of the mark that is of `thing`; -1 for none. */
  placeOfThing(thing: string): number {
    const { of } = this.data;
    return thing.startsWith(`${of}:`) ? this.numbered(thing.slice(of.length + 1)) : -1;
  }

  /** The place of the mark at a point, of several the nearest; -1 for none.  They stand in the order of x. */
  at([x, y]: Point): number {
    const { size } = this.data;
    let [low, high] = [0, this.x.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.x[middle] ?? 0) + size < x) low = middle + 1;
      else high = middle;
    }
    let nearest = -1;
    const off = (place: number): number => Math.abs((this.x[place] ?? 0) + size / 2 - x);
    for (let place = low; (this.x[place] ?? Number.POSITIVE_INFINITY) <= x; place++) {
      const top = this.y[place] ?? 0;
      if (top <= y && y <= top + size && (nearest < 0 || off(place) < off(nearest))) nearest = place;
    }
    return nearest;
  }

  private numbered(text: string): number {
    this.places ??= new Map(this.number.map((number, place) => [number, place]));
    return this.places.get(Number(text)) ?? -1;
  }
}

const known = new WeakMap<Scene, Marks[]>();
const wholes = new WeakMap<Scene, Scene>();

/** The marks of a scene, worked out once. */
export function marksOf(scene: Scene): Marks[] {
  let marks = known.get(scene);
  if (!marks) {
    marks = (scene.marks ?? []).map((data) => new Marks(data));
    known.set(scene, marks);
  }
  return marks;
}

/** The scene with each mark as a node: what arrow keys go through. */
export function whole(scene: Scene): Scene {
  if (!scene.marks?.length) return scene;
  let found = wholes.get(scene);
  if (!found) {
    const [nodes, links] = [[...scene.nodes], [...scene.links]];
    for (const marks of marksOf(scene)) {
      for (let place = 0; place < marks.number.length; place++) {
        nodes.push(marks.node(place));
        const link = marks.link(place);
        if (link) links.push(link);
      }
    }
    nodes.sort((a, b) => a.x - b.x);
    found = { ...scene, nodes, links, marks: [] };
    wholes.set(scene, found);
  }
  return found;
}

/** Draws the marks of a scene. */
export class MarksLayer {
  readonly root = svg("g", "marks");
  readonly lines = svg("g", "marks-lines");
  private drawn = "";

  draw(scene: Scene): void {
    const drawn = JSON.stringify(scene.marks ?? []);
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
    match(this.lines, "g", all.length).forEach((group, index) => {
      const marks = all[index] as Marks;
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
  const { size } = marks.data;
  const half = size / 2;
  let d = "";
  marks.data.look.forEach((one, place) => {
    if (one !== look) return;
    const [x, y] = [marks.x[place] ?? 0, marks.y[place] ?? 0];
    d += round
      ? `M${x},${short(y + half)}a${half},${half} 0 1,0 ${size},0a${half},${half} 0 1,0 -${size},0`
      : `M${x},${y}h${size}v${size}h-${size}z`;
  });
  return d;
}

function lines(marks: Marks): string {
  let d = "";
  for (let place = 0; place < marks.number.length; place++) {
    const points = marks.link(place)?.points;
    if (points) d += points.map(([x, y], end) => `${end ? "L" : "M"}${short(x)},${short(y)}`).join("");
  }
  return d;
}

const short = (value: number): number => Math.round(value * 10) / 10;

/** Differences back to what they are differences of. */
function sums(differences: readonly number[]): number[] {
  let sum = 0;
  return differences.map((difference) => {
    sum += difference;
    return sum;
  });
}

/** The address of a page as Python writes it. */
function address(page: number): string {
  const digits = page ? `${page.toString(16)}000` : "0";
  return `0x${digits.replace(/\B(?=(....)+$)/g, "_")}`;
}
