// Going through moments, whatever the source of the drawings: a kernel, a film in the page, or the story of a handout.
// This is one machine with named states, which knows no picture and no page.

/**
 * "still": the shown picture is the requested one. "asking": a picture is under way; presses and the newest drag wait
 * for it, and none is lost.  `plays`: playing has requested it. "playing": a step is shown for a while, then comes the
 * next one.
 */
export type State =
  | { readonly name: "still" }
  | { readonly name: "asking"; plays: boolean; presses: number; dragged: number | undefined; behind: boolean }
  | { readonly name: "playing"; readonly timer: ReturnType<typeof setTimeout> };

/** The moments to go through. */
export interface Course<Spot> {
  /** Shows a spot that is in the page.  Returns false if it is not: nothing has changed then. */
  show(to: Spot): boolean;
  /** Requests a spot: its picture comes later, or the message that nothing has changed. */
  request(to: Spot): void;
  /** Returns the spot this many units from the picture on the screen, and the units left beyond it; null at an end. */
  along(units: number): { to: Spot; left: number } | null;
  /** Returns the spot for a place of the slider. */
  meant(value: number): Spot;
  /** Shows where a spot is, before its picture comes. */
  foresee(to: Spot): void;
  /** Notes that playing has begun or ended. */
  played(plays: boolean): void;
  /** Milliseconds for which a step stays when playing. */
  readonly pause: number;
}

const STILL: State = { name: "still" };

export class Playing<Spot> {
  state: State = STILL;
  private readonly course: Course<Spot>;
  private asked: Spot | undefined;

  constructor(course: Course<Spot>) {
    this.course = course;
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
    this.stop();
    const to = this.course.meant(value);
    const { state } = this;
    if (state.name !== "asking") {
      this.ask(to);
      return;
    }
    this.state = STILL;
    if (this.course.show(to)) return;
    this.state = state;
    state.dragged = value;
    this.course.foresee(to);
  }

  /** Goes elsewhere: earlier presses no longer count. */
  leave(): void {
    this.stop();
    if (this.state.name === "asking") Object.assign(this.state, { presses: 0, dragged: undefined, behind: false });
  }

  /** Goes to a spot. */
  ask(to: Spot): void {
    const before = this.state;
    const plays = this.plays;
    if (before.name === "playing") clearTimeout(before.timer);
    const presses = before.name === "asking" ? before.presses : 0;
    const asking: State = { name: "asking", plays, presses, dragged: undefined, behind: false };
    this.state = asking;
    this.asked = to;
    if (!this.course.show(to)) {
      this.course.foresee(to);
      this.course.request(to);
    } else if (this.state === asking) this.answered(); // otherwise its drawing was the answer
  }

  /** Notes that a request other than for a spot is under way. */
  wait(): void {
    if (this.state.name !== "asking")
      this.state = { name: "asking", plays: false, presses: 0, dragged: undefined, behind: false };
  }

  /**
   * Notes that a picture has come, and is not drawn yet.  If the slider has moved on meanwhile, the next picture is
   * requested now.
   */
  arrived(): void {
    if (this.state.name !== "asking") return;
    this.state.behind = false;
    if (this.state.dragged === undefined) return;
    this.ask(this.course.meant(this.state.dragged));
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
    const to = dragged === undefined ? this.asked : this.course.meant(dragged);
    if (to !== undefined) this.course.foresee(to);
  }

  /** Notes that the last request was answered: by its picture, or because it changed nothing. */
  answered(): void {
    if (this.state.name !== "asking") {
      if (this.state.name === "playing") this.last();
      return;
    }
    const { dragged, presses, plays } = this.state;
    this.state = STILL;
    if (dragged !== undefined) this.ask(this.course.meant(dragged));
    else if (presses) this.move(presses);
    else if (plays) this.last();
  }

  /** Plays from here on. */
  play(from?: Spot): void {
    this.course.played(true);
    this.state = { name: "asking", plays: true, presses: 0, dragged: undefined, behind: false };
    if (from === undefined) this.move(1);
    else this.ask(from);
  }

  stop(): void {
    if (this.state.name === "playing") {
      clearTimeout(this.state.timer);
      this.state = STILL;
    } else if (this.state.name === "asking") this.state.plays = false;
    this.course.played(false);
  }

  /** Keeps the step on the screen for its time. */
  private last(): void {
    if (this.state.name === "playing") clearTimeout(this.state.timer);
    this.state = { name: "playing", timer: setTimeout(() => this.move(1), this.course.pause) };
  }

  private move(units: number): void {
    const next = this.course.along(units);
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
