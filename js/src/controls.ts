// A reader's controls of a picture: the buttons around it, keys, clicks and gestures.  They are code of their own,
// which a page gets after its first picture.

import { Drawing, openWorker, Router, reasonAgainst } from "./drawing.ts";
import type { Equipment, Figure } from "./figure.ts";
import { Finder, legend, More, TableTwin } from "./offers.ts";
import { Time } from "./player.ts";
import { Focus, Hover, opens } from "./pointing.ts";
import { Presenting } from "./presenting.ts";
import { PSEUDOCODE } from "./pseudocode.ts";
import type { Renderer } from "./renderer.ts";
import { BRACKETS } from "./screen.ts";
import { Slicer } from "./slicer.ts";
import { button, html, put } from "./svg.ts";
import type { Names, Told } from "./timeline.ts";
import type { Found, Picture, SceneTableTwin } from "./wire.ts";
import { type Speaker, speaker } from "./words.ts";

/** The rules for what only these controls make; the build inserts them. */
declare const LIVE: string;

export class Controls implements Equipment {
  private readonly figure: Figure;
  private readonly renderer: Renderer;
  private readonly table: TableTwin;
  private readonly time: Time;
  private readonly slicer: Slicer;
  private readonly presenting: Presenting;
  private readonly focus: Focus;
  private readonly hover: Hover;
  private readonly finder: Finder;
  private readonly more: More;
  private readonly tabled = button("as a table", "show this picture as a table, too", "t");
  /** The latest find, until the picture that shows it has come. */
  private found: Found | null = null;
  private readonly legend = html("div", "vmw-legend");
  private helper: HTMLButtonElement | undefined;
  private readonly drawing: Drawing;
  private alive = true;
  /** Whether a pointer, and not a key, has moved the focus to its place. */
  private pointed = false;

  constructor(figure: Figure, router: Router) {
    const { calls, renderer, root } = figure;
    this.figure = figure;
    this.renderer = renderer;
    this.focus = new Focus(renderer);
    this.hover = new Hover(renderer, root);
    this.time = new Time(calls.send, calls.step);
    this.table = new TableTwin(() => calls.send({ type: "table" }));
    this.slicer = new Slicer(renderer, calls.send);
    this.finder = new Finder({
      find: (text, way) => {
        figure.tell("");
        this.found = null;
        calls.send({ type: "find", text, way });
      },
      leave: () => renderer.root.focus(),
    });
    this.presenting = new Presenting(root, {
      step: (by) => this.time.by(by),
      key: (key) => BRACKETS.has(key) && this.press(key, undefined),
      noted: () => this.time.noted(figure.words.sentence),
    });
    this.drawing = new Drawing(renderer.root, router, {
      send: calls.send,
      act: (id) => figure.act(id),
      tell: (sentence) => figure.tell(sentence),
      lack: (sentence) => figure.lack(sentence),
    });
    figure.words.functions.learn(PSEUDOCODE);
    this.more = new More(this.rows());
    this.assemble();
    root.addEventListener("focusin", (event) => {
      this.pointed = !(event.target as Element).matches(":focus-visible");
    });
    root.addEventListener("keyup", (event) => {
      if (event.key === " " && !this.pressed(event)) event.preventDefault(); // some browsers press a button only now
    });
    this.time.root.addEventListener("keydown", (event) => event.key === " " && figure.key(event), { capture: true });
  }

  /** Notes that picture `seq` is on screen. */
  draw(seq: number, { scene, when }: Picture): void {
    this.time.draw(scene, when);
    this.presenting.show();
    this.table.draw(scene);
    this.tabled.hidden = this.table.root.hidden;
    this.finder.root.hidden = !when.finds;
    if (this.found) this.reveal(this.found);
    this.found = null;
    this.focus.settle();
    this.drawing.draw(seq, scene, when);
    this.hover.settle();
  }

  /** The rows of the table twin of picture `seq`. */
  tabulate(seq: number, table: SceneTableTwin): void {
    if (seq === this.figure.shown) this.table.fill(table);
  }

  /** Picture `seq` after this many events, in Graphviz's language. */
  takeDot(seq: number, place: number, dot: string): void {
    this.drawing.take(seq, place, dot);
  }

  bringDot(seq: number, place: number, dot: string): void {
    this.drawing.bring(seq, place, dot);
  }

