// All words around a picture: its title and sentence above it, and below it, in grey, the call and what is drawn; and
// what is read out.

import { html, say } from "./svg.ts";
import type { Scene, When } from "./wire.ts";

/** The number of characters beyond which an answer is not large, as in `views/scene/svg.py`. */
const LONG = 90;

type Moment = Pick<When, "now" | "kept" | "number" | "place">;

/** The number of characters up to which an answer has the largest letters. */
const SHORT = 60;

/** What is drawn again with every frame: the title, the sentence, and the line below the picture. */
export class Words {
  /** The moment, if it is not now; the controls put their buttons there. */
  readonly header = html("div", "vmw-header");
  /** The call, what is drawn, and its machine and cell. */
  readonly foot = html("div", "vmw-foot");
  readonly caption = html("p", "vmw-caption");
  readonly notes = html("ul", "vmw-notes");
  private readonly title = html("strong", "vmw-title");
  private readonly subtitle = html("span", "vmw-subtitle");
  private readonly origin = html("span", "vmw-origin");
  private readonly late = html("span", "vmw-behind", "behind");
  private readonly moment = html("b", "vmw-then");
  private readonly text = html("b");
  private readonly reason = html("span", "vmw-reason");
  readonly functions = new Functions();

  private machine = "";
  private placed: readonly string[] = [];

  constructor() {
    this.late.title = "the machine has changed: this picture is redrawn when the cell ends";
    this.late.hidden = true;
    this.moment.hidden = true;
    this.header.append(this.moment, this.late);
    this.caption.append(this.text, " ", this.reason);
    this.foot.append(this.functions.root, this.title, this.subtitle, this.origin);
  }

  /** The caption in one line, as it is read out. */
  get sentence(): string {
    return [this.text.textContent, this.reason.textContent].filter(Boolean).join(" ");
  }

  draw(scene: Scene): void {
    const { text, reason, functions, tone } = scene.caption;
    this.machine = scene.machine;
    this.sign();
    say(this.title, scene.title);
    say(this.subtitle, scene.subtitle);
    this.subtitle.title = scene.subtitle; // cut where there is no room
    say(this.text, text);
    say(this.reason, reason);
    this.functions.draw(functions);
    const isTitle = Boolean(scene.answers) || !text; // its name is the answer
    if (isTitle) this.caption.prepend(this.title);
    else this.functions.root.after(this.title);
    const { length } = isTitle ? scene.title : text;
    const large = length <= SHORT ? "vmw-large" : length <= LONG ? "vmw-larger" : "";
    this.caption.className = ["vmw-caption", tone, isTitle && "vmw-answers", large].filter(Boolean).join(" ");
    const notes = JSON.stringify(scene.notes);
    if (this.notes.dataset.notes === notes) return;
    this.notes.dataset.notes = notes;
    this.notes.replaceChildren(...scene.notes.map((note) => html("li", "", note)));
    this.notes.hidden = scene.notes.length === 0;
  }

  /**
   * Shows whether the machine has reached operation `latest` since this picture of now; or, for a picture of the past,
   * its moment, and whether it stays there.
   */
  at({ now, kept, number, place }: Moment, latest: number): void {
    this.late.hidden = !now || number < 0 || number >= latest;
    const operation = `operation ${number.toLocaleString("en")} of ${Math.max(latest, number).toLocaleString("en")}`;
    const at = `${place < 0 ? "after" : "in"} ${operation}`;
    this.moment.hidden = now || number < 0;
    // a page that is read as text shows hidden text too
    say(this.moment, this.moment.hidden ? "" : kept ? `stays ${at}` : `the past: ${at}`);
    this.moment.title = kept
      ? "press “›|” to have it follow the machine again"
      : "press “›|”, or run a call, to go to now";
  }

  /** Shows which cell made the picture, and the present state of its machine. */
  place(words: readonly string[]): void {
    this.placed = words;
    this.sign();
  }

  private sign(): void {
    say(this.origin, [this.machine, ...this.placed].filter(Boolean).join(" · "));
  }
}

// ---- functions
// The kernel functions under a caption: a press on a name opens ten lines about what the function does.

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

// ---- once
// One sentence for each cell: if an output has several pictures, the first says what happened.

const AREA = ".jp-OutputArea";

