// One picture that plays without a kernel: its frame and its film are next to an image, which it replaces.

import { type Equipment, Figure } from "./figure.ts";
import { companyOf, Reel } from "./film.ts";
import { Time } from "./player.ts";
import { Focus, Hover } from "./pointing.ts";
import { PSEUDOCODE } from "./pseudocode.ts";
import { html } from "./svg.ts";

/** On a page narrower than this many pixels, letters keep their size, and the picture is scrolled. */
const SMALL = 736;

/** The controls of a picture that no kernel answers for. */
class Alone implements Equipment {
  readonly dragged = Number.NEGATIVE_INFINITY;
  private readonly time: Time;
  private readonly focus: Focus;
  private readonly hover: Hover;
  private readonly figure: Figure;

  constructor(figure: Figure) {
    this.figure = figure;
    this.time = new Time(() => {}, figure.calls.step, false);
    this.focus = new Focus(figure.renderer);
    this.hover = new Hover(figure.renderer, figure.root);
    figure.words.functions.learn(PSEUDOCODE);
    figure.bar.prepend(this.time.root);
    this.time.live(false);
  }

  draw(_seq: number, { scene, when }: Parameters<Equipment["draw"]>[1]): void {
    this.time.draw(scene, when);
    this.focus.settle();
    this.hover.settle();
  }

  key(event: KeyboardEvent): boolean {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || (event.altKey && !"[]".includes(key))) return false;
    const onNode = (target as Element).closest<SVGGElement>(".node")?.dataset.id;
    const pressed = key === " " && (target as Element).closest("button, summary, select") !== null;
    if (pressed) return false;
    const meant = this.focus.move(key) || this.does(key, onNode);
    if (meant) event.preventDefault();
    return meant;
  }

  private does(key: string, onNode: string | undefined): boolean {
    if (key === "[" || key === "]") this.time.by(key === "[" ? -1 : 1);
    else if (key === " ") this.time.toggle();
    else if (key === "Enter" && onNode !== undefined) this.figure.act(onNode);
    else if (key === "Escape") this.figure.escape();
    else return false;
    return true;
  }

  reach(number: number): void {
    this.time.reach(number);
  }

  close(): void {
    this.time.stop();
    this.hover.close();
  }

  // The parts that only a kernel's pictures have.
  arrived(): void {}
  answered(): void {}
  select(): void {}
  live(): void {}
  arrive(): void {}
  seen(): void {}
  meet(): void {}
  present(): void {}
  find(): void {}
  tabulate(): void {}
  takeDot(): void {}
  bringDot(): void {}
  layOut(): void {}
  take(): void {}
  takeNames(): void {}
}

function bytes(text = ""): DataView {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

/** Gives an element its style until `signal` says that it is gone. */
export type Dress = (el: HTMLElement, signal: AbortSignal) => void;

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
    draw: (seq, picture) => (seq > figure.shown ? figure.draw(seq, picture) : figure.show(picture)),
    filmed: (has) => figure.filmed(has),
    send: () => {},
  });
  dress(el, signal);
  figure.measured(twin.clientWidth < SMALL ? twin.clientWidth : 0); // otherwise it shrinks a little, as its image does
  figure.live(false, "");
  figure.equip(new Alone(figure));
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
