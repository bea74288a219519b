// The controls that go through the history of a machine: first, back, a slider, on, now, play; by what, and how fast.

import { button } from "./button.ts";
import type { Send } from "./requests.ts";
import type { Scene, When } from "./scene.ts";
import { html, say } from "./svg.ts";

/** Milliseconds a step stays when playing, at speed 1. */
const PLAY_PAUSE = 900;
const SPEEDS = [0.5, 1, 2, 4];
/** The place of what is after an operation, in place of a number of events. */
const AFTER = -1;

type Unit = "step" | "function" | "operation";
const UNITS: readonly Unit[] = ["step", "function", "operation"];

/** Where a picture stands before anything was drawn. */
const NOWHERE: When = { number: -1, place: AFTER, now: true, kept: false, scale: 1, finds: false, cell: -1 };

export class Time {
  readonly root = html("div", "vmw-time");
  private readonly send: Send;
  private readonly first = button("|‹", "to the first operation", "{");
  private readonly back = button("‹", "back", "[");
  private readonly slider = html("input", "vmw-slider");
  private readonly forward = button("›", "forward", "]");
  private readonly last = button("›|", "to now, and follow", "}");
  private readonly play = button("play", "play the steps", "Space");
  private readonly unit = choice("go by", UNITS, "step");
  private readonly speed = choice(
    "speed",
    SPEEDS.map((speed) => `${speed}×`),
    "1×",
  );
  private readonly where = html("span", "vmw-where");
  private readonly since = html("span", "vmw-since");
  private readonly cell = button("as at this cell", "show the picture as it was when its cell was done", "c");
  private when: When = NOWHERE;
  private places: readonly number[] = [AFTER];
  private functions: readonly number[] = [0];
  private index = 0;
  private latest = 0;
  /** A request is under way; presses and drags that come meanwhile wait, none is lost. */
  private asked = false;
  private presses = 0;
  private dragged: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private playing = false;

  constructor(send: Send) {
    this.send = send;
    this.slider.type = "range";
    this.slider.min = "0";
    this.speed.hidden = true;
    this.root.append(this.first, this.back, this.slider, this.forward, this.last, this.play, this.unit, this.speed);
    this.root.append(this.where, this.since, this.cell);
    this.first.addEventListener("click", () => this.toFirst());
    this.back.addEventListener("click", () => this.by(-1));
    this.forward.addEventListener("click", () => this.by(1));
    this.last.addEventListener("click", () => this.toNow());
    this.play.addEventListener("click", () => this.toggle());
    this.cell.addEventListener("click", () => this.toCell());
    this.unit.addEventListener("change", () => this.show());
    this.slider.addEventListener("input", () => this.drag(Number(this.slider.value)));
    this.root.addEventListener("keydown", (event) => event.stopPropagation()); // arrows move the slider
  }

  /** The picture of a moment is on screen. */
  draw(scene: Scene, when: When): void {
    this.when = when;
    this.index = scene.steps.index;
    this.places = scene.steps.places;
    this.functions = scene.steps.functions;
    this.latest = Math.max(this.latest, when.number);
    this.show();
    this.answered();
  }

  /** The machine has come to operation `number`. */
  reach(number: number): void {
    this.latest = Math.max(number, 0);
    this.show();
  }

  /** The last request changed nothing. */
  answered(): void {
    this.asked = false;
    if (this.dragged !== undefined) {
      const wanted = this.dragged;
      this.dragged = undefined;
      this.go(wanted);
    } else if (this.presses) {
      const presses = this.presses;
      this.presses = 0;
      this.move(presses);
    } else if (this.playing) this.wait();
  }

  /** Asks for the picture so many units on. */
  by(units: number): void {
    this.stop();
    if (this.asked) this.presses += units;
    else this.move(units);
  }

  toFirst(): void {
    this.leave();
    this.ask(0, AFTER);
  }

  toNow(): void {
    this.leave();
    this.ask(-1, AFTER);
  }

  toCell(): void {
    if (this.cell.hidden) return;
    this.leave();
    this.asked = true;
    this.send({ type: "stay" });
  }

  /** Go elsewhere: what was pressed before counts no longer. */
  private leave(): void {
    this.stop();
    this.presses = 0;
    this.dragged = undefined;
  }

