// A scene as SVG, keyed by id: what stays, stays the same element and moves by transition; nothing is torn down.

import { LinkElement } from "./link.ts";
import { MarksLayer, marksOf } from "./marks.ts";
import { NodeElement } from "./node.ts";
import type { Route, Scene, SceneNode } from "./scene.ts";
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
  private readonly marks = new MarksLayer();
  private selection = "";
  private hovered = "";
  private standing = "";
  scene: Scene | null = null;

  constructor() {
    this.root.setAttribute("role", "group");
    this.root.append(this.marks.lines, this.linkLayer, this.marks.root, this.nodeLayer);
    this.root.addEventListener("pointermove", (event) => this.hover(event));
  }

  draw(scene: Scene, scale = 1): void {
    const first = this.scene === null;
    this.scene = scene;
    put(this.root, "viewBox", `0 0 ${scene.width} ${scene.height}`);
    this.root.style.maxWidth = `${scene.width * scale}px`; // text has its size
    put(this.root, "aria-label", `${scene.title}: ${scene.view}`);
    this.root.classList.toggle("still", first || scene.nodes.length > MOVING_LIMIT);
    this.root.classList.toggle("stiff", scene.links.length > MELTING_LIMIT);
    this.marks.draw(scene);
    this.drawLinks(scene);
    this.drawNodes(scene);
  }

  /** A node of the scene, also one that is drawn as a mark. */
  node(id: string): SceneNode | undefined {
    return this.nodes.get(id)?.node ?? this.marked(id);
  }

  /** The element of a node; a mark gets one of its own, for as long as it is stood on, selected or under the pointer. */
  element(id: string): NodeElement | undefined {
    const there = this.nodes.get(id);
    const node = there ? undefined : this.marked(id);
    if (!node) return there;
    const element = new NodeElement(node);
    this.nodes.set(id, element);
    this.mark(element);
    this.nodeLayer.append(element.root);
    return element;
  }

  /** The element of the node on which the keyboard stands from now on. */
  stand(id: string): NodeElement | undefined {
    this.standing = id;
    const element = this.element(id);
    this.settle();
    return element;
  }

  /** The id of the node under the pointer, marks among them; undefined where there is none. */
  under(event: MouseEvent): string | undefined {
    const id = (event.target as Element).closest<SVGGElement>(".node")?.dataset.id;
    const box = id === undefined && this.scene?.marks?.length ? this.root.getBoundingClientRect() : undefined;
    if (!box?.width || !this.scene) return id;
    const scale = this.scene.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    for (const marks of marksOf(this.scene)) {
      const place = marks.at([x, y]);
      if (place >= 0) return marks.node(place).id;
    }
    return undefined;
  }

  private marked(id: string): SceneNode | undefined {
    return this.among((marks) => marks.placeOf(id));
  }

  private among(find: (marks: ReturnType<typeof marksOf>[number]) => number): SceneNode | undefined {
    for (const marks of this.scene ? marksOf(this.scene) : []) {
      const place = find(marks);
      if (place >= 0) return marks.node(place);
    }
    return undefined;
  }

  private hover(event: MouseEvent): void {
    if (!this.scene?.marks?.length) return;
    const id = this.under(event) ?? "";
    if (id === this.hovered) return;
    this.hovered = id;
    if (id) this.element(id);
    this.settle();
  }

  /** Takes away the elements of marks that no longer matter. */
  private settle(): void {
    if (!this.scene?.marks?.length) return;
    const own = new Set(this.scene.nodes.map((node) => node.id));
    for (const [id, element] of this.nodes) {
      const matters = id === this.standing || id === this.hovered || element.node.thing === this.selection;
      if (own.has(id) || matters) continue;
      element.root.remove();
      this.nodes.delete(id);
    }
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
    const chosen = this.among((marks) => marks.placeOfThing(thing));
    if (chosen) this.element(chosen.id);
    this.settle();
    for (const element of this.nodes.values()) this.mark(element);
  }

  private mark(element: NodeElement): void {
    const selected = this.selection !== "" && element.node.thing === this.selection;
    element.root.classList.toggle("selected", selected);
    if (element.node.action === "select" && !element.node.role) put(element.root, "aria-pressed", String(selected));
  }

  private drawNodes(scene: Scene): void {
    const kept: Element[] = [];
    const here = new Set<string>();
    const own = new Set(scene.nodes.map((node) => node.id));
    const chosen = this.among((marks) => marks.placeOfThing(this.selection));
    const matter = [this.standing, this.hovered, chosen?.id ?? ""].filter((id) => id && !own.has(id));
    const marked = [...new Set(matter)].map((id) => this.marked(id)).filter((node) => node !== undefined);
    for (const node of [...scene.nodes, ...marked]) {
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
