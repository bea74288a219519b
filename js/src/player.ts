// The player: one way to go through moments, whatever their source, with its row of controls; it knows no picture.

import type { Pointed } from "./presenting.ts";
import { BRACKETS } from "./screen.ts";
import { arrange, button, drop, html, put, say } from "./svg.ts";
import { Operations, Timeline } from "./timeline.ts";
import type { Scene, Send, When } from "./wire.ts";

/** Milliseconds for which a step stays when playing, at speed 1. */
const PLAY_PAUSE = 900;
const SPEEDS = [0.5, 1, 2, 4];

/**
 * "still": the shown picture is the requested one. "asking": a picture is under way; presses and the newest drag wait
 * for it, and none is lost.  `plays`: playing has requested it. "playing": a step is shown for a while, then comes the
 * next one.
 */
type State =
  | { readonly name: "still" }
  | { readonly name: "asking"; plays: boolean; presses: number; dragged: number | undefined; behind: boolean }
  | { readonly name: "playing"; readonly timer: ReturnType<typeof setTimeout> };

/** The source of the moments: a kernel with a film in the page, a film alone, or the story of a handout. */
export interface Source<Spot> {
  /** Goes this many units further, since a reader has pressed a button; plays, or pauses. */
  by(units: number): void;
  toggle(): void;
  /** Shows a spot that is in the page.  Returns false if it is not: nothing has changed then. */
  show(to: Spot): boolean;
  /** Requests a spot: its picture comes later, or the message that nothing has changed. */
  request?(to: Spot): void;
  /** Returns the spot this many units from the picture on the screen, and the units left beyond it; null at an end. */
  along(units: number): { to: Spot; left: number } | null;
  /** Returns the spot for a place of the slider. */
  meant(value: number): Spot;
  /** Shows where a spot is, before its picture comes. */
  foresee?(to: Spot): void;
}

const STILL: State = { name: "still" };
const ASKING = { name: "asking", plays: false, presses: 0, dragged: undefined, behind: false } as const;

/** Goes through the moments of a source: back, a slider on a strip, forward, play and its speed, and the current place. */
export class Player<Spot> {
  readonly root = html("div", "vmw-time");
  readonly track = html("div", "vmw-track");
  readonly slider = html("input", "vmw-slider");
  readonly back: HTMLButtonElement;
  readonly forward: HTMLButtonElement;
  readonly press: HTMLButtonElement;
  readonly speed = choice(
    "speed",
    SPEEDS.map((speed) => `${speed}×`),
    "1×",
  );
  readonly where = html("span", "vmw-where");
  state: State = STILL;
  /** The time when the slider was last moved. */
  moved = Number.NEGATIVE_INFINITY;
  private readonly source: Source<Spot>;
  private asked: Spot | undefined;

  /** `words` are the names of back and forward; `key` is the key that plays. */
  constructor(source: Source<Spot>, [back, forward] = ["back", "forward"], key = "Space") {
    this.source = source;
    this.back = button("‹", back ?? "", "[");
    this.forward = button("›", forward ?? "", "]");
    this.press = button("play", "play the steps", key);
    this.slider.type = "range";
    this.slider.min = "0";
    this.speed.hidden = true;
    this.track.append(this.slider);
    this.root.append(this.back, this.track, this.forward, this.press, this.speed);
    this.back.addEventListener("click", () => source.by(-1));
    this.forward.addEventListener("click", () => source.by(1));
    this.press.addEventListener("click", () => source.toggle());
    this.slider.addEventListener("input", () => this.drag(Number(this.slider.value)));
  }

  /** The slider's position, and its maximum. */
  stand(at: number, most: number): void {
    this.slider.max = String(most);
    this.slider.value = String(at);
    this.slider.disabled = most === 0;
  }

  /** Shows the current place. */
  say(text: string): void {
    this.slider.setAttribute("aria-valuetext", text);
    say(this.where, text);
  }

  get plays(): boolean {
    return this.state.name === "playing" || (this.state.name === "asking" && this.state.plays);
  }

  /** Whether the shown picture is not the one that was requested last. */
  get waits(): boolean {
    return this.state.name === "asking";
  }

