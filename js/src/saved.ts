// The player of a saved notebook and of pages made from it: a picture with its film next to it is stepped without a
// kernel. The player comes once in each file, and replaces an image when that is seen.

import live from "../../vmwidgets/views/scene/live.css";
import stylesheet from "../../vmwidgets/views/scene/style.css";
import { play } from "./alone.ts";
import { LIVE } from "./host.ts";
import { bringLetters } from "./letters.ts";
import { followTheme, Styles } from "./room.ts";

/** A hash of the contents of this bundle; the build inserts it. */
declare const BUNDLE: string;

/** Called by each output with a film when it is on the page: see vmwidgets/widgets/host/saved.py. */
const CALL = "vmwidgets-film";

const styles = new Styles(stylesheet + live, `vmw-${BUNDLE}`);

function dress(el: HTMLElement, signal: AbortSignal): void {
  styles.dress(el, signal);
  followTheme(el, signal);
}

/**
 * Milliseconds in which a live picture has to replace the saved one before the saved one plays; and the time if
 * JupyterLab has begun a live one, which may have no code: a notebook saved with its widgets' state.
 */
const PATIENCE = 400;
const LONG = 6000;

/** Whether there is a live picture. */
function isLive({ dataset }: HTMLElement): boolean {
  return document.querySelector(`[data-vmwidgets-view="${CSS.escape(dataset.vmwidgetsTwin ?? "")}"]`) !== null;
}

/** Whether JupyterLab is making a live picture. */
function comes(twin: HTMLElement): boolean {
  const output = twin.closest(".jp-OutputArea-child")?.previousElementSibling;
  return (output?.querySelector(":scope > .jupyter-widgets > .lm-Widget") ?? null) !== null;
}

/** The saved pictures of a page: each plays while it is seen and no live picture has replaced it. */
class Pictures {
  private readonly playing = new Map<HTMLElement, AbortController>();
  private readonly known = new WeakSet<Element>();
  private readonly seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting) setTimeout(() => this.begin(target as HTMLElement), PATIENCE);
  });
  private waits = false;

  /** Looks for new films on the page, once for all that come together. */
  look(): void {
    if (this.waits) return;
    this.waits = true;
    setTimeout(() => {
      this.waits = false;
      for (const [twin, stop] of this.playing)
        if (!twin.isConnected) {
          stop.abort(); // its cell has run again
          this.playing.delete(twin);
        }
      for (const film of document.querySelectorAll(`[data-vmwidgets-film="${BUNDLE}"]`)) {
        const twin = film.closest<HTMLElement>("[data-vmwidgets-twin]");
        if (!twin || this.known.has(twin)) continue;
        this.known.add(twin);
        this.seen.observe(twin);
      }
    });
  }

  /** Notes that there is a live picture: the saved one with the same ID ends. */
  end(id: string): void {
    for (const [twin, stop] of this.playing) {
      if (twin.dataset.vmwidgetsTwin !== id) continue;
      stop.abort();
      this.playing.delete(twin);
      this.seen.unobserve(twin);
      this.seen.observe(twin); // it may be seen again
    }
  }

  private begin(twin: HTMLElement, waited = false): void {
    const film = twin.querySelector<HTMLElement>("[data-vmwidgets-film]");
    if (!film || this.playing.has(twin) || !twin.getClientRects().length || isLive(twin)) return;
    if (!waited && comes(twin)) {
      setTimeout(() => this.begin(twin, true), LONG);
      return;
    }
    const stop = new AbortController();
    try {
      play(twin, film, stop.signal, dress);
      this.playing.set(twin, stop);
    } catch (error) {
      stop.abort();
      console.warn("vmwidgets: this film can't be played:", error); // its image stays
    }
  }
}

function start(): void {
  const mark = `vmwidgets ${BUNDLE}`;
  if (mark in globalThis) return; // another output of this file, or another file, has brought it
  Object.assign(globalThis, { [mark]: true });
  void bringLetters();
  const pictures = new Pictures();
  document.addEventListener(CALL, () => pictures.look());
  document.addEventListener("DOMContentLoaded", () => pictures.look());
  document.addEventListener(LIVE, (event) => pictures.end((event as CustomEvent<string>).detail));
  pictures.look();
}

start();
