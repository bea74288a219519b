// A second window for the lecturer's own screen: the shown step, notes, the next step, and the time.  It runs by
// itself, with a script of its own: its clock continues while the page of the picture is reloaded.  The reloaded page
// finds the window by the messages that the window sends each second.  The two only exchange messages, since a reloaded
// page may not touch a window that it opened before.

import { html } from "./svg.ts";

/** The window's name in the browser: a page that opens it again gets the same window. */
const NAME = "vmwidgets-notes";

export interface Noted {
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