  /** Goes this many units further. */
  by(units: number): void {
    this.stop();
    if (this.state.name === "asking") this.state.presses += units;
    else this.move(units);
  }

  /** Handles a move of the slider.  A spot in the page is drawn even if another picture is under way. */
  drag(value: number): void {
    this.moved = performance.now();
    this.stop();
    const to = this.source.meant(value);
    const { state } = this;
    if (state.name !== "asking") {
      this.ask(to);
      return;
    }
    this.state = STILL;
    if (this.source.show(to)) return;
    this.state = state;
    state.dragged = value;
    this.source.foresee?.(to);
  }

  /** Goes elsewhere: earlier presses no longer count. */
  leave(): void {
    this.stop();
    if (this.state.name === "asking") Object.assign(this.state, { presses: 0, dragged: undefined, behind: false });
  }

  /** Goes to a spot. */
  ask(to: Spot): void {
    const before = this.state;
    const asking = { ...ASKING, plays: this.plays, presses: before.name === "asking" ? before.presses : 0 };
    if (before.name === "playing") clearTimeout(before.timer);
    this.state = asking;
    this.asked = to;
    if (!this.source.show(to)) {
      this.source.foresee?.(to);
      this.source.request?.(to);
    } else if (this.state === asking) this.answered(); // otherwise its drawing was the answer
  }

  /** Notes that a request other than for a spot is under way. */
  wait(): void {
    if (this.state.name !== "asking") this.state = { ...ASKING };
  }

  /**
   * Notes that a picture has come, and is not drawn yet.  If the slider has moved on meanwhile, the next picture is
   * requested now.
   */
  arrived(): void {
    if (this.state.name !== "asking") return;
    this.state.behind = false;
    if (this.state.dragged === undefined) return;
    this.ask(this.source.meant(this.state.dragged));
    if (this.state.name === "asking") this.state.behind = true;
  }

  /** Whether the next picture answers a request before the last. */
  get behind(): boolean {
    return this.state.name === "asking" && this.state.behind;
  }

  /** Shows again where the last request leads. */
  foresee(): void {
    if (this.state.name !== "asking") return;
    const { dragged } = this.state;
    const to = dragged === undefined ? this.asked : this.source.meant(dragged);
    if (to !== undefined) this.source.foresee?.(to);
  }

  /** Notes that the last request was answered: by its picture, or because it changed nothing. */
  answered(): void {
    if (this.state.name !== "asking") {
      if (this.state.name === "playing") this.last();
      return;
    }
    const { dragged, presses, plays } = this.state;
    this.state = STILL;
    if (dragged !== undefined) this.ask(this.source.meant(dragged));
    else if (presses) this.move(presses);
    else if (plays) this.last();
  }

  /** Plays from here on. */
  play(from?: Spot): void {
    this.played(true);
    this.state = { ...ASKING, plays: true };
    if (from === undefined) this.move(1);
    else this.ask(from);
  }

  stop(): void {
    if (this.state.name === "playing") {
      clearTimeout(this.state.timer);
      this.state = STILL;
    } else if (this.state.name === "asking") this.state.plays = false;
    this.played(false);
  }

  private played(plays: boolean): void {
    this.speed.hidden = !plays;
    say(this.press, plays ? "pause" : "play");
  }

  /** Keeps the step on the screen for its time. */
  private last(): void {
    if (this.state.name === "playing") clearTimeout(this.state.timer);
    const pause = PLAY_PAUSE / Number.parseFloat(this.speed.value);
    this.state = { name: "playing", timer: setTimeout(() => this.move(1), pause) };
  }

  private move(units: number): void {
    const next = this.source.along(units);
    if (!next) {
      this.stop();
      if (this.state.name === "asking") this.state = STILL;
      return;
    }
    if (next.left) this.wait();
    if (this.state.name === "asking") this.state.presses = next.left;
    this.ask(next.to);
  }
}

function choice(label: string, values: readonly string[], chosen: string, targets: readonly string[] = []) {
  const element = html("select", "vmw-choice");
  element.title = label;
  element.setAttribute("aria-label", label);
  const option = (value: string): HTMLOptionElement => Object.assign(html("option", "", value), { value });
  element.append(...values.map(option));
  if (targets.length) {
    const group = Object.assign(html("optgroup"), { label: "next" });
    group.append(...targets.map(option));
    element.append(group);
  }
  element.value = chosen;
  return element;
}

