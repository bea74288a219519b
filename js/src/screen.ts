// A lecture room: one thing fills the screen, and notes are in a second window.
//
// One thing of a page alone on the screen, as large as it fits, for a lecture room: a live picture, or a handout's
// story. It is the same element: its contents and its owner stay the same, and so does its place on the page.

import { html, say } from "./svg.ts";
import { speaker } from "./words.ts";

/** The keys that a clicker sends to go back and forward. */
const STEPS: Record<string, number> = { PageUp: -1, PageDown: 1, ArrowUp: -1, ArrowDown: 1 };

/**
 * Sent to all listeners on a page, even of other versions of this package: one thing fills the screen, and no two share
 * keys.
 */
const FILLS = "vmwidgets: one fills the screen";

/** Milliseconds for which a sentence is on the screen. */
const TOLD = 4000;

interface ScreenCalls {
  step: (by: number) => void;
  /** Returns true if another key has a meaning while it fills the screen. */
  key?: (key: string) => boolean;
  /** Called when it fills the screen, or has left it. */
  changed?: (filled: boolean) => void;
  /** Whether a button that leaves is on the screen: then the keys need not be explained. */
  leaves?: () => boolean;
}

export class Screen {
  private readonly root: HTMLElement;
  private readonly calls: ScreenCalls;
  private readonly told = html("p", "vmw-told");
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement, calls: ScreenCalls) {
    this.root = root;
    this.calls = calls;
    this.told.hidden = true;
    root.append(this.told);
    document.addEventListener("fullscreenchange", this.full);
    document.addEventListener("keydown", this.elsewhere, { capture: true });
    document.addEventListener(FILLS, this.other);
  }

  get filled(): boolean {
    return this.root.classList.contains("vmw-filled");
  }

  /** Fills the screen; if a page may not do that by itself, fills its window, and says so. */
  fill(): void {
    if (!this.filled) {
      document.dispatchEvent(new CustomEvent(FILLS, { detail: this.root }));
      this.root.classList.add("vmw-filled");
      this.root.popover = "manual"; // above everything else on the page, whatever contains it
      this.rise();
      this.root.focus({ preventScroll: true });
      dispatchEvent(new Event("resize")); // it has another room
      this.calls.changed?.(true);
    }
    this.widen();
  }

  /** Returns it to its place. */
  leave(): void {
    if (this.settle() && document.fullscreenElement) document.exitFullscreen().catch(() => {});
  }

  /** Ends the blank screen. */
  wake(): void {
    this.root.classList.remove("vmw-blank");
  }

  /** Shows a sentence below, for a while. */
  tell(sentence: string): void {
    say(this.told, sentence);
    this.told.hidden = false;
    speaker.say(sentence, true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.told.hidden = true;
    }, TOLD);
  }

  /** Returns true if a key has a meaning here while it fills the screen. */
  key(event: KeyboardEvent): boolean {
    if (!this.filled || isOwn(event)) return false;
    const { key } = event;
    const by = STEPS[key];
    if (by) {
      this.wake();
      this.calls.step(by);
    } else if (key === "." || key === "b") this.root.classList.toggle("vmw-blank");
    else if (key === "f" && !document.fullscreenElement && this.root.dataset.window) this.widen();
    else if (key === "Escape" || key === "f") this.leave();
    // a clicker's "begin" key: the page must not be reloaded
    else return (this.calls.key?.(key) ?? false) || key === "F5";
    return true;
  }

  close(): void {
    document.removeEventListener("fullscreenchange", this.full);
    document.removeEventListener("keydown", this.elsewhere, { capture: true });
    document.removeEventListener(FILLS, this.other);
    clearTimeout(this.timer);
    this.settle();
  }

  /** The whole page is on the full screen, so another thing can follow this one there. */
  private async widen(): Promise<void> {
    delete this.root.dataset.window;
    if (document.fullscreenElement) return;
    try {
      if (navigator.userActivation?.isActive ?? true) await document.documentElement.requestFullscreen?.();
      if (document.fullscreenElement) {
        this.rise(); // the page is above it now
        return;
      }
    } catch {
      // In a frame, a page may never do that; elsewhere, it may after a key or a press.
    }
    if (!this.filled) return;
    this.root.dataset.window = "only";
    if (this.calls.leaves?.()) return;
    this.tell("It fills the window. Press f for the whole screen, Escape to leave.");
  }

  private rise(): void {
    if (!this.filled || !("showPopover" in this.root)) return;
    if (this.root.matches(":popover-open")) this.root.hidePopover();
    this.root.showPopover();
  }

  /** Returns the screen to the page; returns false if the thing did not have the screen. */
  private settle(): boolean {
    if (!this.filled) return false;
    this.root.classList.remove("vmw-filled", "vmw-blank");
    if ("hidePopover" in this.root && this.root.matches(":popover-open")) this.root.hidePopover();
    this.root.removeAttribute("popover");
    this.told.hidden = true;
    dispatchEvent(new Event("resize"));
    this.calls.changed?.(false);
    return true;
  }

  /** A cell that runs takes the focus: the thing on the screen receives keys all the same. */
  private readonly elsewhere = (event: KeyboardEvent): void => {
    if (this.root.contains(event.target as Element) || !this.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  private readonly full = (): void => {
    if (document.fullscreenElement) this.rise();
    else if (!this.root.dataset.window) this.settle(); // Escape of the browser
  };

  private readonly other = (event: Event): void => {
    if ((event as CustomEvent<Element>).detail !== this.root) this.settle();
  };
}

/** Keys that step.  On many keyboards, they need AltGr or Option, so the character counts. */
export const BRACKETS: ReadonlySet<string> = new Set(["[", "]", "{", "}"]);

/** Whether a key belongs to the element with the focus, or to the browser: then it has no meaning here. */
export function isOwn({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || altKey || isField(target as Element | null);
}

/** Whether the reader types or chooses there.  A slider does not count: after a drag, a clicker still steps. */
export function isField(element: Element | null): boolean {
  return element?.closest?.('select, textarea, input:not([type="range"])') != null;
}

// ---- notes
// A second window for the lecturer's own screen: the shown step, notes, the next step, and the time.  It runs by
// itself, with a script of its own: its clock continues while the page of the picture is reloaded.  The reloaded page
// finds the window by the messages that the window sends each second.  The two only exchange messages, since a reloaded
// page may not touch a window that it opened before.

/** The window's name in the browser: a page that opens it again gets the same window. */
const NAME = "vmwidgets-notes";

interface Noted {
  /** The number of the step, and its sentence. */
  where: string;
  notes: string;
  /** The next step; "" for none. */
  next: string;
  /** The option that was chosen at the last question; "" for none. */
  chosen: string;
}

/** The window's messages to the page that opened it. */
interface Heard {
  vmwidgets: "notes";
  /** The time when the clock began. */
  began: number;
  /** A key that was pressed there; without a key, the window only says that it exists. */
  key?: string;
  repeat?: boolean;
}

export class Notes {
  /** Called when a window was found that an earlier load of this page had opened: it needs the story's place. */
  found: () => void = () => {};
  private window: Window | null = null;
  private began = 0;
  private readonly presents: () => boolean;

  /**
   * `presents`: a picture of this script fills the screen.  Each kernel of a page has sent the script, and all copies
   * listen.
   */
  constructor(presents: () => boolean) {
    this.presents = presents;
    if (typeof document !== "undefined") addEventListener("message", this.hear); // this file is loaded in a worker too
  }

  get opened(): boolean {
    return this.window !== null && !this.window.closed;
  }

  /** Opens the window, or brings it to the front; returns false if the page may open none. */
  open(): boolean {
    const known = this.opened ? this.window : null;
    this.window = known ?? window.open("", NAME, "width=760,height=760");
    if (!this.window) return false;
    if (!known) {
      this.began ||= Date.now();
      fill(this.window, this.began);
    }
    this.window.focus();
    return true;
  }

  show(noted: Noted): void {
    // its page has no name if it comes from a file
    if (this.opened) this.window?.postMessage({ vmwidgets: "noted", ...noted }, "*");
  }

  close(): void {
    this.window?.close();
    this.window = null;
  }

  private readonly hear = ({ data, source }: MessageEvent<Heard | null>): void => {
    if (data?.vmwidgets !== "notes" || (source as Window | null)?.opener !== window) return; // another page's
    if (!this.presents()) return;
    if (this.window !== source) {
      this.window = source as Window;
      this.began = data.began;
      this.found();
    }
    if (data.key === undefined) return;
    const copy = new KeyboardEvent("keydown", { key: data.key, repeat: data.repeat ?? false, bubbles: true });
    document.body.dispatchEvent(copy); // the clicker works there too
  };
}

/**
 * Puts the notes into a window.  A window that an earlier load of this page had opened has them already, and may be
 * closed to this page.
 */
function fill(window: Window, began: number): void {
  let page: Document;
  try {
    page = window.document;
    if (page.getElementById("clock")) return;
  } catch {
    return;
  }
  page.title = "notes";
  page.documentElement.style.colorScheme = "light dark";
  page.body.style.cssText = "font: 22px/1.4 system-ui, sans-serif; margin: 1em; overflow-wrap: anywhere";
  const parts = ["clock", "where", "notes", "next"].map((id) =>
    Object.assign(html(id === "notes" ? "div" : "p"), { id }),
  );
  const style = page.createElement("style");
  style.textContent =
    "#notes p { margin: .4em 0 } .minutes { font-size: 1.6em; font-weight: 700 } .right { font-weight: 700 }" +
    " .reply { padding-left: 1em; opacity: .75 } .reply.pressed { opacity: 1; background: #fd68; color: CanvasText }";
  page.head.append(style);
  const script = page.createElement("script");
  script.textContent = `(${live})(${began})`;
  page.body.replaceChildren(...parts, script);
}

/** The script of the window: it is stored as text, and knows nothing of this file. */
function live(began: number): void {
  const say = (id: string, text: string): void => {
    const part = document.getElementById(id);
    if (part && part.textContent !== text) part.textContent = text;
  };
  /** Each line of the notes has its own form: the minutes, the plan, the answer, and a reply to each wrong one. */
  const lines = (text: string, chosen: string): void => {
    const made = text.split("\n").map((line) => {
      const one = document.createElement("p");
      one.textContent = line;
      const reply = line.startsWith("If they say ");
      one.className = /^Minutes \d/.test(line)
        ? "minutes"
        : line.startsWith("Right: ")
          ? "right"
          : reply
            ? "reply"
            : "";
      if (chosen && line.startsWith(`If they say ${chosen}: `)) one.classList.add("pressed");
      return one;
    });
    document.getElementById("notes")?.replaceChildren(...made);
  };
  const send = (more: object): void => window.opener?.postMessage({ vmwidgets: "notes", began, ...more }, "*");
  const tick = (): void => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    const passed = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    say("clock", `${new Date().toLocaleTimeString([], { timeStyle: "short" })} · ${passed}`);
    send({});
  };
  addEventListener("message", ({ data, source }) => {
    if (source !== window.opener || data?.vmwidgets !== "noted") return;
    say("where", data.where);
    lines(data.notes, data.chosen ?? "");
    say("next", data.next && `Next: ${data.next}`);
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    send({ key: event.key, repeat: event.repeat });
    event.preventDefault();
  });
  setInterval(tick, 1000);
  tick();
}
