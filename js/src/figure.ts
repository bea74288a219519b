// One view on the page: the drawing and the words around it.  Everything that a reader presses comes with the controls,
// after the first picture (controls.ts).

import { leave } from "./host.ts";
import { bringIntoSight, choose, onPress } from "./pointing.ts";
import { Renderer } from "./renderer.ts";
import { Ground, Steady } from "./room.ts";
import { drop, html, keepFocus, put, say } from "./svg.ts";
import { type Picture, type Reply, type Send, SUPPORTED_VERSION, type When } from "./wire.ts";
import { once, speaker, Words } from "./words.ts";

/** Pixels that words need, however narrow the drawing is. */
const NARROWEST = 640;

export interface FigureCalls {
  send: Send;
  /** Called when a thing was chosen; "" clears the choice. */
  select: (thing: string) => void;
  /** Goes to a step in the page's film, and draws it; returns false if the kernel has to be asked. */
  step?: (operation: number, place: number) => boolean;
}

export class Figure {
  readonly root = html("div", "vmwidgets vmw-coming");
  readonly renderer = new Renderer();
  readonly words = new Words();
  /** The parts that stay in sight while a tall picture is scrolled: the words, and the controls above them. */
  readonly bar = html("div", "vmw-bar");
  readonly status = html("p", "vmw-status");
  readonly calls: FigureCalls;
  private readonly ground = new Ground(this.renderer.root);
  /** Pixels that pictures have on the page; 0: unknown. */
  private room = 0;
  private readonly steady = new Steady(this.words.caption, this.renderer.root);
  controls: Equipment | null = null;
  /** The messages for the controls once they are here: the newest of each kind. */
  private readonly waiting = new Map<string, (controls: Equipment) => void>();
  private picture: Picture | null = null;
  private seq = -1;
  private when: When | null = null;
  private latest = 0;
  /** Sentences about the last request, about a kernel that is gone, and about missing controls. */
  private said = "";
  private alone = "";
  private lacking = "";

  constructor(calls: FigureCalls) {
    this.calls = calls;
    speaker.join();
    this.root.tabIndex = -1; // a click on its words moves the focus into the picture too
    const { header, caption, foot, functions, notes } = this.words;
    this.tell("");
    this.bar.append(caption);
    this.root.append(header, this.bar, this.status, this.renderer.root, foot, functions.panel, notes);
    this.root.addEventListener("keydown", (event) => this.key(event));
    onPress(this.renderer, (id) => this.act(id));
  }

  /** Does what a press on a node means and needs no controls. */
  act(id = ""): void {
    choose(this.renderer, id, this.calls.select);
    if (this.renderer.node(id)?.action === "open") this.calls.send({ type: "open", id });
  }

  /**
   * Handles a key that was pressed here.  The notebook has its own meaning for most keys: two letters without a meaning
   * here would delete the cell.  So no letter goes further, with or without controls.
   */
  key(event: KeyboardEvent): void {
    const { key } = event;
    const plain = !(event.ctrlKey || event.altKey || event.metaKey);
    let meant = false;
    if (this.controls) meant = this.controls.key(event);
    else if (plain && key === "Escape") {
      this.escape();
      event.preventDefault();
      meant = true;
    }
    if (meant || (plain && key.length === 1)) event.stopPropagation();
  }

  /** Clears the selection; if there is none, the notebook gets the focus. */
  escape(): void {
    if (this.renderer.selected) this.calls.select("");
    else leave(this.root);
  }

