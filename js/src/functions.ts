// The kernel functions under a caption: a press on a name opens ten lines about what the function does.

import { html } from "./svg.ts";

/** The functions that have a text; the build inserts them. */
declare const FUNCTIONS: readonly string[];

const KNOWN: readonly string[] = typeof FUNCTIONS === "undefined" ? [] : FUNCTIONS;

let panels = 0;

export class Functions {
  /** Holds the names, if there are some: a page would show an empty element for code as a grey box. */
  readonly root = html("span");
  readonly panel = html("div", "vmw-function");
  private readonly known: ReadonlySet<string>;
  private texts: Readonly<Record<string, string>> = {};
  private readonly head = html("span", "vmw-function-head");
  private readonly lines = html("pre");
  private drawn = "";
  /** The open function; "" for none. */
  private open = "";

  /** `known` are the functions that have a text; `learn` loads the text. */
  constructor(known: Iterable<string> = KNOWN) {
    this.known = new Set(known);
    this.panel.id = `vmw-function-${panels++}`;
    this.panel.hidden = true;
    this.panel.setAttribute("role", "region");
    const close = html("button", "vmw-button", "close");
    close.type = "button";
    close.addEventListener("click", () => this.leave());
    const bar = html("p");
    bar.append(this.head, " ", close);
    this.lines.tabIndex = 0; // keys scroll it if it is too wide
    this.panel.append(bar, this.lines);
    for (const element of [this.root, this.panel]) {
      element.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || !this.open) return;
        event.stopPropagation();
        this.leave();
      });
    }
  }

  /** The texts about the functions, by name. */
  learn(texts: Readonly<Record<string, string>>): void {
    this.texts = texts;
    if (this.open) this.show();
  }

  /** Shows names, outermost first; an open text stays open while its reader steps on. */
  draw(names: readonly string[]): void {
    const drawn = names.join(" → ");
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const held = this.root.querySelector(":focus")?.textContent ?? "";
    const code = html("code", "vmw-functions");
    code.append(...names.flatMap((name, at) => [...(at ? [" → "] : []), this.named(name)]));
    this.root.replaceChildren(...(names.length ? [code] : []));
    if (held) this.nameOf(held)?.focus();
  }

  private named(name: string): string | HTMLElement {
    if (!this.known.has(name)) return name;
    const press = html("button", "vmw-function-name", name);
    press.type = "button";
    press.title = "what this function does";
    press.setAttribute("aria-expanded", String(this.open === name));
    press.setAttribute("aria-controls", this.panel.id);
    press.addEventListener("click", () => this.toggle(name));
    return press;
  }

  private nameOf(name: string): HTMLButtonElement | undefined {
    return [...this.root.querySelectorAll("button")].find((one) => one.textContent === name);
  }

  private toggle(name: string): void {
    this.open = this.open === name ? "" : name;
    this.show();
  }

  private leave(): void {
    const name = this.open;
    this.open = "";
    this.show();
    this.nameOf(name)?.focus();
  }

  private show(): void {
    this.panel.hidden = !this.open;
    this.head.textContent = `${this.open}, in our own words`;
    this.panel.setAttribute("aria-label", `what ${this.open} does`);
    this.lines.textContent = (this.texts[this.open] ?? "").trimEnd();
    for (const one of this.root.querySelectorAll("button"))
      one.setAttribute("aria-expanded", String(one.textContent === this.open));
  }
}
