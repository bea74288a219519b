// The controls that go through the history of a machine: first, back, a slider, forward, now, play; the unit of the
// steps, and the speed.

import { Bar, choice } from "./bar.ts";
import { button } from "./button.ts";
import { Operations } from "./operations.ts";
import { type Course, Playing } from "./playing.ts";
import type { Pointed } from "./presenting.ts";
import type { Send } from "./requests.ts";
import type { Scene, When } from "./scene.ts";
import { BRACKETS } from "./screen.ts";
import { drop, html, put, say } from "./svg.ts";
import { Timeline } from "./timeline.ts";

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
const NOWHERE: When = {
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

export class Time implements Course<Spot> {
  private readonly bar = new Bar({
    by: (units) => this.by(units),
    drag: (value) => this.drag(value),
    toggle: () => this.toggle(),
  });
  readonly root = this.bar.root;
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
  private readonly around = html("optgroup");
  /** The line for the operation that a drag passes, which is missing in the list around the picture's operation. */
  private readonly passed = html("option");
  private readonly maker = button("go", "show the operation that makes it");
  private readonly since = html("span", "vmw-since");
  private readonly cell = button("as at this cell", "show the picture as it was when its cell ended", "c");
  private when: When = NOWHERE;
  private places: readonly number[] = [AFTER];
  private functions: readonly number[] = [0];
  /** The places if runs that count as one step are unfolded; none if nothing is folded. */
  private every: readonly number[] = [];
  private index = 0;
  private latest = 0;
  private readonly playing = new Playing<Spot>(this);
  /** The time when the slider was last moved. */
  moved = Number.NEGATIVE_INFINITY;
  private listed: When["operations"] = [];
  /**
   * Whether presses go from step to step: an operation without steps is passed, and meanwhile the slider goes by steps.
   */
  private passing = false;
  /** Whether no kernel answers, so that the controls go through the steps of the page. */
  private alone = false;
  /** Whether a reader has chosen the unit. */
  private chosen = false;

  /** `targets` are the possible targets of a jump; `step` goes to a step without the kernel, if that is possible. */
  constructor(send: Send, targets = TARGETS, step: Step = () => false) {
    this.send = send;
    this.step = step;
    this.unit = choice("go by", UNITS, "step", targets);
    this.operation.classList.add("vmw-operation");
    for (const one of [this.operation, this.maker, this.last, this.cell, this.since]) one.classList.add("vmw-asks"); // they are useless without a kernel
    this.around.label = "operations";
    this.operation.append(this.around);
    this.maker.hidden = true;
    this.root.append(this.bar.where, this.maker, this.since);
    const strips = targets.length > 0;
    if (strips) for (const one of [this.bar.play, this.bar.speed]) one.remove(); // there is a place for them
    this.moves = [this.bar.play, this.unit, this.bar.speed, this.first, this.last, this.cell, this.operation];
    this.operations = strips
      ? new Operations(
          send,
          () => this.renamed(),
          () => this.strip?.named(),
        )
      : null;
    this.strip = strips
      ? new Timeline({
          go: (number) => this.toOperation(number),
          name: (number) => this.operations?.name(number),
        })
      : null;
    if (this.strip) {
      this.bar.track.append(this.strip.root);
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
    this.index = scene.steps.index;
    this.places = scene.steps.places;
    this.functions = scene.steps.functions;
    this.every = scene.steps.every ?? [];
    this.latest = Math.max(this.latest, when.number);
    this.operations?.learn(when.operations);
    if (this.playing.behind) {
      this.settle(); // how far it goes, and in which unit
      this.playing.foresee();
      return;
    }
    this.come();
    this.settle();
    this.playing.answered();
  }

  /** Notes that a picture has come, and will be drawn soon. */
  arrived(): void {
    this.playing.arrived();
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
    this.playing.answered(); // requested data will not come
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
      where: `${this.bar.where.textContent}: ${sentence}`,
      marks,
      next: next ?? `operation ${(number + 1).toLocaleString("en")}`,
    };
  }

  /** Notes that the last request changed nothing: the picture stays where it was. */
  answered(): void {
    this.come();
    if (this.playing.waits) this.settle();
    this.playing.answered();
  }

  /** Requests the picture this many units further. */
  by(units: number): void {
    this.stop();
    if (TARGETS.includes(this.unit.value) && !this.alone) {
      this.send({ type: "jump", to: this.unit.value, way: Math.sign(units) });
      return;
    }
    this.passing ||= this.by_ !== "operation";
    this.playing.by(units);
  }

  /**
   * Goes to the beginning of the operation, and from there to the beginning of the previous one; by operation, to the
   * first.
   */
  toFirst(): void {
    this.leave();
    const { number } = this.when;
    if (this.unit.value === "operation") this.playing.ask([0, AFTER]);
    else if (this.atBeginning()) this.playing.ask([Math.max(number - 1, 0), 0]);
    else this.playing.ask([number, this.beginning]);
  }

  private toOperation(number: number): void {
    this.leave();
    this.playing.ask([number, AFTER]);
  }

  toNow(): void {
    this.leave();
    this.playing.ask([-1, AFTER]);
  }

  toCell(): void {
    if (this.cell.hidden) return;
    this.leave();
    this.playing.wait();
    this.send({ type: "stay" });
  }

  /** Goes elsewhere: earlier presses no longer count. */
  private leave(): void {
    this.playing.leave();
    this.passing = false;
  }

  toggle(): void {
    if (this.playing.plays) {
      this.stop();
      return;
    }
    if (!this.plays) return;
    if (!this.chosen) this.unit.value = this.places.length - 1 > MANY_STEPS ? "function" : "step";
    const over = this.atEndOfOperation() && (this.by_ !== "operation" || this.atEnd());
    this.playing.play(over ? [this.when.number, this.beginning] : undefined);
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
    return this.places.length > 1 ? this.index === 0 : this.when.place !== AFTER;
  }

  stop(): void {
    this.playing.stop();
  }

  // ---- the slider's place ----------------------------------------------------------------------

  /** By operation if the picture has no step in the shown operation, so that the slider moves. */
  private get by_(): Unit {
    if (TARGETS.includes(this.unit.value)) return this.places.length < 2 ? "operation" : "step";
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
    if (this.by_ !== "every step") return this.index;
    const { place } = this.when;
    return place === AFTER
      ? this.every.length - 1
      : this.every.slice(1).filter((one) => one > 0 && one <= place).length;
  }

  /** The indices of the steps at which the slider stops, within the shown operation. */
  private get stops(): readonly number[] {
    return this.by_ === "function" ? this.functions : this.spots.map((_, index) => index);
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
    this.bar.stand(at, most);
    const each = this.unit.querySelector<HTMLOptionElement>('option[value="every step"]');
    if (each) each.hidden = each.disabled = !this.every.length;
    this.bar.slider.setAttribute(
      "aria-label",
      `moment, by ${this.by_ === "operation" && this.passing ? "step" : this.by_}`,
    );
    this.be(number, this.places.length > 1 ? this.spot : null);
    const jumps = TARGETS.includes(this.unit.value);
    this.bar.back.disabled = !jumps && number === 0 && (this.by_ === "operation" || this.index === 0);
    this.first.disabled = number === 0 && (this.unit.value === "operation" || this.atBeginning());
    this.bar.play.disabled = !this.plays;
    this.bar.forward.disabled = !jumps && (this.alone ? this.atEndOfOperation() : this.atEnd());
    this.last.disabled = now && !kept;
    const since = cell < 0 ? 0 : this.latest - cell;
    this.cell.hidden = since <= 0 || (kept && number === cell && this.atEndOfOperation());
    say(
      this.since,
      since > 0 ? `${since.toLocaleString("en")} operation${since === 1 ? "" : "s"} since this cell` : "",
    );
    this.since.hidden = since <= 0;
    if (this.playing.plays && (this.by_ === "operation" ? this.atEnd() : this.atEndOfOperation())) this.stop();
  }

  /** Shows an operation, and which of the slider's steps of it. */
  private be(number: number, spot: number | null): void {
    const steps = this.spots.length - 1;
    const step = spot === null ? "" : ` · step ${spot} of ${steps}`;
    const text = `operation ${number.toLocaleString("en")} of ${this.latest.toLocaleString("en")}${step}`;
    this.bar.say(text);
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
    if (this.slides) this.bar.slider.value = String(number);
    else if (inside && spot >= 0)
      this.bar.slider.value = String(Math.max(this.stops.filter((stop) => stop <= spot).length - 1, 0));
  }

  /** Notes that the requested picture has come. */
  private come(): void {
    drop(this.root, "aria-busy");
  }

  /** Notes that all operations, or their kinds, have changed. */
  private renamed(): void {
    if (this.operations) this.strip?.draw(this.operations.past);
    this.listed = [];
    if (!this.playing.waits) this.settle();
  }

  /**
   * Updates the list of operations, with the shown one chosen; and the button that leads to the operation that creates
   * a thing.
   */
  private name(number: number): void {
    const { operations = [], made = -1 } = this.when;
    const known = operations.some(([one]) => one === number);
    if (operations !== this.listed) {
      this.listed = operations;
      this.passed.remove();
      const options = [...operations].sort(([a], [b]) => a - b).map(([one, text]) => this.option(one, text));
      const shown = [...this.around.children].map((option) => option.textContent);
      if (options.length !== shown.length || options.some((option, index) => shown[index] !== option.textContent))
        // An open list stays open as long as its contents stay the same.
        this.around.replaceChildren(...options);
    }
    if (known || number < 0) this.passed.remove();
    else this.pass(number);
    this.operation.value = String(number);
    this.operation.title = this.operation.selectedOptions[0]?.textContent ?? "operation";
    this.operation.hidden = operations.length < 2;
    this.maker.hidden = made < 0;
    say(this.maker, `go to operation ${made.toLocaleString("en")}`);
    this.maker.setAttribute("aria-label", this.maker.textContent ?? "");
  }

  /** During a drag, the list shows the operation under the thumb too: only one line changes. */
  private pass(number: number): void {
    const text = this.operations?.name(number) ?? `${number.toLocaleString("en")} · …`;
    const { textContent, value } = this.option(number, text);
    say(this.passed, textContent);
    this.passed.value = value;
    const others = [...this.around.children].filter((one) => one !== this.passed) as HTMLOptionElement[];
    const next = others.find((one) => Number(one.value) > number) ?? null;
    if (this.passed.parentNode !== this.around || this.passed.nextSibling !== next)
      this.around.insertBefore(this.passed, next);
  }

  /** A line of the list: the name of an operation. */
  private option(number: number, name: string): HTMLOptionElement {
    return Object.assign(html("option", "", name), { value: String(number) });
  }

  private atEndOfOperation(): boolean {
    return this.when.place === AFTER;
  }

  private atEnd(): boolean {
    return this.when.number >= this.latest && this.atEndOfOperation();
  }

  // ---- requests --------------------------------------------------------------------------------

  private drag(value: number): void {
    this.moved = performance.now();
    this.playing.drag(value);
  }

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
    } else this.send({ type: "seek", operation, place });
  }

  played(plays: boolean): void {
    this.bar.played(plays);
  }

  get pause(): number {
    return this.bar.pause;
  }
}
