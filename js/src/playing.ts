// How one goes through moments, wherever the drawings come from: a kernel, a film in the page, the story of a handout.  One
// machine with named states, which knows no picture and no page.

/** "still": what is shown is what was asked for.
 * "asking": a picture is under way; presses and the newest drag wait for it, none is lost.  `plays`: it is a play's next.
 * "playing": a step is shown for a while, then comes the next one. */
export type State =
  | { readonly name: "still" }
  | { readonly name: "asking"; plays: boolean; presses: number; dragged: number | undefined; behind: boolean }
  | { readonly name: "playing"; readonly timer: ReturnType<typeof setTimeout> };

/** What one goes through. */
export interface Course<Spot> {
  /** Shows a spot that is in the page.  False where it is not: nothing has changed then. */
  show(to: Spot): boolean;
  /** Asks for a spot: its picture comes later, or the word that nothing has changed. */
  request(to: Spot): void;
  /** The spot so many units from the picture on the screen, and what is left of them beyond it; null at an end. */
  along(units: number): { to: Spot; left: number } | null;
  /** The spot that a place of the slider means. */
  meant(value: number): Spot;
  /** Says where a spot is, before its picture comes. */
  foresee(to: Spot): void;
  /** It plays, or plays no longer. */
  played(plays: boolean): void;
  /** Milliseconds that a step stays when it plays. */
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

  /** Whether what is shown is not what was asked for last. */
  get waits(): boolean {
    return this.state.name === "asking";
  }

  /** Goes so many units on. */
  by(units: number): void {
    this.stop();
    if (this.state.name === "asking") this.state.presses += units;
    else this.move(units);
  }

  /** The slider is moved.  What is in the page is drawn, though another picture is under way. */
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

  /** Goes elsewhere: what was pressed before counts no longer. */
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
    } else if (this.state === asking) this.answered(); // else its drawing was the answer
  }

  /** Another request than for a spot is under way. */
  wait(): void {
    if (this.state.name !== "asking")
      this.state = { name: "asking", plays: false, presses: 0, dragged: undefined, behind: false };
  }

  /** A picture has come, and is not drawn yet.  Where the slider has gone on meanwhile, the next one is asked for now. */
  arrived(): void {
    if (this.state.name !== "asking") return;
    this.state.behind = false;
    if (this.state.dragged === undefined) return;
    this.ask(this.course.meant(this.state.dragged));
    if (this.state.name === "asking") this.state.behind = true;
  }

  /** Whether the picture that comes next is of a request before the last. */
  get behind(): boolean {
    return this.state.name === "asking" && this.state.behind;
  }

  /** Says once more where the last request leads. */
  foresee(): void {
    if (this.state.name !== "asking") return;
    const { dragged } = this.state;
    const to = dragged === undefined ? this.asked : this.course.meant(dragged);
    if (to !== undefined) this.course.foresee(to);
  }

  /** The last request was answered: by its picture, or because it changed nothing. */
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

  /** The step on the screen lasts. */
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
