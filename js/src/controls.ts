// A reader's controls of a picture: the buttons around it, keys, clicks and gestures.  They are code of their own,
// which a page gets after its first picture.

import { Reading } from "./alone.ts";
import { Drawing, openWorker, Router, reasonAgainst } from "./drawing.ts";
import type { Figure } from "./figure.ts";
import { bringLetters } from "./letters.ts";
import { Finder, legend, More, TableTwin } from "./offers.ts";
import { NOWHERE, Time } from "./player.ts";
import { opens } from "./pointing.ts";
import { Presenting } from "./presenting.ts";
import type { Renderer } from "./renderer.ts";
import { BRACKETS } from "./screen.ts";
import { Slicer } from "./slicer.ts";
import { button, html, put } from "./svg.ts";
import type { Told } from "./timeline.ts";
import type { Form, Found, Picture, Reply } from "./wire.ts";
import { type Speaker, speaker } from "./words.ts";

type Exported = Extract<Reply, { type: "export" }>;

/** The rules for what only these controls make; the build inserts them. */
declare const LIVE: string;

export class Controls extends Reading {
  private readonly renderer: Renderer;
  private readonly table: TableTwin;
  private readonly slicer: Slicer;
  private readonly presenting: Presenting;
  private readonly finder: Finder;
  private readonly more: More;
  private readonly tabled = button("as a table", "show this picture as a table, too", "t");
  /** The latest find, until the picture that shows it has come. */
  private found: Found | null = null;
  private readonly legend = html("div", "vmw-legend");
  private helper: HTMLButtonElement | undefined;
  private readonly drawing: Drawing;
  /** The moment on screen. */
  private when = NOWHERE;
  protected override alive = true;

  constructor(figure: Figure, router: Router) {
    const { calls, renderer, root } = figure;
    super(figure, new Time(calls.send, calls.step));
    this.renderer = renderer;
    this.table = new TableTwin(() => this.ask("table"));
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
      ask: () => this.ask("dot"),
      laid: (key, svg) => calls.send({ type: "laid", key, svg }),
      act: (id) => figure.act(id),
      tell: (sentence) => figure.tell(sentence),
      lack: (sentence) => figure.lack(sentence),
    });
    this.more = new More(this.rows());
    this.assemble();
  }

  /** Notes that picture `seq` is on screen. */
  override draw(seq: number, picture: Picture): void {
    super.draw(seq, picture);
    const { scene, when } = picture;
    this.when = when;
    this.presenting.show();
    this.table.draw(scene);
    this.tabled.hidden = this.table.root.hidden;
    this.finder.root.hidden = !when.finds;
    if (this.found) this.reveal(this.found);
    this.found = null;
    this.drawing.draw(seq, scene, when);
  }

  /** Takes the data that were requested. */
  hear(reply: Reply, data = ""): void {
    if (reply.type === "found") this.find(reply);
    else if (reply.type === "present") this.presenting.present(reply.notes);
    else if (reply.type === "export") this.take(reply, data);
    else if (reply.type === "layout") this.drawing.layOut(reply.key, data);
    else if (reply.type === "operations") this.time.operations?.take(JSON.parse(data) as Told);
  }

  /** Requests the picture on screen in another form: only the kernel has it. */
  private ask(form: Form): void {
    const { number, place } = this.when;
    this.figure.calls.send({ type: "export", form, operation: number, place });
  }

  /** Takes the picture in another form; rows of another picture are not shown. */
  private take({ form, seq, operation, place }: Exported, data: string): void {
    const { when } = this;
    if (form === "dot") this.drawing.take(seq, place, data, operation);
    else if (form !== "table") this.download(data);
    else if (seq === this.figure.shown && operation === when.number && place === when.place)
      this.table.fill(JSON.parse(data));
  }

  /** Offers the browser a file to save: its name has the title and the operation. */
  private download(svg: string): void {
    const words = `${this.renderer.scene?.title} ${Math.max(this.when.number, 0)}`.match(/[\p{L}\p{N}_.]+/gu) ?? [];
    const href = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    Object.assign(document.createElement("a"), { href, download: `${words.join("-")}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }

  override reach(number: number, stamp: number): void {
    super.reach(number, stamp);
    this.time.operations?.reach(stamp);
  }

  /** Joins the machine's other pictures: they light up together. */
  meet(machine: string): void {
    this.hover.join(machine);
  }

  lay(seq: number, place: number, dot: string): void {
    this.drawing.take(seq, place, dot);
    this.drawing.always();
  }

  /** Notes that the picture is on its page, made by a cell with this label. */
  arrive(id: string, origin: string): void {
    this.presenting.arrive(id, origin);
  }

  select(thing: string): void {
    this.drawing.select(thing);
  }

  override live(alive: boolean): void {
    super.live(alive);
    this.drawing.live(alive);
  }

  override close(): void {
    super.close();
    this.presenting.close();
    this.drawing.close();
    this.slicer.close();
  }

  /** Asks for the picture as a file, as light or dark as it is on the page. */
  private save(): void {
    this.ask(this.figure.root.closest(".vmw-dark") ? "dark" : "light");
  }

  /** The contents of "…". */
  private rows(): Record<string, readonly HTMLElement[]> {
    const { time, drawing, finder } = this;
    const save = button("save", "save this picture as a file", "s");
    save.addEventListener("click", () => this.save());
    const fill = button("full screen", "fill the screen with this picture", "f");
    fill.addEventListener("click", () => this.presenting.present());
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
    const { words, root } = this.figure;
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
    words.foot.before(this.drawing.root);
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
  private find(found: Found): void {
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

  protected override does(event: KeyboardEvent, onNode: string | undefined): boolean {
    return this.presenting.key(event) || this.press(event.key, onNode);
  }

  protected override press(key: string, onNode: string | undefined): boolean {
    if (this.alive && this.slicer.key(key, onNode)) return true;
    if (this.alive && onNode && this.renderer.scene && opens(this.renderer.scene, onNode, key)) {
      this.figure.act(onNode);
      return true;
    }
    if (super.press(key, onNode)) return true;
    if (key === "?") this.explain();
    else if (!this.alive) return false;
    else if (key === "f") this.presenting.present();
    else if (key === "s") this.save();
    else if (key === "m") this.more.open(!this.more.opened);
    else if (key === "t") this.tabulated();
    else if (key === "/" && !this.finder.root.hidden) {
      this.more.open(true);
      this.finder.field.focus();
    } else return false;
    return true;
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
  void bringLetters();
  const router = new Router(given.graphviz, openWorker, reasonAgainst());
  given.signal?.addEventListener("abort", () => router.close());
  return (figure) => figure.equip(new Controls(figure, router));
}

export default { initialize };
