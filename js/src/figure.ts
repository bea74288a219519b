// One view on the page: the drawing, the words around it, and what keys, clicks and gestures mean.

import { button } from "./button.ts";
import { Copies } from "./copies.ts";
import { Drawing } from "./drawing.ts";
import { Finder } from "./finder.ts";
import { Focus } from "./focus.ts";
import { Ground } from "./ground.ts";
import { Hover } from "./hover.ts";
import { png } from "./imaging.ts";
import { opens } from "./keyboard.ts";
import { leave } from "./leaving.ts";
import { firstWords, legend } from "./legend.ts";
import { MiniMap } from "./minimap.ts";
import type { Names, Told } from "./operations.ts";
import { Pins } from "./pins.ts";
import { Presenting } from "./presenting.ts";
import { Renderer } from "./renderer.ts";
import type { Found, Send } from "./requests.ts";
import { Ribbon } from "./ribbon.ts";
import type { Ask, Router } from "./router.ts";
import { type Picture, type SceneTableTwin, SUPPORTED_VERSION, type When } from "./scene.ts";
import { BRACKETS } from "./screen.ts";
import { Slicer } from "./slicer.ts";
import { speaker } from "./speaker.ts";
import { Steady } from "./steady.ts";
import { drop, html, put, say } from "./svg.ts";
import { Time } from "./time.ts";
import { TableTwin, Words } from "./words.ts";

/** Pixels that words need, however narrow the drawing. */
const NARROWEST = 640;

export interface FigureCalls {
  send: Send;
  /** Somebody chose a thing; "" clears the choice. */
  select: (thing: string) => void;
}

export class Figure {
  readonly root = html("div", "vmwidgets");
  readonly renderer = new Renderer();
  private readonly words = new Words();
  private readonly table: TableTwin;
  private readonly status = html("p", "vmw-status");
  private readonly time: Time;
  private readonly ribbon: Ribbon;
  private readonly slicer: Slicer;
  private readonly pins: Pins;
  private readonly presenting: Presenting;
  private readonly focus = new Focus(this.renderer);
  private readonly hover = new Hover(this.renderer, this.root);
  private readonly ground = new Ground(this.renderer.root);
  private readonly map = new MiniMap(this.renderer.root);
  /** Pixels that pictures have on the page; 0: unknown. */
  private room = 0;
  private readonly steady = new Steady(this.words.caption, this.renderer.root);
  private readonly zoomer = html("span", "vmw-zoomer");
  private readonly finder: Finder;
  private readonly copies = new Copies({
    image: () => png(this.renderer.root),
    table: () => this.tableOf(),
    name: () => (this.renderer.scene?.title ?? "").replace(/[^\p{L}\p{N}.]+/gu, "-").replace(/^-|-$/g, "") || "picture",
  });
  /** Who waits for the rows of the table. */
  private readonly waiting: ((table: SceneTableTwin) => void)[] = [];
  /** What was found last, until the picture that shows it has come. */
  private found: Found | null = null;
  private readonly legend = html("div", "vmw-legend");
  private hint: HTMLElement | null = null;
  private helper: HTMLButtonElement | undefined;
  private readonly calls: FigureCalls;
  private readonly ask: Ask;
  private readonly drawing: Drawing;
  private alive = true;
  /** Whether a pointer has brought the focus to where it is, not a key. */
  private pointed = false;
  private seq = -1;
  private when: When | null = null;
  private latest = 0;

  constructor(calls: FigureCalls, router: Router) {
    this.calls = calls;
    speaker.join();
    this.time = new Time(calls.send);
    this.table = new TableTwin(() => calls.send({ type: "table" }));
    this.ribbon = new Ribbon(this.renderer, calls.send);
    this.slicer = new Slicer(this.renderer, calls.send);
    this.pins = new Pins(calls.send, this.hover);
    this.finder = new Finder({
      find: (text, way) => {
        this.tell("");
        calls.send({ type: "find", text, way });
      },
      leave: () => this.renderer.root.focus(),
    });
    this.presenting = new Presenting(this.root, {
      step: (by) => this.time.by(by),
      key: (key) => BRACKETS.has(key) && this.press(key, undefined),
      noted: () => this.time.noted(this.words.sentence),
    });
    this.ask = router.connect("ways", (seq, placed) => {
      if (seq === this.seq) this.renderer.follow(placed.routes);
    });
    this.drawing = new Drawing(this.renderer.root, router, {
      send: calls.send,
      act: (id) => (id ? this.act(id) : this.renderer.selected && calls.select("")),
      tell: (sentence) => this.tell(sentence),
    });
    this.assemble();
    this.root.tabIndex = -1; // a click on its words puts the focus into the picture too
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("focusin", (event) => {
      this.pointed = !(event.target as Element).matches(":focus-visible");
    });
    this.root.addEventListener("keyup", (event) => {
      if (event.key === " " && !this.pressed(event)) event.preventDefault(); // some browsers press a button only now
    });
    this.time.root.addEventListener("keydown", (event) => event.key === " " && this.key(event), { capture: true });
    this.renderer.root.addEventListener("click", (event) => this.click(event));
  }

