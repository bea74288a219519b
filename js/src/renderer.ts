// A scene as SVG, keyed by ID: an element that stays remains the same element and moves by transition; nothing is torn
// down.

import { onLetters } from "./letters.ts";
import { type Marks, MarksLayer, marksOf, treesOf } from "./marks.ts";
import { badgesOf, LinkElement, measureAgain, NodeElement, Ruler, rounding } from "./node.ts";
import { arrange, match, put, svg } from "./svg.ts";
import type { Place, Scene, SceneNode } from "./wire.ts";

/** With more nodes than this, a frame jumps instead of moving: each moving node is painted again in every frame. */
export const MOVING_LIMIT = 100;

/**
 * With more links than this, they jump while nodes move: animating a path into another costs far more than moving a
 * node.
 */
const MELTING_LIMIT = 40;

/** Pixels from a node's edge to the light around it. */
const LIT = 2;

export class Renderer {
  readonly root = svg("svg", "vmw-scene");
  readonly nodes = new Map<string, NodeElement>();
  readonly links = new Map<string, LinkElement>();
  private readonly ground = svg("g", "nodes"); // the background of marks
  private readonly linkLayer = svg("g", "links");
  private readonly nodeLayer = svg("g", "nodes");
  private readonly litLayer = svg("g", "vmw-lit");
  private readonly overLayer = svg("g");
  private readonly trees = new Map<string, SVGGElement>();
  private readonly marks = new MarksLayer();
  private readonly ruler = new Ruler(this.root);
  private selection = "";
  private hovered = "";
  private standing = "";
  private readonly gone = new AbortController();
  scene: Scene | null = null;

  constructor() {
    this.root.setAttribute("role", "group");
    const drawn = [this.ground, this.marks.lines, this.linkLayer, this.marks.root, this.nodeLayer];
    this.root.append(...drawn, this.litLayer, this.overLayer);
    this.litLayer.dataset.light = ""; // it belongs to the page, and not to the picture
    this.root.addEventListener("pointermove", (event) => this.hover(event));
    this.fitLater();
  }

  draw(scene: Scene, scale = 1): void {
    const first = this.scene === null;
    this.scene = scene;
    put(this.root, "viewBox", `0 0 ${scene.width} ${scene.height}`);
    this.root.style.maxWidth = `${scene.width * scale}px`; // text has its size
    put(this.root, "aria-label", `${scene.title}: ${inWords(scene.view)}`);
    const still = first || Boolean(scene.marks?.length) || scene.nodes.length > MOVING_LIMIT;
    this.root.classList.toggle("still", still); // marks jump: things next to them would move apart from them
    this.root.classList.toggle("stiff", scene.links.length > MELTING_LIMIT);
    this.marks.draw(scene);
    this.drawLinks(scene);
    this.drawNodes(scene);
  }

  /** Fits the text once the picture is on a page: it may be drawn before, and text that is on no page has no font. */
  private fitLater(): void {
    if (typeof ResizeObserver === "undefined") return;
    const fit = (): void => {
      for (const element of this.nodes.values()) element.fit(this.placeOf(element.node));
    };
    const observer = new ResizeObserver(() => {
      if (!this.ruler.ready) return;
      observer.disconnect();
      fit();
    });
    observer.observe(this.root);
    onLetters(() => {
      measureAgain();
      if (this.root.isConnected) fit();
    }, this.gone.signal);
  }

  /** Ends the picture: the page no longer keeps it. */
  close(): void {
    this.gone.abort();
  }

  /** A node of the scene, even if it is drawn as a mark. */
  node(id: string): SceneNode | undefined {
    return this.nodes.get(id)?.node ?? this.marked(id);
  }

  /**
   * The element of a node; a mark gets an element of its own as long as it has the focus, is selected or is under the
   * pointer.
   */
  element(id: string): NodeElement | undefined {
    const there = this.nodes.get(id);
    const node = there ? undefined : this.marked(id);
    if (!node) return there;
    const element = new NodeElement(node, this.ruler, this.placeOf(node));
    this.nodes.set(id, element);
    this.mark(element);
    this.layer(node).append(element.root);
    return element;
  }

  /** Notes on which node the keyboard is from now on; returns the node's element. */
  stand(id: string): NodeElement | undefined {
    if (id !== this.standing) this.nodes.get(this.standing)?.stand(false);
    this.standing = id;
    const element = this.element(id);
    if (element) {
      element.stand(true);
      this.overLayer.append(element.over);
    }
    this.settle();
    return element;
  }

  /** The ID of the node under the pointer, marks among them; undefined if there is none. */
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

  /** The name of a node, with all of its words; "" if it has no name besides its visible text. */
  nameOf(node: SceneNode): string {
    return this.nodes.get(node.id)?.name ?? node.title ?? "";
  }

  /** The nodes that show these things, marks among them. */
  nodesOf(things: ReadonlySet<string>): SceneNode[] {
    const own = this.scene?.nodes.filter(({ thing }) => thing && things.has(thing)) ?? [];
    return [...own, ...[...things].flatMap((thing) => this.chosen(thing))];
  }