// ---- time
// The moments of a machine: a kernel's, as far as the page has no film of them.  Units of steps, first and now.

/** The place after an operation, instead of a number of events. */
const AFTER = -1;

type Unit = "step" | "every step" | "function" | "operation";
const UNITS: readonly Unit[] = ["step", "every step", "function", "operation"];

/** The possible targets of a jump: marks, and the kinds of events in vmwidgets/engine/base/breaks.py. */
const TARGETS: readonly string[] = [
  "mark",
  "rotation",
  "clip",
  "merge",
  "refill",
  "fault",
  "copy",
  "page-out",
  "flush",
  "sleep",
  "wake",
  "panic",
];

/** The state of a picture before anything was drawn. */
export const NOWHERE: When = {
  number: -1,
  place: AFTER,
  now: true,
  kept: false,
  scale: 1,
  finds: false,
  cell: -1,
  operations: [],
};

/** With more steps than these, playing goes from kernel function to kernel function, unless a unit was chosen. */
const MANY_STEPS = 12;

/** Goes to a step of an operation that the page has; returns false if the kernel has to be asked. */
type Step = (operation: number, place: number) => boolean;

/** An operation, and the number of events that are done there; operation -1 is now. */
type Spot = readonly [operation: number, place: number];

export class Time implements Source<Spot> {
  readonly player = new Player<Spot>(this);
  readonly root = this.player.root;
  /** The buttons for moves further than a step: they are for a place of their own. */
  readonly moves: readonly HTMLElement[];
  /** The known facts about all operations; without a kernel, there is no strip of them. */
  readonly operations: Operations | null;
  private readonly strip: Timeline | null;
  private readonly send: Send;
  private readonly step: Step;
  private readonly first = button("|‹ beginning", "to the beginning of this operation", "{");
  private readonly last = button("›| now", "to now, and follow", "}");
  private readonly unit: HTMLSelectElement;
  private readonly operation = choice("operation", [], "");
  private readonly maker = button("go", "show the operation that makes it");
  private readonly since = html("span", "vmw-since");
  private readonly cell = button("as at this cell", "show the picture as it was when its cell ended", "c");
  private when: When = NOWHERE;
  private steps: Scene["steps"] = { index: 0, count: 0, operation: -1, places: [AFTER], functions: [0] };
  private latest = 0;
  /**
   * Whether presses go from step to step: an operation without steps is passed, and meanwhile the slider goes by steps.
   */
  private passing = false;
  /** Whether no kernel answers, so that the controls go through the steps of the page. */
  private alone = false;
  /** Whether a reader has chosen the unit. */
  private chosen = false;

