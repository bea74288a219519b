// What is pointed at, with a pointer or with keys: it lights up, and is brought into sight.
//
// A thing under the pointer lights up wherever the pictures of a machine show it, and its name appears immediately.

import { marksOf, perScene, treesOf, whole } from "./marks.ts";
import { focusable } from "./node.ts";
import type { Renderer } from "./renderer.ts";
import { BRACKETS } from "./screen.ts";
import { html, put, say } from "./svg.ts";
import type { Kinship, Scene, SceneLink, SceneNode, Span } from "./wire.ts";
import { speaker } from "./words.ts";

/** Pixels between a thing and its name, and between the name and the edges of the window. */
const BESIDE = 8;
/** Pixels above which a thing is tall: its name is next to the pointer, not below the thing. */
const HIGH = 90;

/** The pictures that light up together: all pictures of a machine, or of a handout. */
export class Lights {
  private static readonly shared = new Map<string, Lights>();
  private readonly renderers = new Set<Renderer>();
  private from: Renderer | null = null;
  private id = "";

  /** The lights of all pictures with this name. */
  static of(name: string): Lights {
    const lights = Lights.shared.get(name) ?? new Lights();
    Lights.shared.set(name, lights);
    return lights;
  }

  join(renderer: Renderer): void {
    this.renderers.add(renderer);
  }

  leave(renderer: Renderer): void {
    this.renderers.delete(renderer);
    if (renderer === this.from) this.point(renderer, "");
    for (const [name, lights] of Lights.shared) if (!lights.renderers.size) Lights.shared.delete(name);
  }

  /**
   * Lights up the things of a node under the pointer; "" is none.  Returns how many things lit up in each other
   * picture.
   */
  point(renderer: Renderer, id: string): Map<Renderer, number> {
    if (!id && renderer !== this.from) return new Map();
    this.from = id ? renderer : null;
    this.id = id;
    return this.light();
  }

  /** Notes that a picture was drawn again: its lit things are somewhere else, or gone. */
  redrawn(renderer: Renderer): void {
    if (!this.from) return;
    if (renderer === this.from && !renderer.node(this.id)) this.point(renderer, "");
    else this.light();
  }

  private light(): Map<Renderer, number> {
    const lit = new Map<Renderer, number>();
    const { from, id } = this;
    const node = from?.node(id);
    const found = node?.thing ? related(node.thing, this.all()) : new Set<string>();
    for (const renderer of this.renderers) {
      const { scene } = renderer;
      const here = node?.thing && scene ? new Set([...found, ...opposite(scene, node.thing)]) : found;
      const nodes = here.size ? renderer.nodesOf(here) : renderer === from && node && acts(node) ? [node] : [];
      renderer.light(nodes);
      if (nodes.length && renderer !== from) lit.set(renderer, nodes.length);
    }
    return lit;
  }

  private all(): Kin[] {
    return [...this.renderers].flatMap(({ scene }) => (scene ? kinOf(scene) : []));
  }
}

const acts = (node: SceneNode): boolean => Boolean(node.action);

/** Listens to a pointer and the keyboard in one picture, and names the thing there. */
export class Hover {
  private readonly renderer: Renderer;
  private readonly tip = html("div", "vmw-name");
  private readonly name = html("span");
  private readonly also = html("span", "vmw-also");
  private lights: Lights;
  private id = "";
  private readonly hide = (): void => void this.point("");

