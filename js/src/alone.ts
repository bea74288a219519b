// What needs no kernel: a reader's keys and pointer, and a picture that plays by itself: its frame and its film are next
// to an image, which it replaces.

import { type Equipment, Figure } from "./figure.ts";
import { companyOf, Reel } from "./film.ts";
import { Time } from "./player.ts";
import { Focus, Hover } from "./pointing.ts";
import { PSEUDOCODE } from "./pseudocode.ts";
import { BRACKETS } from "./screen.ts";
import { html } from "./svg.ts";
import type { Picture } from "./wire.ts";

/** On a page narrower than this many pixels, letters keep their size, and the picture is scrolled. */
const SMALL = 736;

/** A reader's controls that need no kernel: the row of moments, with the steps in the page; the pointer and the keys. */
export class Reading implements Equipment {
  protected readonly figure: Figure;
  protected readonly time: Time;
  protected readonly focus: Focus;
  protected readonly hover: Hover;
  /** Whether a kernel answers. */
  protected alive = false;
  /** Whether a pointer, and not a key, has moved the focus to its place. */
  private pointed = false;

  constructor(figure: Figure, time = new Time(() => {}, figure.calls.step, false)) {
    const { renderer, root, words, bar } = figure;
    this.figure = figure;
    this.time = time;
    this.focus = new Focus(renderer);
    this.hover = new Hover(renderer, root);
    words.functions.learn(PSEUDOCODE);
    bar.prepend(time.root); // the buttons stay in place when the words get longer
    root.addEventListener("focusin", (event) => {
      this.pointed = !(event.target as Element).matches(":focus-visible");
    });
    root.addEventListener("keyup", (event) => {
      if (event.key === " " && !this.pressed(event)) event.preventDefault(); // some browsers press a button only now
    });
    time.root.addEventListener("keydown", (event) => event.key === " " && figure.key(event), { capture: true });
  }

  draw(_seq: number, { scene, when }: Picture): void {
    this.time.draw(scene, when);
    this.focus.settle();
    this.hover.settle();
  }

  reach(number: number, _stamp: number): void {
    this.time.reach(number);
  }

  live(alive: boolean): void {
    this.alive = alive;
    this.time.live(alive);
  }

  arrived(): void {
    this.time.arrived();
  }

  answered(): void {
    this.time.answered();
  }

  get dragged(): number {
    return this.time.player.moved;
  }

  close(): void {
    this.time.stop();
    this.hover.close();
  }

  key(event: KeyboardEvent): boolean {
    const made = BRACKETS.has(event.key) && event.altKey; // AltGr is Ctrl and Alt in Windows; Option is Alt
    if (!made && (event.ctrlKey || event.altKey)) return false;
    if (event.metaKey) return false;
    if (this.pressed(event)) return true; // the browser presses it, and the notebook has its own meaning for Enter
    const meant = this.does(event, (event.target as Element).closest<SVGGElement>(".node")?.dataset.id);
    if (meant) event.preventDefault();
    return meant;
  }

  /** Whether the browser presses the element with the focus: with Space only if a key has moved the focus there. */
  private pressed({ key, target }: KeyboardEvent): boolean {
    const controls = key === "Enter" ? "button, summary" : "button, summary, select";
    if (key !== "Enter" && (key !== " " || (this.pointed && this.alive))) return false;
    return (target as Element).closest(controls) !== null;
  }

  protected does({ key }: KeyboardEvent, onNode: string | undefined): boolean {
    return this.press(key, onNode);
  }

  /** Does what a key means; returns true if the key has a meaning here. */
  protected press(key: string, onNode: string | undefined): boolean {
    const { time, figure } = this;
    if (this.focus.move(key)) return true;
    if (key === "[" || key === "]") time.by(key === "[" ? -1 : 1);
    else if (key === "{") time.toFirst();
    else if (key === "}") time.toNow();
    else if (key === " ") time.toggle();
    else if (key === "c") time.toCell();
    else if (key === "Enter" && onNode !== undefined) figure.act(onNode);
    else if (key === "Escape") figure.escape();
    else return false;
    return true;
  }
}

function bytes(text = ""): DataView {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

/** Gives an element its style until `signal` says that it is gone. */
type Dress = (el: HTMLElement, signal: AbortSignal) => void;

/** Replaces an image by the player, until `signal` says that it ends. */
export function play(twin: HTMLElement, film: HTMLElement, signal: AbortSignal, dress: Dress = () => {}): void {
  const { frame, steps, machine = "", selected = "" } = film.dataset;
  const el = html("div", "vmw-saved");
  const figure: Figure = new Figure({
    send: () => {},
    select: (thing) => figure.select(thing),
    step: (operation, place) => reel.go(operation, place),
  });
  const reel: Reel = new Reel({
    draw: (seq, picture) => figure.draw(seq, picture),
    filmed: (has) => figure.filmed(has),
    send: () => {},
  });
  dress(el, signal);
  figure.measured(twin.clientWidth < SMALL ? twin.clientWidth : 0); // otherwise it shrinks a little, as its image does
  figure.live(false, "");
  figure.equip(new Reading(figure));
  reel.take({ frame: { seq: 1, data: bytes(frame) }, film: { seq: 1, data: bytes(steps) } });
  const company = companyOf(`saved ${machine}`);
  const number = figure.renderer.scene?.steps.operation ?? 0;
  company.latest = Math.max(company.latest, number);
  reel.join(company);
  figure.reach(number, 0);
  if (selected) figure.select(selected);
  el.append(figure.root);
  twin.prepend(el);
  twin.classList.add("vmw-plays");
  signal.addEventListener("abort", () => {
    reel.leave();
    figure.close();
    el.remove();
    twin.classList.remove("vmw-plays");
  });
}