  /** `step` goes to a step without the kernel, if that is possible; `hasKernel`: there is, or was, a kernel. */
  constructor(send: Send, step: Step = () => false, hasKernel = true) {
    this.send = send;
    this.step = step;
    this.unit = choice("go by", UNITS, "step", hasKernel ? TARGETS : []);
    this.operation.classList.add("vmw-operation");
    for (const one of [this.operation, this.maker, this.last, this.cell, this.since]) one.classList.add("vmw-asks"); // they are useless without a kernel
    this.maker.hidden = true;
    this.root.append(this.player.where, this.maker, this.since);
    const { press, speed } = this.player;
    if (hasKernel) for (const one of [press, speed]) one.remove(); // there is a place for them
    this.moves = [press, this.unit, speed, this.first, this.last, this.cell, this.operation];
    this.operations = hasKernel ? new Operations(send, () => this.renamed()) : null;
    this.strip = hasKernel
      ? new Timeline({
          go: (number) => this.toOperation(number),
          name: (number) => this.operations?.name(number),
        })
      : null;
    if (this.strip) {
      this.player.track.append(this.strip.root);
      this.root.append(this.strip.tip);
      for (const near of ["pointerenter", "focusin"])
        this.root.addEventListener(near, () => this.operations?.fetch(this.when.number));
    }
    this.first.addEventListener("click", () => this.toFirst());
    this.last.addEventListener("click", () => this.toNow());
    this.cell.addEventListener("click", () => this.toCell());
    this.unit.addEventListener("change", () => {
      this.chosen = true;
      this.passing = false;
      this.settle();
    });
    this.operation.addEventListener("change", () => this.toOperation(Number(this.operation.value)));
    this.maker.addEventListener("click", () => this.toOperation(this.when.made ?? 0));
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" && !BRACKETS.has(event.key)) event.stopPropagation(); // arrows belong to the slider
    });
  }

  /** Notes that the picture of a moment is on screen. */
  draw(scene: Scene, when: When): void {
    this.when = when;
    this.steps = scene.steps;
    this.latest = Math.max(this.latest, when.number);
    this.operations?.learn(when.operations);
    if (this.player.behind) {
      this.settle(); // how far it goes, and in which unit
      this.player.foresee();
      return;
    }
    this.come();
    this.settle();
    this.player.answered();
  }

  /** Notes that a picture has come, and will be drawn soon. */
  arrived(): void {
    this.player.arrived();
  }

  /** Notes that the machine has reached operation `number`. */
  reach(number: number): void {
    if (number === this.latest && this.when !== NOWHERE) return; // its picture has reported it
    this.passing = false;
    this.latest = Math.max(number, 0);
    this.settle();
  }

  /** Notes whether a kernel answers. */
  live(alive: boolean): void {
    this.stop();
    this.leave();
    this.player.answered(); // requested data will not come
    this.alone = !alive;
    if (alive) this.operations?.again();
    this.settle();
  }

  /** For a lecturer's own screen: the moment with this sentence, its marks, and the next operation. */
  noted(sentence: string): Pointed {
    const { number } = this.when;
    const marks = this.operations?.past.marks.filter(([at]) => at === number).map(([, name]) => name) ?? [];
    const next = number < this.latest ? this.operations?.name(number + 1) : "";
    return {
      where: `${this.player.where.textContent}: ${sentence}`,
      marks,
      next: next ?? `operation ${(number + 1).toLocaleString("en")}`,
    };
  }

  /** Notes that the last request changed nothing: the picture stays where it was. */
  answered(): void {
    this.come();
    if (this.player.waits) this.settle();
    this.player.answered();
  }

  /** Requests the picture this many units further. */
  by(units: number): void {
    this.stop();
    if (this.jumps && !this.alone) {
      this.send({ type: "jump", to: this.unit.value, way: Math.sign(units) });
      return;
    }
    this.passing ||= this.by_ !== "operation";
    this.player.by(units);
  }

  /**
   * Goes to the beginning of the operation, and from there to the beginning of the previous one; by operation, to the
   * first.
   */
  toFirst(): void {
    this.leave();
    const { number } = this.when;
    if (this.unit.value === "operation") this.player.ask([0, AFTER]);
    else if (this.atBeginning()) this.player.ask([Math.max(number - 1, 0), 0]);
    else this.player.ask([number, this.beginning]);
  }

  private toOperation(number: number): void {
    this.leave();
    this.player.ask([number, AFTER]);
  }

  toNow(): void {
    this.leave();
    this.player.ask([-1, AFTER]);
  }

  toCell(): void {
    if (this.cell.hidden || this.alone) return;
    this.leave();
    this.player.wait();
    this.send({ type: "seek", operation: -1, place: AFTER, latest: -1, stays: true });
  }

  /** Goes elsewhere: earlier presses no longer count. */
  private leave(): void {
    this.player.leave();
    this.passing = false;
  }

  toggle(): void {
    if (this.player.plays) {
      this.stop();
      return;
    }
    if (!this.plays) return;
    if (!this.chosen) this.unit.value = this.places.length - 1 > MANY_STEPS ? "function" : "step";
    const over = this.atEndOfOperation() && (this.by_ !== "operation" || this.atEnd());
    this.player.play(over ? [this.when.number, this.beginning] : undefined);
  }

  /** Whether there is anything to play: steps of this operation, or operations if these were chosen. */
  private get plays(): boolean {
    return this.places.length > 1 || (this.unit.value === "operation" && this.latest > 0);
  }

  /** The number of events that are done before the first step. */
  private get beginning(): number {
    return this.places.length > 1 ? (this.places[0] ?? 0) : 0;
  }

  private atBeginning(): boolean {
    return this.places.length > 1 ? this.steps.index === 0 : this.when.place !== AFTER;
  }

  stop(): void {
    this.player.stop();
  }

  // ---- the slider's place ----------------------------------------------------------------------

  private get places(): readonly number[] {
    return this.steps.places;
  }

  /** The places if runs that count as one step are unfolded; none if nothing is folded. */
  private get every(): readonly number[] {
    return this.steps.every ?? [];
  }

  /** Whether a press goes to the next event of a kind. */
  private get jumps(): boolean {
    return TARGETS.includes(this.unit.value);
  }

  /** By operation if the picture has no step in the shown operation, so that the slider moves. */
  private get by_(): Unit {
    if (this.jumps) return this.places.length < 2 ? "operation" : "step";
    const chosen = this.unit.value as Unit;
    if (this.places.length < 2) return "operation";
    return chosen === "every step" && !this.every.length ? "step" : chosen;
  }

  /**
   * Whether the slider goes through operations: not inside an operation that is passed, in which it is at the beginning
   * or the end.
   */
  private get slides(): boolean {
    return this.by_ === "operation" && !this.passing;
  }

  /** The number of finished events at each place where the slider may stop. */
  private get spots(): readonly number[] {
    return this.by_ === "every step" ? this.every : this.places;
  }

  /** The index of the picture's place among them. */
  private get spot(): number {
    if (this.by_ !== "every step") return this.steps.index;
    const { place } = this.when;
    return place === AFTER
      ? this.every.length - 1
      : this.every.slice(1).filter((one) => one > 0 && one <= place).length;
  }

  /** The indices of the steps at which the slider stops, within the shown operation. */
  private get stops(): readonly number[] {
    return this.by_ === "function" ? this.steps.functions : this.spots.map((_, index) => index);
  }

  /** The slider's position, and its maximum. */
  private get reached(): [number, number] {
    if (this.slides) return [this.when.number, this.latest];
    if (this.places.length < 2) return [this.atEndOfOperation() ? 1 : 0, 1];
    const { stops } = this;
    return [Math.max(stops.filter((stop) => stop <= this.spot).length - 1, 0), Math.max(stops.length - 1, 0)];
  }

  private settle(): void {
    const [at, most] = this.reached;
    const { now, kept, cell, number } = this.when;
    this.root.hidden = number < 0 || (this.latest === 0 && this.places.length < 2);
    this.player.stand(at, most);
    const each = this.unit.querySelector<HTMLOptionElement>('option[value="every step"]');
    if (each) each.hidden = each.disabled = !this.every.length;
    this.player.slider.setAttribute(
      "aria-label",
      `moment, by ${this.by_ === "operation" && this.passing ? "step" : this.by_}`,
    );
    this.be(number, this.places.length > 1 ? this.spot : null);
    this.player.back.disabled = !this.jumps && number === 0 && (this.by_ === "operation" || this.steps.index === 0);
    this.first.disabled = number === 0 && (this.unit.value === "operation" || this.atBeginning());
    this.player.press.disabled = !this.plays;
    this.player.forward.disabled = !this.jumps && (this.alone ? this.atEndOfOperation() : this.atEnd());
    this.last.disabled = now && !kept;
    const since = cell < 0 ? 0 : this.latest - cell;
    this.cell.hidden = since <= 0 || (kept && number === cell && this.atEndOfOperation());
    say(
      this.since,
      since > 0 ? `${since.toLocaleString("en")} operation${since === 1 ? "" : "s"} since this cell` : "",
    );
    this.since.hidden = since <= 0;
    if (this.player.plays && (this.by_ === "operation" ? this.atEnd() : this.atEndOfOperation())) this.stop();
  }

  /** Shows an operation, and which of the slider's steps of it. */
  private be(number: number, spot: number | null): void {
    const steps = this.spots.length - 1;
    const step = spot === null ? "" : ` · step ${spot} of ${steps}`;
    const text = `operation ${number.toLocaleString("en")} of ${this.latest.toLocaleString("en")}${step}`;
    this.player.say(text);
    this.name(number);
    this.strip?.stand(number, spot === null ? 1 : spot / Math.max(steps, 1));
  }

  /** Shows the request immediately: its picture may take a while.  Earlier requests no longer count. */
  foresee([operation, place]: Spot): void {
    const number = operation < 0 ? this.latest : operation;
    const inside = number === this.when.number && this.places.length > 1;
    const spot = place === AFTER ? this.spots.length - 1 : this.spots.indexOf(place);
    put(this.root, "aria-busy", "true");
    this.be(number, inside && spot >= 0 ? spot : null);
    if (this.slides) this.player.slider.value = String(number);
    else if (inside && spot >= 0)
      this.player.slider.value = String(Math.max(this.stops.filter((stop) => stop <= spot).length - 1, 0));
  }

  /** Notes that the requested picture has come. */
  private come(): void {
    drop(this.root, "aria-busy");
  }

  /** Notes that all operations, or their kinds, have changed. */
  private renamed(): void {
    if (this.operations) this.strip?.draw(this.operations.past);
    this.strip?.named();
    if (!this.player.waits) this.settle();
  }

  /**
   * Updates the list of operations, with the shown one chosen; and the button that leads to the operation that creates
   * a thing.
   */
  private name(number: number): void {
    const { operations = [], made = -1 } = this.when;
    const names = new Map(operations);
    if (number >= 0 && !names.has(number))
      names.set(number, this.operations?.name(number) ?? `${number.toLocaleString("en")} · …`); // a drag passes it
    const shown = new Map([...this.operation.options].map((option) => [option.value, option]));
    const options = [...names]
      .sort(([a], [b]) => a - b)
      .map(([one, name]) => {
        const option = shown.get(String(one)) ?? Object.assign(html("option"), { value: String(one) });
        say(option, name);
        return option;
      });
    arrange(this.operation, options); // an open list stays open as long as its contents stay the same
    this.operation.value = String(number);
    this.operation.title = this.operation.selectedOptions[0]?.textContent ?? "operation";
    this.operation.hidden = operations.length < 2;
    this.maker.hidden = made < 0;
    say(this.maker, `go to operation ${made.toLocaleString("en")}`);
    this.maker.setAttribute("aria-label", this.maker.textContent ?? "");
  }

  private atEndOfOperation(): boolean {
    return this.when.place === AFTER;
  }

  private atEnd(): boolean {
    return this.when.number >= this.latest && this.atEndOfOperation();
  }

  // ---- requests --------------------------------------------------------------------------------

  /** The operation and the place at which the slider points. */
  meant(value: number): Spot {
    if (this.slides) return [value, AFTER];
    if (this.places.length < 2) return [this.when.number, value ? AFTER : 0];
    return [this.when.number, this.spots[this.stops[value] ?? 0] ?? AFTER];
  }

  /** Moves by this many units from the picture's place; units beyond the operation wait for the next one's picture. */
  along(units: number): { to: Spot; left: number } | null {
    const { number } = this.when;
    const to = (operation: number, place: number, left = 0) => ({ to: [operation, place] as const, left });
    if (this.by_ === "operation") {
      if (this.alone) return null;
      // the only step of a picture that does not change here
      if (this.unit.value !== "operation" && units > 0 && !this.atEndOfOperation()) return to(number, AFTER, units - 1);
      const wanted = Math.min(Math.max(number + units, 0), this.latest);
      return wanted !== number || !this.atEndOfOperation() ? to(wanted, AFTER) : null;
    }
    const { stops } = this;
    const most = Math.max(stops.length, 1);
    const wanted = this.reached[0] + units;
    if (this.alone && (wanted < 0 || wanted >= most)) return null;
    if (wanted < 0) return number === 0 ? to(0, this.places[0] ?? AFTER) : to(number - 1, AFTER, wanted + 1);
    if (wanted < most) return to(number, this.spots[stops[wanted] ?? 0] ?? AFTER);
    if (!this.atEndOfOperation()) return to(number, AFTER);
    return number < this.latest ? to(number + 1, 0, wanted - most) : null;
  }

  show(to: Spot): boolean {
    return this.step(...to);
  }

  request([operation, place]: Spot): void {
    if (this.alone) {
      this.leave();
      this.answered();
    } else this.send({ type: "seek", operation, place, latest: -1, stays: false });
  }
}
