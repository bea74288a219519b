// A document for tests that draw, and small scenes to draw.

import { Window } from "happy-dom";
import { Router } from "../src/drawing.ts";
import { type Scene, type SceneLink, type SceneNode, SUPPORTED_VERSION, type When } from "../src/wire.ts";

const window = new Window();
Object.assign(globalThis, {
  window,
  document: window.document,
  CustomEvent: window.CustomEvent,
  Event: window.Event,
  DOMParser: window.DOMParser,
  addEventListener: window.addEventListener.bind(window),
  removeEventListener: window.removeEventListener.bind(window),
  dispatchEvent: window.dispatchEvent.bind(window),
});

/** What pages use to see who is in sight; tests say it. */
export class Sight {
  static all: Sight[] = [];
  readonly say: (visible: boolean) => void;
  watched = 0;

  constructor(heard: (entries: { isIntersecting: boolean }[]) => void) {
    this.say = (visible) => heard([{ isIntersecting: visible }]);
    Sight.all.push(this);
  }

  observe(): void {
    this.watched++;
  }

  disconnect(): void {
    this.watched = 0;
  }
}
Object.assign(globalThis, { IntersectionObserver: Sight });

export function node(id: string, more: Partial<SceneNode> = {}): SceneNode {
  return { id, kind: "tree-node", x: 0, y: 0, w: 70, h: 28, ...more };
}

export function link(id: string, source: string, target: string, more: Partial<SceneLink> = {}): SceneLink {
  return {
    id,
    kind: "tree",
    source,
    target,
    points: [[0, 0] as const, [30, 60] as const].map(([x, y]) => [x, y]),
    ...more,
  };
}

export function scene(nodes: SceneNode[], links: SceneLink[] = [], more: Partial<Scene> = {}): Scene {
  return {
    version: SUPPORTED_VERSION,
    view: "tree",
    machine: "machine 1",
    title: "kernel_map",
    subtitle: "",
    width: 400,
    height: 200,
    caption: { text: "Entered 4 KiB.", functions: ["vm_map_enter", "vm_map_insert"], reason: "", tone: "good" },
    nodes,
    links,
    table: { header: [], rows: [] },
    steps: { index: 0, count: 0, operation: 1, places: [-1], functions: [0] },
    notes: [],
    lanes: [],
    ...more,
  };
}

/** The moment of a picture that follows a machine whose latest operation is 1. */
export const now: When = {
  number: 1,
  place: -1,
  now: true,
  kept: false,
  scale: 1,
  finds: false,
  cell: -1,
  operations: [],
};

/** Graphviz in a page that forbids it. */
export function without(): Router {
  const open = () => {
    throw new Error("no graph is drawn here");
  };
  return new Router(async () => "", open, "this page allows no workers");
}
