// A picture's room on its page, and the page's look.
//
// The background of a drawing.  If a page is narrower than the drawing, the drawing is scrolled sideways, so that
// letters stay large enough to read.

import { html } from "./svg.ts";

/** The smallest scale at which a picture may be drawn: its smallest letters then have 13 pixels. */
export const SMALLEST = 1;

/** Whether an element that is scrolled sideways continues on its left, and on its right. */
export function hiddenIn({ scrollLeft, scrollWidth, clientWidth }: HTMLElement): [boolean, boolean] {
  return [scrollLeft > 1, scrollLeft < scrollWidth - clientWidth - 1]; // ignore fractions of a pixel
}

export class Ground {
  readonly root = html("div", "vmw-ground");
  private readonly drawing: SVGElement;

  constructor(drawing: SVGElement) {
    this.drawing = drawing;
    this.root.addEventListener("scroll", () => this.goesOn(), { passive: true });
  }

  /** Whether the drawing is scrolled if it is laid out for this many pixels. */
  scroll(scrolls: boolean, width: number): void {
    this.root.classList.toggle("vmw-scrolls", scrolls);
    if (scrolls) this.root.tabIndex = 0;
    else this.root.removeAttribute("tabindex");
    this.drawing.style.minWidth = scrolls ? `${Math.round(SMALLEST * width)}px` : "";
    this.goesOn();
  }

  /** Whether something is drawn beyond the right edge: a drawing that is too wide may be empty there. */
  private continues(): boolean {
    const edge = this.root.getBoundingClientRect().right + 1;
    return [...this.drawing.querySelectorAll("text,.bar,.line")].some(
      (one) => one.getBoundingClientRect().right > edge,
    );
  }

  /** Shades the sides on which the picture continues. */
  private goesOn(): void {
    const [left, right] = this.root.classList.contains("vmw-scrolls") ? hiddenIn(this.root) : [false, false];
    this.root.classList.toggle("vmw-more-left", left);
    this.root.classList.toggle("vmw-more-right", right && this.continues());
  }
}

// ---- steady
// While a reader steps through an operation, the parts above and below the drawing stay in place: no height shrinks.

export class Steady {
  private readonly words: HTMLElement;
  private readonly drawing: SVGElement;
  private operation = -1;
  private place = -1;
  private tallest = 0;

  constructor(words: HTMLElement, drawing: SVGElement) {
    this.words = words;
    this.drawing = drawing;
  }

  /**
   * Notes that a picture of an operation, this many pixels high, is about to be drawn in place of another.  A picture
   * of the same place was laid out again, for another room, and takes the height that it needs.
   */
  keep(operation: number, place: number, height: number): void {
    const same = operation === this.operation && place !== this.place;
    const high = same ? this.words.offsetHeight : 0;
    this.words.style.minHeight = high ? `${high}px` : "";
    this.tallest = Math.max(height, same ? this.tallest : 0);
    this.drawing.style.marginBottom = this.tallest > height ? `${this.tallest - height}px` : "";
    this.operation = operation;
    this.place = place;
  }
}

// ---- width
// The room of a picture on its page: measured, and reported once it stops changing.

/** Milliseconds for which a width must last, except the first. */
const REST = 120;
/**
 * Pixels below which additional room is left unused: a scroll bar that comes and goes with the picture's height needs
 * less.
 */
const SLACK = 24;

/** Pixels for which a picture that fills the screen is laid out: enlarged to 1,920, its smallest words are 24 high. */
const FROM_AFAR = 760;

export class Room {
  private readonly place: HTMLElement;
  private readonly tell: (width: number) => void;
  /** The room in pixels; 0 if it is not known.  The height is the visible one: of the window, or its part that scrolls. */
  told: [width: number, height: number] = [0, 0];

  /** Calls `tell` when the room of `place` is known or changes, until `signal` says that it is gone. */
  constructor(place: HTMLElement, tell: (width: number) => void, signal: AbortSignal) {
    this.place = place;
    this.tell = tell;
    place.classList.add("vmw-place");
    this.measure();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = (): void => {
      clearTimeout(timer);
      if (this.told[0]) timer = setTimeout(() => this.measure(), REST);
      else this.measure();
    };
    signal.addEventListener("abort", () => clearTimeout(timer));
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(changed);
    observer.observe(place);
    signal.addEventListener("abort", () => observer.disconnect());
    addEventListener("resize", changed, { signal });
  }

  private measure(): void {
    const filled = this.place.querySelector(":scope > .vmw-filled") !== null;
    const width = filled ? FROM_AFAR : this.place.clientWidth;
    if (width <= 0) return;
    const height = filled ? Math.floor((width * innerHeight) / innerWidth) : seen(this.place);
    const room: [number, number] = [width, height];
    if (this.told[0] && room.every((px, i) => (this.told[i] as number) <= px && px < (this.told[i] as number) + SLACK))
      return;
    this.told = room;
    this.tell(width);
  }
}

/**
 * The visible pixels, from top to bottom, of the element around `place`: of the outermost part of the window that
 * scrolls.
 */
function seen(place: HTMLElement): number {
  let outermost: HTMLElement | undefined;
  for (let around = place.parentElement; around && around !== document.body; around = around.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(around).overflowY)) outermost = around;
  }
  return Math.max(1, Math.min(innerHeight, outermost?.clientHeight || innerHeight));
}

