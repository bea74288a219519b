// A second window for the lecturer's own screen: what is shown, notes, what comes next, and the time.

import { html, say } from "./svg.ts";

/** Milliseconds between two looks at the clock. */
const TICK = 1000;

export interface Noted {
  /** Which step it is, and its sentence. */
  where: string;
  notes: string;
  /** What comes next; "" is nothing. */
  next: string;
}

export class Notes {
  private window: Window | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private began = 0;

  get opened(): boolean {
    return this.window !== null && !this.window.closed;
  }

  /** Opens the window, or brings it to the front; false where the page may open none. */
  open(): boolean {
    if (this.opened) {
      this.window?.focus();
      return true;
    }
    this.window = window.open("", "vmwidgets-notes", "width=640,height=480");
    if (!this.window) return false;
    const { document: page } = this.window;
    page.title = "notes";
    page.documentElement.style.colorScheme = "light dark";
    page.body.style.cssText = "font: 22px/1.4 system-ui, sans-serif; margin: 1em; overflow-wrap: anywhere";
    const parts = ["clock", "where", "notes", "next"].map((id) => Object.assign(html("p"), { id }));
    page.body.replaceChildren(...parts);
    page.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const copy = new KeyboardEvent("keydown", { key: event.key, repeat: event.repeat, bubbles: true });
      document.body.dispatchEvent(copy); // the clicker works here too
      event.preventDefault();
    };
    this.began ||= Date.now();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), TICK);
    this.tick();
    return true;
  }

  show({ where, notes, next }: Noted): void {
    const page = this.window?.document;
    if (!page || !this.opened) return;
    for (const [id, text] of Object.entries({ where, notes, next: next && `Next: ${next}` }))
      say(page.getElementById(id) ?? page.body, text);
  }

  close(): void {
    clearInterval(this.timer);
    this.window?.close();
    this.window = null;
  }

  private tick(): void {
    if (!this.window || !this.opened) {
      this.close();
      return;
    }
    const seconds = Math.floor((Date.now() - this.began) / 1000);
    const passed = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const clock = this.window.document.getElementById("clock");
    if (clock) say(clock, `${new Date().toLocaleTimeString([], { timeStyle: "short" })} · ${passed}`);
  }
}