  /** Draws the picture of number `seq`, unless a newer one is on screen. */
  draw(seq: number, { scene, dot, when }: Picture): void {
    if (seq <= this.seq) return;
    this.seq = seq;
    this.tell(""); // what was said of the last request is answered by this picture
    if (scene.version !== SUPPORTED_VERSION) {
      this.tell("This picture was made by another version of vmwidgets: run the cell again.");
      return;
    }
    const held = this.focused() !== null;
    this.root.style.maxWidth = `${Math.max(scene.width, NARROWEST) * when.scale}px`;
    this.root.style.setProperty("--vmw-scale", String(when.scale));
    this.steady.keep(when.number, when.place, scene.height * when.scale);
    const before = this.words.sentence;
    this.words.draw(scene);
    if (this.words.sentence !== before) speaker.say(this.words.sentence);
    this.renderer.draw(scene, when.scale);
    this.lay(scene.width, this.room > 0 && this.room + 1 < scene.width * Math.min(when.scale, 1));
    this.map.draw(scene);
    this.time.draw(scene, when);
    this.presenting.show();
    if (held && (this.focused()?.matches(":disabled") ?? true)) this.root.focus({ preventScroll: true });
    this.when = when;
    this.late();
    this.table.draw(scene);
    this.copies.hasTable = scene.table.header.length > 0;
    this.zoomer.hidden = !this.ribbon.shown;
    this.finder.root.hidden = !when.finds;
    if (this.found) this.reveal(this.found);
    this.found = null;
    this.focus.settle();
    this.drawing.draw(seq, scene, when.scale);
    this.hover.settle();
    if (dot) this.ask(seq, dot, scene.height);
  }

  /** The page has so many pixels for pictures. */
  measured(room: number): void {
    this.room = room;
  }

  /** A page that is narrower than any picture is laid out for scrolls it. */
  private lay(width: number, scrolls: boolean): void {
    const { root } = this.renderer;
    const lies = root.parentNode === this.ground.root;
    if (scrolls && !lies) {
      root.before(this.ground.root);
      this.ground.root.append(root);
    } else if (!scrolls && lies) this.ground.root.replaceWith(root);
    if (scrolls || lies) this.ground.scroll(scrolls, width);
  }

  /** The newest frame on screen. */
  get shown(): number {
    return this.seq;
  }

  /** The rows of the table twin of picture `seq`. */
  tabulate(seq: number, table: SceneTableTwin): void {
    if (seq === this.seq) this.table.fill(table);
    for (const take of this.waiting.splice(0)) take(table);
  }

  private tableOf(): Promise<SceneTableTwin> {
    return new Promise((done) => {
      this.waiting.push(done);
      this.calls.send({ type: "table" });
    });
  }

  /** Picture `seq` in Graphviz's language. */
  takeDot(seq: number, dot: string): void {
    this.drawing.take(seq, dot);
  }

  /** The machine has come to operation `number`; another `stamp` says that operations, groups or marks are others. */
  reach(number: number, stamp: number): void {
    this.time.reach(number);
    this.time.operations?.reach(stamp);
    this.pins.reach(number);
    this.latest = number;
    this.late();
  }

  private late(): void {
    const { now, number } = this.when ?? { now: false, number: -1 };
    this.words.behind(now && number >= 0 && number < this.latest);
  }

  /** What all pictures of its machine have in common: they light up together. */
  meet(machine: string): void {
    this.hover.join(machine);
    this.pins.share();
  }

  /** What the strip of operations has asked for. */
  take(told: Told): void {
    this.time.operations?.take(told);
  }

  takeNames(names: Names): void {
    this.time.operations?.takeNames(names);
  }

  /** When the slider was moved last, in the page's milliseconds. */
  get dragged(): number {
    return this.time.moved;
  }

