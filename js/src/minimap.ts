// A small map of a picture that is taller or wider than its visible part: it shows which part is visible, and leads to
// the others. It lies over the picture's upper right corner, and follows while the page is scrolled.  A script moves
// it, since the elements that hold an output in JupyterLab let nothing in it stick to the window.

import { marksOf } from "./marks.ts";
import type { Point, Scene } from "./scene.ts";
import { html, put, svg } from "./svg.ts";

/** The map's most pixels, across and down. */
const ACROSS = 72;
const DOWN = 132;
/** Pixels around it. */
const ROOM = 12;
/** The fewest pixels of a thing on the map. */
const LEAST = 1.2;
/**
 * If the window, or the room of the picture in it, is narrower than this many pixels, there is no map: it would cover a
 * quarter of the picture and its words.
 */
const NARROW = 480;
/** The distances that an arrow key and a page key move, as parts of the visible part. */
const STEP = 0.25;
const PAGE = 0.9;

/** The visible part of the picture, from 0 to 1: left, top, right, bottom. */
type Sight = readonly [number, number, number, number];

export class MiniMap {
  readonly root = html("div", "vmw-map-place");
  private readonly box = html("div", "vmw-map");
  private readonly map = svg("svg");
  private readonly things = svg("path", "vmw-map-things");
  private readonly sight = svg("rect", "vmw-map-sight");
  private readonly drawing: SVGElement;
  private readonly ending = new AbortController();
  private scene: Scene | null = null;
  private mapped: Scene | null = null;
  private waiting = false;
  /** The place where a pointer came down: the middle of the visible part then, and the size of the map. */
  private held: { place: Point; pressed: Point; size: Point } | null = null;

