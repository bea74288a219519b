// The target of an arrow key: left and right go along the lane, up and down to parents and children or to the next
// lane.  In a lane that goes downwards, it is the other way round.  So a tree has the keys that trees have everywhere.

import { focusable } from "./node.ts";
import type { Scene, SceneNode } from "./scene.ts";
import { treesOf } from "./tree.ts";

export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" | "Home" | "End";

/** The next node after `key`, or null if there is none. */
export function step(scene: Scene, from: string, key: Arrow): SceneNode | null {
  const nodes = scene.nodes.filter(focusable);
  const here = nodes.find((node) => node.id === from);
  if (!here) return nodes[0] ?? null;
  const lane = nodes.filter((node) => node.lane === here.lane);
  const at = lane.indexOf(here);
  if (goesDown(scene, here.lane)) return alongColumn(scene, nodes, lane, here, key);
  switch (key) {
    case "ArrowLeft": // up and down turn a slice; past an end of their lane, left and right leave the lane
      return lane[at - 1] ?? (here.value !== undefined ? acrossLanes(scene, nodes, here, -1) : null);
    case "ArrowRight":
      return lane[at + 1] ?? (here.value !== undefined ? acrossLanes(scene, nodes, here, 1) : null);
    case "Home":
      return lane[0] ?? null;
    case "End":
      return lane.at(-1) ?? null;
    case "ArrowUp":
      return treeNeighbour(scene, nodes, here, "up") ?? acrossLanes(scene, nodes, here, -1);
    case "ArrowDown":
      return treeNeighbour(scene, nodes, here, "down") ?? acrossLanes(scene, nodes, here, 1);
  }
}

/** Whether a key opens the node with the focus: a folded part of a tree, by the key that goes to children. */
export function opens(scene: Scene, from: string, key: string): boolean {
  const node = scene.nodes.find((one) => one.id === from);
  const lane = treesOf(scene).lane(node?.lane);
  return node?.action === "open" && lane !== undefined && key === (lane.down ? "ArrowRight" : "ArrowDown");
}

/** Whether a lane goes downwards: up and down go along it, left and right to the next. */
function goesDown(scene: Scene, name: string | undefined): boolean {
  return scene.lanes.some((lane) => lane.down && lane.name === name);
}

function alongColumn(
  scene: Scene,
  nodes: SceneNode[],
  lane: SceneNode[],
  here: SceneNode,
  key: Arrow,
): SceneNode | null {
  const at = lane.indexOf(here);
  const beside = (way: 1 | -1): SceneNode | null => {
    const columns = scene.lanes.filter((lane) => lane.down);
    const next = columns[columns.findIndex((lane) => lane.name === here.lane) + way];
    const column = nodes.filter((node) => next && node.lane === next.name);
    const far = (node: SceneNode): number => Math.abs(node.y - here.y);
    return column.reduce<SceneNode | null>((best, node) => (best && far(best) <= far(node) ? best : node), null);
  };
  switch (key) {
    case "ArrowUp":
      return lane[at - 1] ?? acrossLanes(scene, nodes, here, -1);
    case "ArrowDown":
      return lane[at + 1] ?? acrossLanes(scene, nodes, here, 1);
    case "ArrowLeft":
      return treeNeighbour(scene, nodes, here, "up") ?? beside(-1);
    case "ArrowRight":
      return treeNeighbour(scene, nodes, here, "down") ?? beside(1);
    case "Home":
      return lane[0] ?? null;
    case "End":
      return lane.at(-1) ?? null;
  }
}

/** The node that gets the focus when a view is entered: the thing that the step tells about, or else the first node. */
export function entrance(scene: Scene): SceneNode | null {
  const nodes = scene.nodes.filter(focusable);
  const told = (word: string) => nodes.find((node) => node.state?.split(" ").includes(word));
  return told("here") ?? told("new") ?? told("changed") ?? told("shown") ?? nodes[0] ?? null;
}

function treeNeighbour(scene: Scene, nodes: SceneNode[], here: SceneNode, way: "up" | "down"): SceneNode | null {
  const trees = treesOf(scene);
  if (!trees.lane(here.lane)) return null;
  const id = way === "up" ? trees.parent(here.id) : trees.children(here.id)[0];
  return nodes.find((node) => node.id === id) ?? null;
}

const middle = (node: SceneNode): number => node.x + node.w / 2;

/** The nearest node, by x, in the next lane above or below. */
function acrossLanes(scene: Scene, nodes: SceneNode[], here: SceneNode, way: 1 | -1): SceneNode | null {
  const lanes = new Map<string, SceneNode[]>();
  for (const node of nodes) lanes.set(node.lane ?? "", [...(lanes.get(node.lane ?? "") ?? []), node]);
  for (const name of lanes.keys())
    if (name !== here.lane && goesDown(scene, here.lane) && goesDown(scene, name)) lanes.delete(name);
  const height = (lane: SceneNode[]) => lane.reduce((sum, node) => sum + node.y + node.h / 2, 0) / lane.length;
  const ordered = [...lanes.values()].sort((a, b) => height(a) - height(b));
  const next = ordered[ordered.findIndex((lane) => lane.includes(here)) + way];
  if (!next) return null;
  return next.reduce((best, node) => (distance(node, here) < distance(best, here) ? node : best));
}

const distance = (a: SceneNode, b: SceneNode): number => Math.abs(middle(a) - middle(b));