  toggle(): void {
    if (this.playing) {
      this.stop();
      return;
    }
    if (this.latest <= 0 && this.places.length < 2) return;
    this.playing = true;
    this.speed.hidden = false;
    say(this.play, "pause");
    if (this.atEnd()) this.ask(this.when.number, this.places[0] ?? AFTER);
    else this.move(1);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.playing = false;
    this.speed.hidden = true;
    say(this.play, "play");
  }

  // ---- where the slider is ---------------------------------------------------------------------

  private get by_(): Unit {
    return this.unit.value as Unit;
  }

  /** The indices of steps that the slider stops at, within the operation that is shown. */
  private get stops(): readonly number[] {
    return this.by_ === "function" ? this.functions : this.places.map((_, index) => index);
  }

  /** How far the slider is, of how much. */
  private get reached(): [number, number] {
    if (this.by_ === "operation") return [this.when.number, this.latest];
    const { stops } = this;
    return [Math.max(stops.filter((stop) => stop <= this.index).length - 1, 0), Math.max(stops.length - 1, 0)];
  }

  private show(): void {
    const [at, most] = this.reached;
    const { now, kept, cell, number } = this.when;
    this.root.hidden = number < 0 || (this.latest === 0 && this.places.length < 2);
    this.slider.max = String(most);
    this.slider.value = String(at);
    this.slider.disabled = most === 0;
    const step = this.places.length > 1 ? ` · step ${this.index} of ${this.places.length - 1}` : "";
    const text = `operation ${number.toLocaleString("en")} of ${this.latest.toLocaleString("en")}${step}`;
    this.slider.setAttribute("aria-label", `moment, by ${this.by_}`);
    this.slider.setAttribute("aria-valuetext", text);
    say(this.where, text);
    this.back.disabled = this.first.disabled = number === 0 && (this.by_ === "operation" || this.index === 0);
    this.forward.disabled = this.atEnd();
    this.last.disabled = now && !kept;
    const since = cell < 0 ? 0 : this.latest - cell;
    this.cell.hidden = since <= 0 || (kept && number === cell && this.atEndOfOperation());
    say(
      this.since,
      since > 0 ? `${since.toLocaleString("en")} operation${since === 1 ? "" : "s"} since this cell` : "",
    );
    this.since.hidden = since <= 0;
    if (this.playing && this.atEnd()) this.stop();
  }

  private atEndOfOperation(): boolean {
    return this.when.place === AFTER;
  }

  private atEnd(): boolean {
    return this.when.number >= this.latest && this.atEndOfOperation();
  }

  // ---- asking ----------------------------------------------------------------------------------

  private drag(value: number): void {
    this.stop();
    if (this.asked) this.dragged = value;
    else this.go(value);
  }

  private go(value: number): void {
    if (this.by_ === "operation") this.ask(value, AFTER);
    else this.ask(this.when.number, this.places[this.stops[value] ?? 0] ?? AFTER);
  }

  /** So many units from where the picture is; what lies beyond the operation waits for the next one's picture. */
  private move(units: number): void {
    const { number } = this.when;
    if (this.by_ === "operation") {
      const wanted = Math.min(Math.max(number + units, 0), this.latest);
      if (wanted !== number || !this.atEndOfOperation()) this.ask(wanted, AFTER);
      return;
    }
    const { stops } = this;
    const [at] = this.reached;
    const wanted = at + units;
    if (wanted < 0) {
      if (number === 0) this.ask(0, this.places[0] ?? AFTER);
      else this.beyond(number - 1, AFTER, wanted + 1);
    } else if (wanted >= Math.max(stops.length, 1)) {
      if (!this.atEndOfOperation()) this.ask(number, AFTER);
      else if (number < this.latest) this.beyond(number + 1, 0, wanted - Math.max(stops.length, 1));
      else this.stop();
    } else this.ask(number, this.places[stops[wanted] ?? 0] ?? AFTER);
  }

  private beyond(number: number, place: number, left: number): void {
    this.presses += left;
    this.ask(number, place);
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.move(1), PLAY_PAUSE / Number.parseFloat(this.speed.value));
  }

  /** Operation -1 is now. */
  private ask(operation: number, place: number): void {
    this.asked = true;
    this.send({ type: "seek", operation, place });
  }
}

function choice(label: string, values: readonly string[], chosen: string): HTMLSelectElement {
  const element = html("select", "vmw-choice");
  element.title = label;
  element.setAttribute("aria-label", label);
  for (const value of values) {
    const option = html("option", "", value);
    option.value = value;
    element.append(option);
  }
  element.value = chosen;
  return element;
}