  /** Makes Graphviz lay out the picture, from now on. */
  layOut(): void {
    this.drawing.always();
  }

  /**
   * Notes that the machine has reached operation `number`; another `stamp` means that operations, groups or marks have
   * changed.
   */
  reach(number: number, stamp: number): void {
    this.time.reach(number);
    this.time.operations?.reach(stamp);
  }

  /** Joins the machine's other pictures: they light up together. */
  meet(machine: string): void {
    this.hover.join(machine);
  }

  /** The operations or names that the strip has requested. */
  take(told: Told): void {
    this.time.operations?.take(told);
  }

  takeNames(names: Names): void {
    this.time.operations?.takeNames(names);
  }

  /** The time when the slider was last moved, in the page's milliseconds. */
  get dragged(): number {
    return this.time.player.moved;
  }

  /** Notes that a picture has come, and will be drawn soon. */
  arrived(): void {
    this.time.arrived();
  }

  /** Notes that the last request was answered, and changed nothing. */
  answered(): void {
    this.time.answered();
  }

  /** Fills the screen with the picture; notes for the lecturer's own screen are listed by the names of marks. */
  present(notes: Readonly<Record<string, string>> = {}): void {
    this.presenting.present(notes);
  }

  /** Notes that the picture is on its page, made by a cell with this label. */
  arrive(id: string, origin: string): void {
    this.presenting.arrive(id, origin);
  }

  select(thing: string): void {
    this.drawing.select(thing);
  }

  /** Notes whether a kernel answers. */
  live(alive: boolean): void {
    this.alive = alive;
    this.time.live(alive);
    this.drawing.live(alive);
  }

  close(): void {
    this.time.stop();
    this.hover.close();
    this.presenting.close();
    this.drawing.close();
    this.slicer.close();
  }

  /** Asks for the picture as a file, as light or dark as it is on the page. */
  private save(): void {
    this.figure.calls.send({ type: "save", theme: this.figure.root.closest(".vmw-dark") ? "dark" : "light" });
  }

  /** The contents of "…". */
  private rows(): Record<string, readonly HTMLElement[]> {
    const { time, drawing, finder } = this;
    const save = button("save", "save this picture as a file", "s");
    save.addEventListener("click", () => this.save());
    const fill = button("full screen", "fill the screen with this picture", "f");
    fill.addEventListener("click", () => this.present());
    this.tabled.setAttribute("aria-pressed", "false");
    this.tabled.addEventListener("click", () => this.tabulated());
    return {
      move: [...time.moves, finder.root],
      take: [save, this.tabled, fill],
      more: [drawing.press],
    };
  }

  /** Opens the table, or closes it. */
  private tabulated(): void {
    const { root } = this.table;
    root.open = !root.open;
    if (!root.open || !root.parentElement) return;
    root.parentElement.hidden = false;
    root.scrollIntoView?.({ block: "nearest" });
  }

  private assemble(): void {
    const { words, bar, root } = this.figure;
    const help = button("?", "keys and legend", "?");
    help.classList.add("vmw-help");
    help.setAttribute("aria-expanded", "false");
    help.addEventListener("click", () => this.explain());
    this.helper = help;
    const buttons = html("span", "vmw-buttons"); // they are wrapped together
    buttons.append(help, this.more.press);
    words.header.append(buttons);
    words.header.classList.add("vmw-held");
    this.legend.hidden = true;
    words.header.after(this.legend, this.more.root);
    bar.prepend(this.time.root); // the buttons stay in place when the words get longer
    words.notes.before(this.drawing.root);
    const footer = html("div", "vmw-footer");
    footer.hidden = true;
    this.table.root.addEventListener("toggle", () => {
      footer.hidden = !this.table.root.open;
      put(this.tabled, "aria-pressed", String(this.table.root.open));
    });
    footer.append(this.table.root);
    this.table.summary.addEventListener("click", () => {
      if (this.table.root.open) this.figure.root.focus({ preventScroll: true }); // it closes, and is gone
    });
    root.append(footer);
  }

  /** Shows or hides the list of keys and the meanings of looks. */
  private explain(): void {
    this.legend.replaceChildren(...legend((state) => this.renderer.root.querySelector(`.node.${state}`) !== null));
    this.legend.hidden = !this.legend.hidden;
    this.helper?.setAttribute("aria-expanded", String(!this.legend.hidden));
  }

