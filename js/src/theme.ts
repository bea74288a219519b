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
