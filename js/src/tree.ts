// The words of a screen reader about a tree: how deep a node is, its number among its parent's children, and the nodes
// below it.

import { marksOf } from "./marks.ts";
import type { Place, Point, Scene, SceneLane, SceneLink } from "./scene.ts";

export class Trees {
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

const known = new WeakMap<Scene, Trees>();

/** The trees of a scene. */
export function treesOf(scene: Scene): Trees {
  let trees = known.get(scene);
  if (!trees) {
    trees = new Trees(scene);
    known.set(scene, trees);
  }
  return trees;
}
