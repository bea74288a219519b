// A scene as SVG, keyed by id: what stays, stays the same element and moves by transition; nothing is torn down.

import { LinkElement } from "./link.ts";
import { NodeElement } from "./node.ts";
import type { Route, Scene } from "./scene.ts";
import { arrange, put, svg } from "./svg.ts";

/** Above so many nodes a frame jumps instead of moving: each one that moves is painted again in every frame. */
export const MOVING_LIMIT = 100;

/** Above so many links they jump while nodes move: a path that melts into another costs far more than a node that moves. */
export const MELTING_LIMIT = 40;

export class Renderer {
  readonly root = svg("svg", "vmw-scene");
  readonly nodes = new Map<string, NodeElement>();
  readonly links = new Map<string, LinkElement>();
  private readonly linkLayer = svg("g", "links");
  private readonly nodeLayer = svg("g", "nodes");
  private selection = "";
  scene: Scene | null = null;

  constructor() {
    this.root.setAttribute("role", "group");
    this.root.append(this.linkLayer, this.nodeLayer);
  }

  draw(scene: Scene): void {
    const first = this.scene === null;
    this.scene = scene;
    put(this.root, "viewBox", `0 0 ${scene.width} ${scene.height}`);
    this.root.style.maxWidth = `${scene.width}px`; // never larger than drawn: text has its size
    put(this.root, "aria-label", `${scene.title}: ${scene.view}`);
    this.root.classList.toggle("still", first || scene.nodes.length > MOVING_LIMIT);
    this.root.classList.toggle("stiff", scene.links.length > MELTING_LIMIT);
    this.drawLinks(scene);
    this.drawNodes(scene);
  }

  /** Graphviz's routes for the scene on screen, by the names that links have in DOT. */
  follow(routes: Record<string, Route>): void {
    if (!this.scene) return;
    const links = dotLinks(this.scene);
    for (const [name, route] of Object.entries(routes)) this.links.get(links.get(name) ?? "")?.follow(route);
  }

  /** Marks everything that is drawn of the selected thing. */
  select(thing: string): void {
    this.selection = thing;
    for (const element of this.nodes.values()) this.mark(element);
  }

  private mark(element: NodeElement): void {
    const selected = this.selection !== "" && element.node.thing === this.selection;
    element.root.classList.toggle("selected", selected);
  }

  private drawNodes(scene: Scene): void {
    const kept: Element[] = [];
    const here = new Set<string>();
    for (const node of scene.nodes) {
      here.add(node.id);
      let element = this.nodes.get(node.id);
      if (element) element.draw(node);
      else {
        element = new NodeElement(node);
        this.nodes.set(node.id, element);
      }
      this.mark(element);
      kept.push(element.root);
    }
    for (const id of this.nodes.keys()) if (!here.has(id)) this.nodes.delete(id);
    arrange(this.nodeLayer, kept);
  }

  private drawLinks(scene: Scene): void {
    const kept: Element[] = [];
    const here = new Set<string>();
    for (const link of scene.links) {
      here.add(link.id);
      let element = this.links.get(link.id);
      if (element) element.draw(link);
      else {
        element = new LinkElement(link);
        this.links.set(link.id, element);
      }
      kept.push(element.root);
    }
    for (const id of this.links.keys()) if (!here.has(id)) this.links.delete(id);
    arrange(this.linkLayer, kept);
  }
}

/** Names in DOT to link ids: e0, e1, … are the links of the graph in order, as vmwidgets/views/scene/dot.py names them. */
export function dotLinks(scene: Scene): Map<string, string> {
  const drawn = new Set(scene.nodes.filter((node) => node.graph).map((node) => node.id));
  const links = scene.links.filter((link) => link.graph && drawn.has(link.source) && drawn.has(link.target));
  return new Map(links.map((link, number) => [`e${number}`, link.id]));
}