  /** A picture has come, and is drawn soon. */
  arrived(): void {
    this.time.arrived();
  }

  /** The last request was answered, and changed nothing. */
  answered(): void {
    this.time.answered();
  }

  /** Fills the screen with the picture; notes for the lecturer's own screen have the names of marks. */
  present(notes: Readonly<Record<string, string>> = {}): void {
    this.presenting.present(notes);
  }

  /** It is on its page, made by a cell of this label. */
  arrive(id: string, origin: string): void {
    this.presenting.arrive(id, origin);
  }

  select(thing: string): void {
    this.renderer.select(thing);
    this.drawing.select(thing);
  }

  pin(pictures: readonly Picture[]): void {
    this.pins.draw(pictures);
  }

  /** Keeps this picture below: the reader is shown where. */
  private pin_(): void {
    this.pins.await();
    this.calls.send({ type: "pin" });
  }

  /** Machine, cell, and what has become of them. */
  place(words: readonly string[]): void {
    this.words.place(words);
  }

  /** Whether a kernel answers.  Without one there are no controls: none could do anything. */
  live(alive: boolean): void {
    this.alive = alive;
    this.time.stop();
    if (alive) this.time.operations?.again();
    else this.drawing.toggle(false);
    this.root.classList.toggle("vmw-alone", !alive);
    if (alive) drop(this.renderer.root, "aria-disabled");
    else put(this.renderer.root, "aria-disabled", "true");
  }

  /** A sentence about the view itself: refused, restarted, orphaned; "" takes it away. */
  tell(sentence: string): void {
    say(this.status, sentence);
    this.status.hidden = !sentence;
    speaker.say(sentence, true);
  }

  close(): void {
    speaker.leave();
    this.time.stop();
    this.pins.close();
    this.hover.close();
    this.map.close();
    this.presenting.close();
    this.drawing.close();
    this.ribbon.close();
    this.slicer.close();
    this.root.remove();
  }

  private assemble(): void {
    const pin = button("pin", "keep this picture below", "p");
    pin.addEventListener("click", () => this.pin_());
    const [closer, wider] = [button("+", "zoom in", "+"), button("−", "zoom out", "-")];
    closer.addEventListener("click", () => this.ribbon.zoom(1));
    wider.addEventListener("click", () => this.ribbon.zoom(-1));
    this.zoomer.append(wider, closer);
    const save = button("save", "save this picture as a file", "s");
    save.addEventListener("click", () => this.calls.send({ type: "save" }));
    const help = button("?", "keys and legend", "?");
    help.classList.add("vmw-help");
    help.setAttribute("aria-expanded", "false");
    help.addEventListener("click", () => this.explain());
    this.helper = help;
    const buttons = html("span", "vmw-buttons"); // they are wrapped together
    buttons.append(help, this.drawing.press, save, this.copies.root, pin);
    this.words.header.append(buttons);
    this.legend.hidden = true;
    const footer = html("div", "vmw-footer");
    footer.append(this.zoomer, this.finder.root, this.table.root);
    const { header, caption, notes } = this.words;
    this.tell("");
    const bar = html("div", "vmw-bar"); // in sight while a tall picture is scrolled
    bar.append(this.time.root, caption, this.words.functions.panel); // the buttons stay where they are when the words grow
    const { drawing, legend, map, pins, renderer, status } = this;
    this.root.append(header, legend, bar, status, map.root, renderer.root, drawing.root, notes, footer, pins.root);
  }

  /** The picture is in sight: a reader who never saw one is told what looks mean. */
  seen(): void {
    const line = firstWords(() => {
      line?.remove();
      this.helper?.focus(); // what shows it again
    });
    if (!line) return;
    this.hint = line;
    this.legend.after(line);
  }

  /** Shows which keys there are and what the looks of things mean, or hides it. */
  private explain(): void {
    this.hint?.remove();
    this.legend.replaceChildren(...legend((state) => this.renderer.root.querySelector(`.node.${state}`) !== null));
    this.legend.hidden = !this.legend.hidden;
    this.helper?.setAttribute("aria-expanded", String(!this.legend.hidden));
  }

  /** A search has found something: its picture may be on the screen, or on its way. */
  find(found: Found): void {
    this.found = found;
    speaker.say(this.reveal(found), true);
  }