  /** `drawing` is the picture, which is scrolled by an element around it. */
  constructor(drawing: SVGElement) {
    this.drawing = drawing;
    this.box.tabIndex = 0;
    this.box.title = "the visible part of the picture: drag it, or pan with arrow keys";
    for (const [name, value] of Object.entries({
      role: "slider",
      "aria-label": "the visible part of the picture",
      "aria-orientation": "vertical",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    }))
      this.box.setAttribute(name, value);
    this.map.setAttribute("aria-hidden", "true");
    this.map.append(this.things, this.sight);
    this.box.append(this.map);
    this.root.append(this.box);
    this.root.hidden = true;
    this.box.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.box.setPointerCapture?.(event.pointerId);
      this.press(event);
    });
    this.box.addEventListener("pointermove", (event) => event.buttons & 1 && this.drag(event));
    this.box.addEventListener("keydown", (event) => this.key(event));
    const { signal } = this.ending;
    const later = (): void => this.later();
    addEventListener("scroll", later, { capture: true, passive: true, signal });
    addEventListener("resize", later, { signal });
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(later);
    observer.observe(drawing);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  draw(scene: Scene): void {
    this.scene = scene;
    this.later();
  }

  close(): void {
    this.ending.abort();
  }

  /** Measures once in each frame: pages scroll and pictures change more often. */
  private later(): void {
    if (this.waiting) return;
    this.waiting = true;
    (globalThis.requestAnimationFrame ?? setTimeout)(() => {
      this.waiting = false;
      if (!this.ending.signal.aborted) this.settle();
    });
  }

  /** Shows which part is visible; nothing if all of it is, or none. */
  settle(): void {
    const { scene } = this;
    const window = this.window();
    const [left, top, right, bottom] = this.seen(window);
    const all = right - left > 0.995 && (bottom - top > 0.995 || this.fits(window));
    const room = this.root.closest(".vmwidgets")?.clientWidth || Number.POSITIVE_INFINITY;
    const narrow = Math.min(room, document.documentElement.clientWidth) < NARROW;
    const hidden = !scene || all || narrow || right <= left || bottom <= top;
    if (hidden !== this.root.hidden) this.root.hidden = hidden;
    if (hidden || !scene) return;
    const scale = Math.min(ACROSS / scene.width, DOWN / Math.max(scene.height, 1));
    if (this.mapped !== scene) {
      this.mapped = scene;
      put(this.map, "width", (scene.width * scale).toFixed(1));
      put(this.map, "height", (scene.height * scale).toFixed(1));
      put(this.map, "viewBox", `0 0 ${scene.width} ${scene.height}`);
      put(this.things, "d", outline(scene, LEAST / scale));
    }
    const { top: begin, height } = this.drawing.getBoundingClientRect();
    const down = Math.max(0, Math.min(window[0] - begin, height - scene.height * scale - ROOM));
    this.box.style.top = `calc(${down.toFixed(1)}px / var(--vmw-scale, 1) + 2px)`;
    const place = { x: left * scene.width, y: top * scene.height };
    const size = { width: (right - left) * scene.width, height: (bottom - top) * scene.height };
    for (const [name, value] of Object.entries({ ...place, ...size })) put(this.sight, name, value.toFixed(1));
    const [from, to] = [top, bottom].map((part) => Math.round(100 * part));
    put(this.box, "aria-valuenow", Math.round(50 * (top + bottom)));
    put(this.box, "aria-valuetext", `from ${from} to ${to} percent of its height`);
  }

  /** The element that scrolls the picture up and down: the innermost that can, or else the page. */
  private scroller(): Element {
    for (let around = this.drawing.parentElement; around && around !== document.body; around = around.parentElement) {
      if (around.scrollHeight > around.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(around).overflowY))
        return around;
    }
    return document.scrollingElement ?? document.documentElement;
  }

  /** The element that scrolls the picture sideways, if there is one. */
  private ground(): Element | null {
    return this.drawing.closest(".vmw-scrolls");
  }

  /** The top and the bottom of the visible part of the page where the picture is: below the bar that stays in sight. */
  private window(): [top: number, bottom: number] {
    const scroller = this.scroller();
    const page = document.documentElement.clientHeight;
    const isPage = scroller === document.scrollingElement || scroller === document.documentElement;
    const { top, bottom } = isPage ? { top: 0, bottom: page } : scroller.getBoundingClientRect();
    const bar = this.root.closest(".vmwidgets")?.querySelector(":scope > .vmw-bar")?.getBoundingClientRect();
    const above = Math.max(top, 0);
    // a picture that has not reached the top yet would seem higher
    const least = bar?.height ? above + bar.height : above;
    const sticks = bar !== undefined && bar.top >= above - 1 && bar.bottom <= least + 1;
    return [sticks ? least : above, Math.min(bottom, page)];
  }

  private fits([top, bottom]: readonly [number, number]): boolean {
    return this.drawing.getBoundingClientRect().height <= bottom - top + 1;
  }

  private seen([above, below]: readonly [number, number]): Sight {
    const { left, top, width, height } = this.drawing.getBoundingClientRect();
    const ground = this.ground()?.getBoundingClientRect();
    const part = (at: number, from: number, size: number): number =>
      Math.min(1, Math.max(0, (at - from) / Math.max(size, 1)));
    return [
      ground ? part(ground.left, left, width) : 0,
      part(above, top, height),
      ground ? part(ground.right, left, width) : 1,
      part(below, top, height),
    ];
  }

  /** A press on the visible part grabs it; a press next to it moves it there. */
  private press(event: PointerEvent): void {
    const { left, top, width, height } = this.map.getBoundingClientRect();
    const [x, y] = [(event.clientX - left) / Math.max(width, 1), (event.clientY - top) / Math.max(height, 1)];
    const [from, above, to, below] = this.seen(this.window());
    const holds = from <= x && x <= to && above <= y && y <= below;
    const place: Point = holds ? [(from + to) / 2, (above + below) / 2] : [x, y];
    if (!holds) this.show(...place);
    this.held = { place, pressed: [event.clientX, event.clientY], size: [Math.max(width, 1), Math.max(height, 1)] };
    event.preventDefault(); // the page's text is not selected
    this.box.focus({ preventScroll: true });
  }

  /** Moves by the pointer's distance, wherever the map is now. */
  private drag(event: PointerEvent): void {
    if (!this.held) return;
    const { place, pressed, size } = this.held;
    this.show(place[0] + (event.clientX - pressed[0]) / size[0], place[1] + (event.clientY - pressed[1]) / size[1]);
  }

  /**
   * Moves a place of the picture (from 0 to 1 each way) to the middle of the visible part, as far as the picture's ends
   * allow.
   */
  private show(x: number, y: number): void {
    const { left, top, width, height } = this.drawing.getBoundingClientRect();
    const [above, below] = this.window();
    const half = Math.min((below - above) / Math.max(height, 1), 1) / 2;
    const middle = Math.max(half, Math.min(y, 1 - half));
    this.scroller().scrollTop += top + middle * height - (above + below) / 2;
    const ground = this.ground();
    const box = ground?.getBoundingClientRect();
    if (ground && box) ground.scrollLeft += left + x * width - (box.left + box.right) / 2;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [left, top, right, bottom] = this.seen(this.window());
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const [wide, high] = [right - left, bottom - top];
    const wanted: Record<string, readonly [number, number]> = {
      ArrowUp: [x, y - STEP * high],
      ArrowDown: [x, y + STEP * high],
      ArrowLeft: [x - STEP * wide, y],
      ArrowRight: [x + STEP * wide, y],
      PageUp: [x, y - PAGE * high],
      PageDown: [x, y + PAGE * high],
      Home: [0, high / 2],
      End: [1, 1 - high / 2],
    };
    const to = wanted[event.key];
    if (!to) return;
    this.show(...to);
    event.preventDefault();
    event.stopPropagation(); // arrows step elsewhere
  }
}

/** The boxes of a scene, each at least this many of its pixels large. */
function outline(scene: Scene, least: number): string {
  const box = (x: number, y: number, w: number, h: number): string =>
    `M${Math.round(x)},${Math.round(y)}h${Math.ceil(Math.max(w, least))}v${Math.ceil(Math.max(h, least))}h-${Math.ceil(Math.max(w, least))}z`;
  const boxes = scene.nodes.filter(({ shape }) => shape !== "none").map(({ x, y, w, h }) => box(x, y, w, h));
  for (const marks of marksOf(scene))
    marks.x.forEach((x, place) => {
      boxes.push(box(x, marks.y[place] ?? 0, marks.w[place] ?? 0, marks.data.h));
    });
  return boxes.join("");
}