  /** Notes that a search has found something: its picture may be on the screen, or on its way. */
  find(found: Found): void {
    this.found = found;
    speaker.say(this.reveal(found), true);
  }

  /** Brings the find into sight, and announces it; adds a sentence if it is in a folded part of the picture. */
  private reveal(found: Found): string {
    const things = found.thing ? this.renderer.nodesOf(new Set([found.thing])) : [];
    const id = things[0]?.id ?? (this.renderer.node(found.node) ? found.node : "");
    const hidden = !id && Boolean(found.thing || found.node);
    const said = this.finder.take(found, hidden);
    if (found.folded || hidden) this.figure.tell(said);
    if (!id) return said;
    this.renderer.element(id)?.root.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    if (!found.thing) this.hover.show(id);
    return said;
  }

  /** Does what a key means; returns true if the key has a meaning here. */
  key(event: KeyboardEvent): boolean {
    const made = BRACKETS.has(event.key) && event.altKey; // AltGr is Ctrl and Alt in Windows; Option is Alt
    if (!made && (event.ctrlKey || event.altKey)) return false;
    if (event.metaKey) return false;
    if (this.pressed(event)) return true; // the browser presses it, and the notebook has its own meaning for Enter
    const onNode = (event.target as Element).closest<SVGGElement>(".node")?.dataset.id;
    const meant = this.presenting.key(event) || this.press(event.key, onNode);
    if (meant) event.preventDefault();
    return meant;
  }

  /** Whether the browser presses the element with the focus: with Space only if a key has moved the focus there. */
  private pressed({ key, target }: KeyboardEvent): boolean {
    const controls = key === "Enter" ? "button, summary" : "button, summary, select";
    if (key !== "Enter" && (key !== " " || (this.pointed && this.alive))) return false;
    return (target as Element).closest(controls) !== null;
  }

  /** Handles the keys that need no kernel. */
  private readOn(key: string, onNode: string | undefined): boolean {
    if (key === "?") this.explain();
    else if (key === "Enter" && onNode !== undefined) this.figure.act(onNode);
    else if (key === "Escape") this.figure.escape();
    else return false;
    return true;
  }

  /** Handles the keys that go through moments. */
  private goes(key: string): boolean {
    const { time } = this;
    const way = { "[": () => time.by(-1), "]": () => time.by(1), "{": () => time.toFirst(), "}": () => time.toNow() };
    if (key === " ") time.toggle();
    else if (key === "c") time.toCell();
    else if (key in way) way[key as keyof typeof way]();
    else return false;
    return true;
  }

  /** Returns true if the key has a meaning here. */
  private press(key: string, onNode: string | undefined): boolean {
    if (!this.alive) return this.focus.move(key) || this.goes(key) || this.readOn(key, onNode);
    if (this.slicer.key(key, onNode)) return true;
    if (onNode && this.renderer.scene && opens(this.renderer.scene, onNode, key)) {
      this.figure.act(onNode);
      return true;
    }
    if (this.focus.move(key) || this.goes(key)) return true;
    switch (key) {
      case "Enter":
        if (onNode !== undefined) this.figure.act(onNode);
        return onNode !== undefined;
      case "Escape":
        this.figure.escape();
        return true;
      case "?":
        this.explain();
        return true;
      case "f":
        this.present({});
        return true;
      case "s":
        this.save();
        return true;
      case "/":
        if (this.finder.root.hidden) return false;
        this.more.open(true);
        this.finder.field.focus();
        return true;
      case "m":
        this.more.open(!this.more.opened);
        return true;
      case "t":
        this.tabulated();
        return true;
      default:
        return false;
    }
  }
}

/** The hub's services: how Graphviz's code comes, the end of the page's hub, and the speaker that reads out. */
export interface Given {
  graphviz: () => Promise<string>;
  signal: AbortSignal | undefined;
  speaker: Pick<Speaker, "say">;
  /** Adds the rules for the controls to the page's. */
  style?: (css: string) => void;
}

/** Puts the controls around a picture. */
export type Equip = (figure: Figure) => void;

function initialize(given: Given): Equip {
  speaker.speakThrough(given.speaker);
  if (typeof LIVE !== "undefined") given.style?.(LIVE);
  const router = new Router(given.graphviz, openWorker, reasonAgainst());
  given.signal?.addEventListener("abort", () => router.close());
  return (figure) => figure.equip(new Controls(figure, router));
}

export default { initialize };