  /** `root` holds the picture and the shown name; `lights` are the pictures that light up with it. */
  constructor(renderer: Renderer, root: HTMLElement, lights = new Lights()) {
    this.renderer = renderer;
    this.lights = lights;
    lights.join(renderer);
    this.tip.setAttribute("aria-hidden", "true"); // a screen reader reads the name of the element with the focus
    this.tip.popover = "manual"; // above everything else on the page, and cut off by nothing
    this.tip.append(this.name, this.also);
    root.append(this.tip);
    const { root: drawing } = renderer;
    drawing.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch" && !event.buttons) this.point(renderer.under(event) ?? "", event);
    });
    drawing.addEventListener("pointerleave", this.hide);
    drawing.addEventListener("pointerdown", this.hide);
    drawing.addEventListener("focusin", (event) => {
      const node = (event.target as Element).closest<SVGGElement>(".node");
      if (node?.matches(":focus-visible")) this.speak(this.point(node.dataset.id ?? ""));
    });
    drawing.addEventListener("focusout", this.hide);
    drawing.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || BRACKETS.has(event.key)) this.hide();
    });
  }

  /**
   * Notes that the picture is of this machine: a thing under the pointer lights up in the machine's other pictures too.
   */
  join(name: string): void {
    this.lights.leave(this.renderer);
    this.lights = Lights.of(name);
    this.lights.join(this.renderer);
  }

  /** Shows a node as if it were under the pointer. */
  show(id: string): void {
    this.point(id);
  }

  /** Notes that the picture was drawn again. */
  settle(): void {
    const node = this.id ? this.renderer.node(this.id) : undefined;
    if (!node) this.hide();
    else if (this.tip.classList.contains("vmw-shown")) say(this.name, this.renderer.nameOf(node));
    this.lights.redrawn(this.renderer);
  }

  close(): void {
    this.hide();
    this.lights.leave(this.renderer);
    this.tip.remove();
  }

  private point(id: string, event?: PointerEvent): Map<Renderer, number> {
    const same = id === this.id;
    const node = id ? this.renderer.node(id) : undefined;
    this.id = node ? id : "";
    if (same) return new Map();
    const lit = this.lights.point(this.renderer, this.id);
    if (node) this.tell(node, lit, event);
    else this.away();
    return lit;
  }

  private tell(node: SceneNode, lit: ReadonlyMap<Renderer, number>, event?: PointerEvent): void {
    const words = this.renderer.nameOf(node);
    if (!words) {
      this.away();
      return;
    }
    say(this.name, words);
    say(this.also, alsoIn(lit));
    this.also.hidden = !lit.size;
    if (!this.tip.matches?.(":popover-open")) this.tip.showPopover?.();
    this.tip.classList.add("vmw-shown");
    this.place(node, event);
    addEventListener("scroll", this.hide, { capture: true, passive: true, once: true });
  }

  private away(): void {
    removeEventListener("scroll", this.hide, { capture: true });
    if (!this.tip.classList.contains("vmw-shown")) return;
    this.tip.classList.remove("vmw-shown");
    this.tip.hidePopover?.();
  }

  /**
   * Returns the place of the name: below the thing, or above it near the window's end; next to the pointer if the thing
   * is tall.
   */
  private place(node: SceneNode, event?: PointerEvent): void {
    const box = this.renderer.boxOf(node);
    const { offsetWidth: w, offsetHeight: h } = this.tip;
    const { clientWidth, clientHeight } = document.documentElement;
    const pointed = event && box.height > HIGH;
    const [top, bottom] = pointed ? [event.clientY - BESIDE, event.clientY + 2 * BESIDE] : [box.top, box.bottom];
    const x = (event && box.width > HIGH ? event.clientX : box.left + box.width / 2) - w / 2;
    const below = bottom + BESIDE;
    const y = below + h <= clientHeight ? below : top - BESIDE - h;
    this.tip.style.left = `${Math.max(BESIDE, Math.min(x, clientWidth - w - BESIDE))}px`;
    this.tip.style.top = `${Math.max(BESIDE, y)}px`;
  }

  /** Tells users of screen readers in which other pictures a thing lights up. */
  private speak(lit: ReadonlyMap<Renderer, number>): void {
    if (lit.size) speaker.say(alsoIn(lit), true);
  }
}

/** "also in: tables of init (2), frames". */
function alsoIn(lit: ReadonlyMap<Renderer, number>): string {
  const names = [...lit].map(([{ scene }, count]) => `${scene?.title ?? ""}${count > 1 ? ` (${count})` : ""}`);
  return names.length ? `also in: ${[...new Set(names)].join(", ")}` : "";
}