  /** Brings what was found into sight; says it, with a sentence where the picture has it folded. */
  private reveal(found: Found): string {
    const things = found.thing ? this.renderer.nodesOf(new Set([found.thing])) : [];
    const id = things[0]?.id ?? (this.renderer.node(found.node) ? found.node : "");
    const hidden = !id && Boolean(found.thing || found.node);
    const said = this.finder.take(found, hidden);
    if (found.folded || hidden) this.tell(said);
    if (!id) return said;
    this.renderer.element(id)?.root.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    if (!found.thing) this.hover.show(id);
    return said;
  }

  private click(event: MouseEvent): void {
    const id = this.renderer.under(event);
    if (!id) {
      if (this.renderer.selected) this.calls.select(""); // the ground takes the selection back
      return;
    }
    this.renderer.element(id)?.root.focus();
    this.act(id);
  }

  private act(id: string): void {
    const node = this.renderer.node(id);
    if (!node) return;
    if (node.action === "select" && node.thing)
      this.calls.select(node.thing === this.renderer.selected ? "" : node.thing); // once more: back
    else if (node.action === "open" && this.alive) this.calls.send({ type: "open", id });
  }

  private key(event: KeyboardEvent): void {
    const made = BRACKETS.has(event.key) && event.altKey; // AltGr is Ctrl and Alt in Windows, Option is Alt
    if (!made && (event.ctrlKey || event.altKey)) return;
    if (event.metaKey) return;
    if (this.pressed(event)) {
      event.stopPropagation(); // the browser presses it, and the notebook has its own meaning for Enter
      return;
    }
    const onNode = (event.target as Element).closest<SVGGElement>(".node")?.dataset.id;
    const meant = this.presenting.key(event) || this.press(event.key, onNode);
    if (meant) event.preventDefault();
    // The notebook has its own meaning for most keys: two letters that mean nothing here would delete the cell.
    if (meant || event.key.length === 1) event.stopPropagation();
  }

  /** What has the focus in this picture.  A node that is gone and a button that is disabled lose it: they hear no keys. */
  private focused(): Element | null {
    const { activeElement } = this.root.getRootNode() as Document | ShadowRoot;
    return activeElement && this.root.contains(activeElement) ? activeElement : null;
  }

  /** Whether the browser presses what has the focus: with Space only if a key has brought the focus there. */
  private pressed({ key, target }: KeyboardEvent): boolean {
    const controls = key === "Enter" ? "button, summary" : "button, summary, select";
    if (key !== "Enter" && (key !== " " || (this.pointed && this.alive))) return false;
    return (target as Element).closest(controls) !== null;
  }

  /** The keys that need no kernel. */
  private readOn(key: string, onNode: string | undefined): boolean {
    if (key === "?") this.explain();
    else if (key === "Enter" && onNode !== undefined) this.act(onNode);
    else if (key === "Escape") this.escape();
    else return false;
    return true;
  }

  /** The selection is taken back; where there is none, the notebook gets the focus. */
  private escape(): void {
    if (this.renderer.selected) this.calls.select("");
    else leave(this.root);
  }

  /** True if the key meant something here. */
  private press(key: string, onNode: string | undefined): boolean {
    if (!this.alive) return this.focus.move(key) || this.readOn(key, onNode);
    if (this.slicer.key(key, onNode)) return true;
    if (onNode && this.renderer.scene && opens(this.renderer.scene, onNode, key)) {
      this.act(onNode);
      return true;
    }
    if (this.focus.move(key)) return true;
    switch (key) {
      case "Enter":
        if (onNode !== undefined) this.act(onNode);
        return onNode !== undefined;
      case "Escape":
        this.escape();
        return true;
      case "[":
        this.time.by(-1);
        return true;
      case "{":
        this.time.toFirst();
        return true;
      case "}":
        this.time.toNow();
        return true;
      case "c":
        this.time.toCell();
        return true;
      case "]":
        this.time.by(1);
        return true;
      case " ":
        this.time.toggle();
        return true;
      case "?":
        this.explain();
        return true;
      case "f":
        this.present();
        return true;
      case "p":
        this.pin_();
        return true;
      case "s":
        this.calls.send({ type: "save" });
        return true;
      case "/":
        if (!this.finder.root.hidden) this.finder.field.focus();
        return !this.finder.root.hidden;
      case "t":
        this.table.root.open = !this.table.root.open;
        return true;
      case "+":
      case "-":
        if (this.ribbon.shown) this.ribbon.zoom(key === "+" ? 1 : -1);
        return this.ribbon.shown;
      default:
        return false;
    }
  }
}