  /** Notes that the controls are here: from now on they are around the picture, and know what has happened. */
  equip(controls: Equipment): void {
    this.controls = controls;
    this.root.classList.remove("vmw-coming", "vmw-moves");
    this.lack("");
    if (this.picture) controls.draw(this.seq, this.picture);
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const tell of waiting) {
      try {
        tell(controls);
      } catch (error) {
        this.tell(`A control of this picture has failed. (${error})`); // the others receive what they wait for
      }
    }
  }

  /**
   * Makes the controls do something: now, or once they are here, unless there is a newer message of its `kind` by then.
   */
  with(kind: string, tell: (controls: Equipment) => void): void {
    if (this.controls) {
      tell(this.controls);
      return;
    }
    this.waiting.delete(kind); // after the messages that have come meanwhile
    this.waiting.set(kind, tell);
  }

  /** Draws picture `seq`, or another step of its film, unless a newer one is on screen. */
  draw(seq: number, picture: Picture): void {
    if (seq < this.seq) return;
    this.seq = seq;
    this.tell(""); // this picture answers the sentence about the last request
    if (picture.scene.version !== SUPPORTED_VERSION) {
      this.tell("This picture was made by another version of vmwidgets: run the cell again.");
      return;
    }
    keepFocus(this.root, () => this.show(seq, picture), this.root); // its keys go on
  }

  private show(seq: number, picture: Picture): void {
    const { scene, when } = picture;
    this.root.style.maxWidth = `${Math.max(scene.width, NARROWEST) * when.scale}px`;
    this.root.style.setProperty("--vmw-scale", String(when.scale));
    this.steady.keep(when.number, when.place, scene.height * when.scale);
    const before = this.words.sentence;
    this.words.draw(scene);
    if (this.words.sentence !== before) speaker.say(this.words.sentence);
    once(this.root);
    if (!this.root.isConnected) setTimeout(() => once(this.root)); // the first one is put on the page after this
    const last = this.renderer.scene;
    this.renderer.draw(scene, when.scale);
    this.lay(scene.width, this.room > 0 && this.room + 1 < scene.width * Math.min(when.scale, 1));
    if (last && this.when?.number === when.number && this.when.place !== when.place)
      bringIntoSight(this.renderer, scene, last);
    this.when = when;
    this.late();
    this.picture = picture;
    if (this.controls) this.controls.draw(seq, picture);
    else this.root.classList.toggle("vmw-moves", when.number > 0 || scene.steps.places.length > 1);
  }

  /** Notes that the page has this many pixels for pictures. */
  measured(room: number): void {
    this.room = room;
  }

  /** A page that is narrower than any laid-out picture scrolls the picture. */
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

  /**
   * Notes that the machine has reached operation `number`; another `stamp` means that operations, groups or marks have
   * changed.
   */
  reach(number: number, stamp: number): void {
    this.with("reach", (controls) => controls.reach(number, stamp));
    this.latest = number;
    this.late();
  }

  private late(): void {
    if (this.when) this.words.at(this.when, this.latest);
  }

  select(thing: string): void {
    this.renderer.select(thing);
    this.with("select", (controls) => controls.select?.(thing));
  }

  /** The machine, the cell, and their present state. */
  place(words: readonly string[]): void {
    this.words.place(words);
  }

  /**
   * Notes whether a kernel answers, with a sentence about it.  Without a kernel, the picture can still be read, with
   * the controls that it has, or without any.
   */
  live(alive: boolean, sentence: string): void {
    this.alone = sentence;
    this.tell("");
    speaker.say(sentence, true);
    this.with("live", (controls) => keepFocus(this.root, () => controls.live(alive), this.root));
    this.root.classList.toggle("vmw-alone", !alive);
    if (alive) drop(this.renderer.root, "aria-disabled");
    else put(this.renderer.root, "aria-disabled", "true");
  }

  /** Whether the page has the steps of the shown operation, so that they need no kernel. */
  filmed(has: boolean): void {
    this.root.classList.toggle("vmw-filmed", has);
  }

  /** Says why there are no controls; "" if there are, or soon will be.  `final`: nobody sends them any more. */
  lack(sentence: string, final = false): void {
    this.lacking = sentence;
    if (final) this.root.classList.remove("vmw-coming", "vmw-moves");
    if (!this.alone) speaker.say(sentence); // a kernel that is gone is the reason for both
    this.say();
  }

  /** Shows a sentence about the last request, which the next picture answers; "" removes it. */
  tell(sentence: string): void {
    this.said = sentence;
    speaker.say(sentence, true);
    this.say();
  }

  /** A sentence about the view itself stays longer than a sentence about a request. */
  private say(): void {
    const sentence = this.said || this.alone || this.lacking;
    say(this.status, sentence);
    this.status.hidden = !sentence;
  }

  close(): void {
    speaker.leave();
    this.controls?.close();
    this.waiting.clear();
    this.renderer.close();
    this.root.remove();
  }
}

/** The controls around a picture, which come later.  Those of a picture without a kernel lack what only a kernel answers. */
export interface Equipment {
  /** The time when the slider was last moved, in the page's milliseconds. */
  readonly dragged: number;
  /** Picture `seq` is on screen. */
  draw(seq: number, picture: Picture): void;
  /** Does what a key means; returns true if the key has a meaning here. */
  key(event: KeyboardEvent): boolean;
  close(): void;
  /**
   * The machine has reached operation `number`; another `stamp` means that operations, groups or marks have changed.
   */
  reach(number: number, stamp: number): void;
  /** Whether a kernel answers. */
  live(alive: boolean): void;
  /** The kernel's reply to a request, with its data as text. */
  hear?(reply: Reply, data?: string): void;
  /** A picture has come, and will be drawn soon. */
  arrived(): void;
  /** The last request was answered, and changed nothing. */
  answered(): void;
  select?(thing: string): void;
  /** The picture is on its page, made by a cell of this label. */
  arrive?(id: string, origin: string): void;
  /** The text of picture `seq` for Graphviz, which comes with it: Graphviz draws it from now on. */
  lay?(seq: number, place: number, dot: string): void;
  /** The things that all pictures of the machine share. */
  meet?(machine: string): void;
}