// ---- kin
// The things on a page that are the same: an entry, its node in the tree, the descriptors of its pages, and their
// frames.  A thing is at places (an entry's pages, a run of frames) and leads to others (a descriptor to a frame, an
// entry to its object).  Python sends both with each scene; vmwidgets/views/scene/relations.py is the other half.

/** The space of physical memory: its pages are frames. */
const FRAMES = "";

/**
 * In a picture of two sides, the space in which the two sides of a thing are at one page: it is valid in that picture
 * alone.
 */
const ACROSS = "beside";

/** A thing with all known facts about it. */
interface Kin {
  thing: string;
  at: readonly Span[];
  to: readonly (Span | string)[];
}

/** All things of a scene. */
export const kinOf = /* @__PURE__ */ perScene((scene: Scene): readonly Kin[] => {
  const things = new Set(scene.nodes.map(({ thing }) => thing ?? "").filter(Boolean));
  const kin = [...things].map((thing) => kinNamed(scene, thing));
  for (const marks of marksOf(scene)) {
    const { of, space } = marks.data;
    marks.number.forEach((one, place) => {
      const span: Span = [space ?? "", marks.page[place] ?? 0, marks.pages[place] ?? 1];
      kin.push({ thing: `${of}:${one}`, at: space ? [span] : [], to: [] });
    });
  }
  return kin;
});

/** The facts in a scene about a thing; a frame is at the place of its number. */
function kinNamed(scene: Scene, thing: string): Kin {
  const said: Kinship | undefined = scene.about?.[thing];
  const frame = /^frame:(\d+)$/.exec(thing)?.[1];
  const at: readonly Span[] = frame && !said ? [[FRAMES, Number(frame), 1]] : (said?.[0] ?? []);
  return { thing, at: at.filter(([space]) => space !== ACROSS), to: said?.[1] ?? [] };
}

/** The thing on the other side of a picture of two that is the same as `thing`. */
export function opposite({ about }: Scene, thing: string): string[] {
  const own = about?.[thing]?.[0].find(([space]) => space === ACROSS);
  if (!own) return [];
  const isThere = ([, [at]]: [string, Kinship]): boolean =>
    at.some(([space, first]) => space === ACROSS && first === own[1]);
  return Object.entries(about ?? {})
    .filter(isThere)
    .map(([one]) => one);
}

/**
 * Which of `all` are the same thing, are at its place, or are things that it leads to: directly, or by one thing
 * between (an entry leads to frames by the descriptors of its pages).
 */
export function related(thing: string, all: readonly Kin[]): Set<string> {
  const own = all.filter((kin) => kin.thing === thing); // one picture may know more about it than another
  const one: Kin = { thing, at: own.flatMap(({ at }) => at), to: own.flatMap(({ to }) => to) };
  const things = new Set([thing]);
  const spans: Span[] = [...one.at];
  const add = (leads: readonly (Span | string)[]): void => {
    for (const to of leads) typeof to === "string" ? things.add(to) : spans.push(to);
  };
  add(one.to);
  for (const between of all) {
    if (between.thing === thing) continue;
    for (const place of between.at) for (const part of one.at) add(followed(part, place, between.to));
    spans.push(...backed(one, between));
  }
  const found = all.filter(
    (kin) => things.has(kin.thing) || kin.at.some((span) => hits(span, spans)) || meets(one, kin.to),
  );
  return new Set([thing, ...found.map((kin) => kin.thing)]);
}

/** Whether some of `leads` lead to `one`. */
function meets(one: Kin, leads: readonly (Span | string)[]): boolean {
  return leads.some((to) => (typeof to === "string" ? to === one.thing : hits(to, one.at)));
}

function hits(span: Span, spans: readonly Span[]): boolean {
  return spans.some((other) => common(span, other) !== null);
}

/** The common part of two ranges; null if there is none. */
function common([space, first, count]: Span, [other, begin, length]: Span): Span | null {
  const [from, end] = [Math.max(first, begin), Math.min(first + count, begin + length)];
  return space === other && from < end ? [space, from, end - from] : null;
}

