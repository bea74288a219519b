// Graphviz's answer (format json0) as ways of links: y turned down again.

import type { Point, Route } from "./scene.ts";

export interface Placed {
  /** Name of an edge in DOT to its route. */
  routes: Record<string, Route>;
  /** Node id to centre, as Graphviz gave it back: what a test holds against what was sent. */
  centres: Record<string, Point>;
}

interface Json0 {
  objects?: { name: string; id?: string; pos?: string }[];
  edges?: { id?: string; pos?: string }[];
}

/** Reads the text that Graphviz gave for a scene `height` pixels high. */
export function readPlaced(json: string, height: number): Placed {
  const graph = JSON.parse(json) as Json0;
  const placed: Placed = { routes: {}, centres: {} };
  for (const node of graph.objects ?? []) {
    const centre = node.pos && readPoint(node.pos, height);
    if (centre) placed.centres[node.id ?? node.name] = centre;
  }
  for (const edge of graph.edges ?? []) {
    const route = edge.id && edge.pos ? readRoute(edge.pos, height) : null;
    if (route && edge.id) placed.routes[edge.id] = route;
  }
  return placed;
}

/** Reads a spline without arrows: the start, then three points a piece. */
export function readRoute(pos: string, height: number): Route | null {
  const words = pos.split(";", 1)[0]?.trim().split(/\s+/) ?? [];
  const points: Point[] = [];
  for (const word of words) {
    const point = readPoint(word, height);
    if (!point) return null;
    points.push(point);
  }
  const [start, ...rest] = points;
  if (!start || rest.length === 0 || rest.length % 3 !== 0) return null;
  const curves: Route["curves"] = [];
  for (let i = 0; i < rest.length; i += 3) curves.push(rest.slice(i, i + 3) as [Point, Point, Point]);
  return { start, curves };
}

function readPoint(text: string, height: number): Point | null {
  const [x, y] = text.split(",").map(Number);
  return x !== undefined && y !== undefined && Number.isFinite(x) && Number.isFinite(y) ? [x, height - y] : null;
}
