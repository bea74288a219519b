// A live picture in a lecture room: it fills the screen, with notes in a second window.  The newest picture of the
// notebook replaces it, unless it is held.  A page that is reloaded continues where it was.

import { Notes, Screen } from "./screen.ts";

/** The picture that fills the screen of this page. */
interface Presented {
  /** The model's id. */
  id: string;
  /**
   * The number of cells that had run when the newest picture of the page was made: a picture made later replaces it.
   */
  newest: number;
  /** Whether the picture stays even if there is a newer one. */
  held: boolean;
  /** For the second window: texts for moments, by the names of their marks. */
  notes: Readonly<Record<string, string>>;
  /** The time of this note. */
  at: number;
}

/** A picture's words about its moment, for the second window. */
export interface Pointed {
  where: string;
  marks: readonly string[];
  next: string;
}

/** The place where a page notes this, so that a reloaded page finds it; it is deleted with the page's tab. */
const KEY = "vmwidgets: presented";

/** Milliseconds for which a page, or a cell that runs again, may be away. */
const AWAY = 60_000;

/** Milliseconds for which the screen waits for the next picture after its own is gone. */
const EMPTY = 3000;

/** One window for all pictures of a page. */
const notes = new Notes(() => [...here].some((one) => one.fills));
notes.found = () => {
  for (const one of here) one.show();
};

/** The notes for marks. */
let texts: Presented["notes"] = {};

/** The pictures of this page. */
const here = new Set<Presenting>();

interface PresentingCalls {
  step: (by: number) => void;
  /** Returns true if a key of the picture has a meaning there. */
  key: (key: string) => boolean;
  /** Returns the picture's words for the second window. */
  noted: () => Pointed;
}

export class Presenting {
  private readonly screen: Screen;
  private readonly calls: PresentingCalls;
  private id = "";
  /** The number of cells that had run when it was made. */
  made = -1;
  private closing = false;

  constructor(root: HTMLElement, calls: PresentingCalls) {
    this.calls = calls;
    this.screen = new Screen(root, {
      step: calls.step,
      key: (key) => this.press(key),
      changed: (filled) => this.changed(filled),
    });
    addEventListener("pagehide", this.left);
  }

  get fills(): boolean {
    return this.screen.filled;
  }

  /** Fills the screen; given notes stay until others are given. */
  present(notes: Presented["notes"] = {}): void {
    if (Object.keys(notes).length) texts = notes;
    this.screen.fill();
    this.show();
  }

  /**
   * Notes that the picture is on the page, made by a cell with this label; if it is the one to present, it is
   * presented.
   */
  arrive(id: string, origin: string): void {
    this.id = id;
    this.made = Number(/\[(\d+)\]/.exec(origin)?.[1] ?? -1);
    here.add(this);
    const known = read();
    if (!known || this.screen.filled) return;
    if (Date.now() - known.at > AWAY && !document.querySelector(".vmw-filled")) return;
    const follows = !known.held && this.made > known.newest;
    if (known.id === id || follows) {
      texts = known.notes;
      write({ ...known, id, newest: newest(), at: Date.now() }); // before the other one leaves the screen to it
      this.screen.fill();
    }
  }

  /** Returns true if a key has a meaning here. */
  key(event: KeyboardEvent): boolean {
    return this.screen.key(event);
  }

  /** Notes that the picture shows another moment. */
  show(): void {
    if (!this.screen.filled || !notes.opened) return;
    const { where, marks, next } = this.calls.noted();
    const said = marks.map((mark) => (Object.hasOwn(texts, mark) ? `${mark}: ${texts[mark]}` : mark)).join(" · ");
    notes.show({ where, notes: said, next, chosen: "" });
  }

  close(): void {
    removeEventListener("pagehide", this.left);
    this.closing = true;
    here.delete(this);
    const filled = this.screen.filled;
    this.left();
    this.screen.close();
    if (!filled) return;
    setTimeout(() => {
      if (!document.querySelector(".vmw-filled") && document.fullscreenElement)
        document.exitFullscreen().catch(() => {});
    }, EMPTY);
  }

  private press(key: string): boolean {
    if (key === "n") this.note();
    else if (key === "h") this.hold();
    else return this.calls.key(key);
    return true;
  }

  private note(): void {
    if (notes.open()) this.show();
    else this.screen.tell("The browser has blocked the second window: allow this page to open one.");
  }

  private hold(): void {
    const held = !read()?.held;
    write({ id: this.id, newest: newest(), held, notes: texts, at: Date.now() });
    this.screen.tell(held ? "This picture stays. Press h to follow the newest." : "The newest picture follows.");
  }

  private changed(filled: boolean): void {
    const known = read();
    if (filled) {
      const held = known?.id === this.id && known.held;
      write({ id: this.id, newest: newest(), held, notes: texts, at: Date.now() });
      this.show();
    } else if (known?.id === this.id && !this.closing) {
      write(null); // it was left, and no other picture has replaced it
      notes.close();
    }
  }

  private readonly left = (): void => {
    const known = read();
    if (this.screen.filled && known) write({ ...known, at: Date.now() });
  };
}

function newest(): number {
  return Math.max(-1, ...[...here].map((one) => one.made));
}

let kept: Presented | null = null;

function read(): Presented | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Presented | null;
  } catch {
    return kept; // a page that may store nothing
  }
}

function write(presented: Presented | null): void {
  kept = presented;
  try {
    if (presented) sessionStorage.setItem(KEY, JSON.stringify(presented));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Makes a reloaded page find nothing.
  }
}