// ---- theme
// Light or dark, like the page around a picture: read from the colours there, since each host has its own names for its
// themes, and a shadow root hides them.

/** The class of elements on a dark background. */
const DARK = "vmw-dark";

/** Red, green, blue and opacity, each from 0 to 1. */
type Colour = readonly [number, number, number, number];

const pictures = new Set<HTMLElement>();
let watching = false;

/** Gives `el` the class of dark pictures whenever its surroundings are dark, until `signal` says that it is gone. */
export function followTheme(el: HTMLElement, signal: AbortSignal): void {
  pictures.add(el);
  signal.addEventListener("abort", () => pictures.delete(el));
  settle(el);
  watch();
}

/**
 * Looks again whenever a page may have changed its theme: hosts set an attribute of the page, and systems report it.
 */
function watch(): void {
  if (watching) return;
  watching = true;
  const changed = (): void => {
    for (const wait of [0, 400]) setTimeout(() => pictures.forEach(settle), wait); // colours may change slowly
  };
  const observer = new MutationObserver(changed);
  for (const part of [document.documentElement, document.body])
    observer.observe(part, {
      attributes: true,
      attributeFilter: ["class", "style", "data-theme", "data-jp-theme-light"],
    });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

function settle(el: HTMLElement): void {
  if (el.isConnected) el.classList.toggle(DARK, isDark(el));
  else requestAnimationFrame(() => el.isConnected && el.classList.toggle(DARK, isDark(el)));
}

/**
 * Whether the background of `el` is dark: that of the nearest element that has one; without any, whether its text is
 * light.
 */
export function isDark(el: Element): boolean {
  for (let at: Element | null = el; at; at = above(at)) {
    const [r, g, b, covers] = read(getComputedStyle(at).backgroundColor);
    if (covers > 0.5) return lightness([r, g, b, covers]) < 0.5;
  }
  return lightness(read(getComputedStyle(el).color)) > 0.5;
}

/** The element around another, even around a shadow root. */
function above(el: Element): Element | null {
  const root = el.getRootNode();
  return el.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

/** The visible brightness, from 0 (black) to 1 (white). */
const lightness = ([r, g, b]: Colour): number => 0.299 * r + 0.587 * g + 0.114 * b;

let canvas: CanvasRenderingContext2D | null = null;

/** A colour as browsers compute it: usually rgb(…); any other colour is painted, and read back. */
function read(text: string): Colour {
  const [r, g, b, covers = 1] =
    /^rgba?\((.*)\)$/
      .exec(text)?.[1]
      ?.split(/[\s,/]+/)
      .map(Number) ?? [];
  if (r !== undefined && g !== undefined && b !== undefined) return [r / 255, g / 255, b / 255, covers];
  canvas ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", {
    willReadFrequently: true,
  });
  if (!canvas || !text) return [0, 0, 0, 0];
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  return [red, green, blue, alpha];
}

// ---- styles
// The style sheet, where a picture is: in the document, or in the shadow root into which a host puts its widgets
// (marimo). Its rules apply inside one class, whose name has the hash of the bundle: another version on the same page
// keeps its own rules.

/** The rules, each only for elements inside that class; no rule gets stronger. */
export function scoped(css: string, bundle: string): string {
  return css.replace(/\.(vmwidgets|vmw-scene)(?![\w-])/g, `.$1:where(.${bundle} *)`);
}

export class Styles {
  private readonly bundle: string;
  private css: string;
  private readonly uses = new Map<Document | ShadowRoot, number>();
  private sheet: CSSStyleSheet | null = null;

  /** `bundle` is the class. */
  constructor(css: string, bundle: string) {
    this.css = css;
    this.bundle = bundle;
  }

  /**
   * Styles the contents of `el` until `signal` says that it is gone: immediately, or as soon as `el` is on the page.
   */
  dress(el: HTMLElement, signal: AbortSignal): void {
    el.classList.add(this.bundle);
    const settle = (): void => {
      if (signal.aborted) return;
      if (el.isConnected) this.adopt(el.getRootNode() as Document | ShadowRoot, signal);
      else requestAnimationFrame(settle);
    };
    settle();
  }

  /** Adds rules, for everything that is or will be dressed. */
  add(css: string): void {
    this.css += css;
    this.sheet?.replaceSync(scoped(this.css, this.bundle));
  }

  private adopt(root: Document | ShadowRoot, signal: AbortSignal): void {
    const sheet = this.ready();
    const count = this.uses.get(root) ?? 0;
    this.uses.set(root, count + 1);
    if (count === 0) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    signal.addEventListener("abort", () => {
      const left = (this.uses.get(root) ?? 1) - 1;
      this.uses.set(root, left);
      if (left > 0) return;
      this.uses.delete(root);
      root.adoptedStyleSheets = root.adoptedStyleSheets.filter((other) => other !== sheet);
    });
  }

  private ready(): CSSStyleSheet {
    if (!this.sheet) {
      this.sheet = new CSSStyleSheet();
      this.sheet.replaceSync(scoped(this.css, this.bundle));
    }
    return this.sheet;
  }
}