/** The target of the part of `place` that is in `own`: adjacent pages lead to adjacent frames. */
function followed(own: Span, place: Span, leads: readonly (Span | string)[]): (Span | string)[] {
  const part = common(own, place);
  if (!part) return [];
  return leads.map((to): Span | string => {
    if (typeof to === "string" || to[2] !== place[2]) return to;
    return [to[0], to[1] + part[1] - place[1], part[2]];
  });
}

/** The places from which `between` leads to `one`. */
function backed(one: Kin, between: Kin): Span[] {
  const [place] = between.at;
  return between.to.flatMap((to): readonly Span[] => {
    if (typeof to === "string") return to === one.thing ? between.at : [];
    return one.at.flatMap((own): readonly Span[] => {
      const part = common(own, to);
      if (!part) return [];
      if (!place || to[2] !== place[2]) return between.at;
      return [[place[0], place[1] + part[1] - to[1], part[2]]];
    });
  });
}

// ---- focus
// One tab stop for each view: Tab reaches exactly one node of the drawing, and arrow keys move the focus from there.

const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

export class Focus {
  private readonly renderer: Renderer;
  private current = "";

  constructor(renderer: Renderer) {
    this.renderer = renderer;
    this.current = this.focused(); // a click may have moved it there before
    renderer.root.addEventListener("focusin", () => {
      const id = this.focused();
      if (id) this.stand(id);
    });
  }

  /** The ID of the node with the focus; "" if there is none. */
  private focused(): string {
    const { root } = this.renderer;
    const { activeElement } = root.getRootNode() as Document | ShadowRoot;
    return (root.contains(activeElement) && activeElement?.closest<SVGGElement>(".node")?.dataset.id) || "";
  }

  /** Handles a new frame: the tab stop stays on its node, or moves to the thing that the new picture tells about. */
  settle(): void {
    const scene = this.renderer.scene;
    if (!scene) return;
    const node = this.renderer.node(this.current);
    this.stand((node && focusable(node) ? node : (entrance(scene) ?? entrance(whole(scene))))?.id ?? "");
    put(this.renderer.root, "tabindex", this.current ? -1 : 0);
  }

  /** Moves the focus; returns true if `key` is a key that does so. */
  move(key: string): boolean {
    const scene = this.renderer.scene;
    if (!scene || !ARROWS.has(key)) return false;
    const next = step(whole(scene), this.current, key as Arrow);
    if (next) this.renderer.element(next.id)?.root.focus();
    return true;
  }

  private stand(id: string): void {
    if (id !== this.current) this.renderer.nodes.get(this.current)?.root.setAttribute("tabindex", "-1");
    this.current = id;
    const element = this.renderer.stand(id)?.root;
    if (element) put(element, "tabindex", 0);
  }
}

// ---- keyboard
// The target of an arrow key: left and right go along the lane, up and down to parents and children or to the next
// lane.  In a lane that goes downwards, it is the other way round.  So a tree has the keys that trees have everywhere.

export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" | "Home" | "End";

