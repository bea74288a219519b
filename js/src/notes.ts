// A second window for the lecturer's own screen: what is shown, notes, what comes next, and the time.
//
// It runs by itself, with a script of its own: its clock goes on while the page of the picture is loaded again.  Then the
// page finds it by what it says each second.  They only send messages: a file that is loaded again may not touch what it
// had opened before.

import { html } from "./svg.ts";

/** What the browser calls the window: a page that opens it again is given the same one. */
const NAME = "vmwidgets-notes";

export interface Noted {
  /** Which step it is, and its sentence. */
  where: string;
  notes: string;
  /** What comes next; "" is nothing. */
  next: string;
}

/** What the window says to the page that opened it. */
interface Heard {
  vmwidgets: "notes";
  /** When the clock began. */
  began: number;
  /** A key that was pressed there; none: it is there. */
  key?: string;
  repeat?: boolean;
}

export class Notes {
  /** A window was found that an earlier load of this page had opened: it has to be told where the story is. */
  found: () => void = () => {};
  private window: Window | null = null;
  private began = 0;
  private readonly presents: () => boolean;

  /** `presents`: a picture of this script fills the screen.  Each kernel of a page has brought the script, and all hear. */
  constructor(presents: () => boolean) {
    this.presents = presents;
    if (typeof document !== "undefined") addEventListener("message", this.hear); // this file is loaded in a worker too
  }

  get opened(): boolean {
    return this.window !== null && !this.window.closed;
  }

  /** Opens the window, or brings it to the front; false where the page may open none. */
  open(): boolean {
    const known = this.opened ? this.window : null;
    this.window = known ?? window.open("", NAME, "width=640,height=480");
    if (!this.window) return false;
    if (!known) {
      this.began ||= Date.now();
      fill(this.window, this.began);
    }
    this.window.focus();
    return true;
  }

  show(noted: Noted): void {
    if (this.opened) this.window?.postMessage({ vmwidgets: "noted", ...noted }, "*"); // its page has no name, from a file
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

/** Puts the notes into a window.  One that an earlier load of this page had opened has them, and may be closed to it. */
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
  const parts = ["clock", "where", "notes", "next"].map((id) => Object.assign(html("p"), { id }));
  const script = page.createElement("script");
  script.textContent = `(${live})(${began})`;
  page.body.replaceChildren(...parts, script);
}

/** The script of the window: it is there as text, and knows nothing of this file. */
function live(began: number): void {
  const say = (id: string, text: string): void => {
    const part = document.getElementById(id);
    if (part && part.textContent !== text) part.textContent = text;
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
    say("notes", data.notes);
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