  /** The node's place in the window. */
  boxOf({ x, y, w, h }: SceneNode): { left: number; top: number; bottom: number; width: number; height: number } {
    const all = this.root.getBoundingClientRect();
    const scale = all.width / (this.scene?.width || 1);
    const [left, top] = [all.left + x * scale, all.top + y * scale];
    return { left, top, bottom: top + h * scale, width: w * scale, height: h * scale };
  }

  /** Lights up these nodes, and no others. */
  light(nodes: readonly SceneNode[]): void {
    match(this.litLayer, "rect", nodes.length).forEach((rect, index) => {
      const { x, y, w, h, shape } = nodes[index] as SceneNode;
      const around = { x: x - LIT, y: y - LIT, width: w + 2 * LIT, height: h + 2 * LIT };
      for (const [name, value] of Object.entries(around)) put(rect, name, value);
      put(rect, "rx", LIT + (shape === "round" ? h / 2 : rounding(w, h)));
    });
  }

  private marked(id: string): SceneNode | undefined {
    return this.among((marks) => marks.placeOf(id))[0];
  }

  /** The marks that show `thing`: there may be one in each lane. */
  private chosen(thing: string): SceneNode[] {
    return this.among((marks) => marks.placeOfThing(thing));
  }

  private among(find: (marks: Marks) => number): SceneNode[] {
    const all = this.scene ? marksOf(this.scene) : [];
    return all.flatMap((marks) => {
      const place = find(marks);
      return place < 0 ? [] : [marks.node(place)];
    });
  }

  private hover(event: MouseEvent): void {
    if (!this.scene?.marks?.length) return;
    const id = this.under(event) ?? "";
    if (id === this.hovered) return;
    this.hovered = id;
    if (id) this.element(id);
    this.settle();
  }

  /** Removes the elements of marks that no longer matter. */
  private settle(): void {
    if (!this.scene?.marks?.length) return;
    const own = new Set(this.scene.nodes.map((node) => node.id));
    for (const [id, element] of this.nodes) {
      const matters = id === this.standing || id === this.hovered || element.node.thing === this.selection;
      if (own.has(id) || matters) continue;
      element.remove();
      this.nodes.delete(id);
    }
  }

  /** The selected thing; "" for none. */
  get selected(): string {
    return this.selection;
  }

  /** Marks all nodes of the selected thing. */
  select(thing: string): void {
    this.selection = thing;
    for (const { id } of this.chosen(thing)) this.element(id);
    this.settle();
    for (const element of this.nodes.values()) this.mark(element);
  }

  private mark(element: NodeElement): void {
    const selected = this.selection !== "" && element.node.thing === this.selection;
    element.choose(selected);
    if (element.over.hasChildNodes() && !element.over.isConnected) this.overLayer.append(element.over);
  }

  /** The node's place in its tree, if its lane is one. */
  private placeOf(node: SceneNode): Place | undefined {
    const trees = this.scene && treesOf(this.scene);
    return trees?.lane(node.lane) ? trees.place(node.id) : undefined;
  }

  /** The parent of a node's element: a group of its own for each tree. */
  private layer(node: SceneNode): SVGGElement {
    const lane = this.scene && treesOf(this.scene).lane(node.lane);
    if (!lane) return this.nodeLayer;
    let tree = this.trees.get(lane.name);
    if (!tree) {
      tree = svg("g", "tree");
      put(tree, "role", "tree");
      this.trees.set(lane.name, tree);
    }
    put(tree, "aria-label", lane.label ?? lane.name);
    put(tree, "aria-orientation", lane.down ? "vertical" : "horizontal");
    if (!tree.isConnected) this.nodeLayer.append(tree);
    return tree;
  }

  private drawNodes(scene: Scene): void {
    const kept = new Map<SVGGElement, Element[]>([
      [this.ground, []],
      [this.nodeLayer, []],
    ]);
    const here = new Set<string>();
    const own = new Set(scene.nodes.map((node) => node.id));
    const grounds = new Set(scene.marks?.map((marks) => marks.on));
    const matter = [this.standing, this.hovered, ...this.chosen(this.selection).map((node) => node.id)];
    const lonely = [...new Set(matter)].filter((id) => id && !own.has(id));
    const marked = lonely.map((id) => this.marked(id)).filter((node) => node !== undefined);
    const badges = badgesOf(scene.nodes);
    for (const node of [...scene.nodes, ...marked]) {
      here.add(node.id);
      let element = this.nodes.get(node.id);
      if (element) element.draw(node, this.placeOf(node));
      else {
        element = new NodeElement(node, this.ruler, this.placeOf(node));
        this.nodes.set(node.id, element);
      }
      element.announce(badges.get(node.id) ?? "");
      this.mark(element);
      const layer = grounds.has(node.id) ? this.ground : this.layer(node);
      if (!kept.has(layer)) {
        kept.set(layer, []);
        kept.get(this.nodeLayer)?.push(layer);
      }
      kept.get(layer)?.push(element.root);
    }
    for (const [id, element] of this.nodes) {
      if (here.has(id)) continue;
      element.remove();
      this.nodes.delete(id);
    }
    for (const [layer, elements] of kept) arrange(layer, elements);
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

/** The name of a kind of picture for screen readers: "tree+list+ribbon" is a tree, list and ribbon. */
function inWords(view: string): string {
  const parts = view.replaceAll("-", " ").split("+");
  const last = parts.pop() ?? "";
  return parts.length ? `${parts.join(", ")} and ${last}` : last;
}