/** The next node after `key`, or null if there is none. */
export function step(scene: Scene, from: string, key: Arrow): SceneNode | null {
  const nodes = scene.nodes.filter(focusable);
  const here = nodes.find((node) => node.id === from);
  if (!here) return nodes[0] ?? null;
  const lane = nodes.filter((node) => node.lane === here.lane);
  if (key === "Home" || key === "End") return lane.at(key === "Home" ? 0 : -1) ?? null;
  const down = goesDown(scene, here.lane);
  const way = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
  const across = (): SceneNode | null => acrossLanes(scene, nodes, here, way);
  if (down === (key === "ArrowUp" || key === "ArrowDown")) {
    const next = lane[lane.indexOf(here) + way];
    // up and down turn a slice; past an end of their lane, left and right leave the lane
    return next ?? (down || here.value !== undefined ? across() : null);
  }
  return treeNeighbour(scene, nodes, here, way) ?? (down ? besideColumn(scene, nodes, here, way) : across());
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

/** The nearest node, by y, in the next column. */
function besideColumn(scene: Scene, nodes: SceneNode[], here: SceneNode, way: 1 | -1): SceneNode | null {
  const columns = scene.lanes.filter((lane) => lane.down);
  const next = columns[columns.findIndex((lane) => lane.name === here.lane) + way];
  const column = nodes.filter((node) => next && node.lane === next.name);
  const far = (node: SceneNode): number => Math.abs(node.y - here.y);
  return column.reduce<SceneNode | null>((best, node) => (best && far(best) <= far(node) ? best : node), null);
}

/** The node that gets the focus when a view is entered: the thing that the step tells about, or else the first node. */
export function entrance(scene: Scene): SceneNode | null {
  const nodes = scene.nodes.filter(focusable);
  const told = (word: string) => nodes.find((node) => node.state?.split(" ").includes(word));
  return told("here") ?? told("new") ?? told("changed") ?? told("shown") ?? nodes[0] ?? null;
}

function treeNeighbour(scene: Scene, nodes: SceneNode[], here: SceneNode, way: 1 | -1): SceneNode | null {
  const trees = treesOf(scene);
  if (!trees.lane(here.lane)) return null;
  const id = way < 0 ? trees.parent(here.id) : trees.children(here.id)[0];
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

// ---- pressing

/** Calls `act` when a node is clicked, which has the focus then; "" is the background. */
export function onPress(renderer: Renderer, act: (id: string) => void): void {
  renderer.root.addEventListener("click", (event) => {
    const id = renderer.under(event) ?? "";
    if (id) renderer.element(id)?.root.focus();
    act(id);
  });
}

/** Selects the thing of a pressed node; a second press, and one on the background, clear the selection. */
export function choose(renderer: Renderer, id: string, select: (thing: string) => void): void {
  const { selected } = renderer;
  const node = renderer.node(id);
  if (node?.action === "select" && node.thing) select(node.thing === selected ? "" : node.thing);
  else if (!id && selected) select("");
}

// ---- sight
// Makes sure that the changes of a step are seen: on a telephone, most of a picture is below the window's edge.

/** The width in pixels below which a window counts as narrow. */
const SMALL = 640;

/** Pixels at the top of the window that controls and words cover. */
const COVERED = 120;

/** The states that tell something at this step: a mark that only disappears (of new or changed things) does not. */
function changedIn({ nodes, links }: Scene, before: Scene): (SceneNode | SceneLink)[] {
  const old = new Map([...before.nodes, ...before.links].map((one) => [one.id, one]));
  return [...nodes, ...links].filter((one) => {
    const was = old.get(one.id);
    if (!was || JSON.stringify({ ...one, state: undefined }) !== JSON.stringify({ ...was, state: undefined }))
      return true;
    const states = was.state?.split(" ") ?? [];
    return one.state?.split(" ").some((state) => state && !states.includes(state)) ?? false;
  });
}

/** Whether a picture tells something at this step. */
export function tells(now: Scene, before: Scene): boolean {
  const isLess = now.nodes.length + now.links.length < before.nodes.length + before.links.length;
  return isLess || changedIn(now, before).length > 0;
}

/**
 * On a telephone, scrolls to the first thing that has changed, if it is out of sight.  Returns true if it is in this
 * picture.
 */
export function bringIntoSight(renderer: Renderer, now: Scene, before: Scene): boolean {
  // Reading the window's width in pixels would make the browser lay out the page, here and again after this step.
  if (!globalThis.matchMedia?.(`(max-width: ${SMALL - 1}px)`).matches) return false;
  const first = changedIn(now, before)
    .map(({ id }) => renderer.nodes.get(id)?.root)
    .find((root) => root !== undefined);
  if (!first) return false;
  const { top, bottom } = first.getBoundingClientRect();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (top < COVERED || bottom > document.documentElement.clientHeight)
    first.scrollIntoView({ block: "center", inline: "nearest", behavior: still ? "auto" : "smooth" });
  return true;
}