/** Elements that show one of their parts at a time: each of these pictures may be alone in sight. */
const ONE_AT_A_TIME = ".jupyter-widget-tab, .jupyter-widget-accordion, .jupyter-widget-stack";

/** The output of the cell that contains an element, with any outputs nested in it; null outside a notebook. */
function output(root: Element): Element | null {
  let found: Element | null = null;
  for (let area = root.closest(AREA); area; area = area.parentElement?.closest(AREA) ?? null) found = area;
  return found;
}

/** In a part that begins or ends with the earlier sentence, only the repeated sentences are hidden. */
function fold(part: Element, sentence: string, said: ReadonlySet<string>): void {
  const known = [...said].sort((one, other) => other.length - one.length); // one may begin as another does
  const hidden = (words: string) => html("span", "vmw-said", words);
  const words: (string | Element)[] = [];
  let rest = sentence;
  const next = () => known.find((one) => rest.startsWith(`${one} `));
  for (let begin = next(); begin; begin = next()) {
    words.push(hidden(begin), " ");
    rest = rest.slice(begin.length + 1);
  }
  const end = known.find((one) => rest === one || rest.endsWith(` ${one}`)) ?? "";
  const own = rest.slice(0, rest.length - end.length);
  words.push(own);
  if (end) words.push(hidden(end));
  if (words.length > 1) {
    part.replaceChildren(...words);
    if (!own.trim()) part.classList.add("vmw-said");
  } else if (part.children.length) part.textContent = sentence;
}

/**
 * Hides the sentences that an earlier picture of the same output has.  On full screen, a picture has its own
 * (style.css).
 */
export function once(root: Element): void {
  const said = new Set<string>();
  for (const caption of output(root)?.querySelectorAll<HTMLElement>(".vmwidgets .vmw-bar > .vmw-caption") ?? []) {
    if (caption.closest(ONE_AT_A_TIME)) continue;
    const parts = [...caption.querySelectorAll(":scope > b, :scope > .vmw-reason")];
    for (const part of parts) {
      const sentence = part.textContent ?? "";
      part.classList.toggle("vmw-said", said.has(sentence));
      fold(part, sentence, said);
      if (sentence) said.add(sentence);
    }
    const left =
      caption.classList.contains("vmw-answers") ||
      parts.some((part) => part.textContent && !part.classList.contains("vmw-said"));
    caption.classList.toggle("vmw-said", !left);
  }
}

// ---- speaker
// The sentences for screen readers: one live region on a page for all pictures, so that a sentence of several pictures
// is heard once.

/** Milliseconds for which sentences are gathered: pictures of one operation come one after the other. */
const GATHER = 60;

/** The style of an element that is read out and not seen, on any page. */
const UNSEEN =
  "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap";

export class Speaker {
  // created for the first picture: the controls' copy of this file never needs one
  private region: HTMLElement | null = null;
  private pictures = 0;
  private waiting: string[] = [];
  private last = "";
  private through: Pick<Speaker, "say"> | null = null;

  /** Another bundle on the page has the region: sentences from here go there. */
  speakThrough(other: Pick<Speaker, "say">): void {
    if (other !== this) this.through = other;
  }

  /** Notes that a picture is on the page: its sentences have a place from now on. */
  join(): void {
    if (this.pictures++ > 0) return;
    this.region ??= html("div", "vmw-spoken");
    this.region.setAttribute("role", "status");
    this.region.style.cssText = UNSEEN;
    document.body.append(this.region);
  }

  leave(): void {
    if (--this.pictures === 0) this.region?.remove();
  }

  /** Reads a sentence out, once however many pictures say it; with `again`, even if it was the last one. */
  say(sentence: string, again = false): void {
    if (this.through) {
      this.through.say(sentence, again);
      return;
    }
    if (!sentence || this.waiting.includes(sentence) || (sentence === this.last && !again)) return;
    this.waiting.push(sentence);
    this.last = sentence;
    if (this.waiting.length === 1) setTimeout(() => this.speak(), GATHER);
  }

  private speak(): void {
    const sentences = this.waiting.join(" ");
    this.waiting = [];
    if (!this.region) return;
    // The same text again is not a change for a screen reader; a space at its end makes it one.
    say(this.region, this.region.textContent === sentences ? `${sentences}\u00a0` : sentences);
  }
}

export const speaker = new Speaker();
