// The story of a handout: the browser's half of vmwidgets/pictures/handout/page.py, and where a reader is in it.

import type { Past } from "./past.ts";
import type { Scene } from "./scene.ts";

export interface Drawn {
  wide: Scene;
  /** For half of a page. */
  narrow: Scene;
  /** For a telephone's page. */
  slim: Scene;
  scale: number;
}

export interface Question {
  text: string;
  /** None: what is asked has no options, and the answer is only shown. */
  options: string[];
  answer: string;
  why: string;
}

export interface ToldStep {
  operation: number;
  sentence: string;
  reason: string;
  tone: string;
  functions: string[];
  /** What was called. */
  code: string;
  pictures: Drawn[];
  /** What its mark on the strip is called, and the letters of its look: see past.ts. */
  name: string;
  kind: string;
  end: string;
  /** The call as a line of Python; "" where it is more than one. */
  line: string;
  chapter?: string;
  question?: Question;
  /** For the person who presents it. */
  notes?: string;
}

export interface Branch {
  name: string;
  /** The step of the story after which something else is done. */
  after: number;
  steps: ToldStep[];
}

export interface Story {
  version: number;
  /** Whether answers are there at once. */
  opened: boolean;
  /** The step that is shown first; where it is not said, the first one. */
  opensAt?: number;
  /** The thing that is marked as selected, until the reader selects another. */
  selected?: string;
  steps: ToldStep[];
  branches: Branch[];
}

export const STORY_VERSION = 3;

/** Where a reader is: at a step of the story, or of one of its branches. */
export class Reader {
  readonly story: Story;
  /** Which branch; -1: the story. */
  branch = -1;
  at: number;
  /** The steps whose question was answered, with what was chosen; "" where the answer was only shown. */
  private readonly answered = new Map<ToldStep, string>();

  constructor(story: Story) {
    this.story = story;
    this.at = story.opensAt ?? 0;
  }

  get steps(): readonly ToldStep[] {
    return this.story.branches[this.branch]?.steps ?? this.story.steps;
  }

  get step(): ToldStep {
    const step = this.steps[this.at];
    if (!step) throw new RangeError(`there is no step ${this.at}`);
    return step;
  }

  /** Whether the step at hand waits for an answer. */
  get waits(): boolean {
    return this.isAsked(this.step);
  }

  /** The branches that part after the step at hand, each with its number. */
  get choices(): [number, Branch][] {
    if (this.branch >= 0) return [];
    return [...this.story.branches.entries()].filter(([, branch]) => branch.after === this.at);
  }

  /** The chapters of the story, each with its step. */
  get chapters(): [number, string][] {
    return this.story.steps.flatMap((step, at): [number, string][] => (step.chapter ? [[at, step.chapter]] : []));
  }

  /** To a step of what is read, but not past a question that waits.  True if that is another step. */
  go(wanted: number): boolean {
    const to = Math.max(0, Math.min(wanted, this.steps.length - 1, Math.max(this.known, this.at)));
    if (to === this.at) return false;
    this.at = to;
    return true;
  }

  /** The last step that may be read: after it a question waits. */
  get known(): number {
    const open = this.steps.findIndex((step) => this.isAsked(step));
    return open < 0 ? this.steps.length - 1 : open;
  }

  /** One step on or back; back from a branch's first step is the story again. */
  by(steps: number): boolean {
    if (this.branch >= 0 && this.at + steps < 0) {
      this.leave();
      return true;
    }
    return this.go(this.at + steps);
  }

  /** To the next chapter, or the one before. */
  byChapter(way: 1 | -1): boolean {
    const left = this.branch >= 0;
    if (left) this.leave();
    const starts = [0, ...this.chapters.map(([at]) => at), this.steps.length - 1];
    const wanted = way > 0 ? starts.find((at) => at > this.at) : starts.filter((at) => at < this.at).at(-1);
    return (wanted !== undefined && this.go(wanted)) || left;
  }

  /** The question of the step at hand is answered; with nothing chosen its answer is shown. */
  answer(chosen = ""): void {
    this.answered.set(this.step, chosen);
  }

  /** What was chosen at the step at hand; "" is nothing. */
  get chosen(): string {
    return this.answered.get(this.step) ?? "";
  }

  /** Goes on at a step, as a reader who has answered what was asked before it. */
  resume(branch: number, at: number): void {
    this.branch = branch < this.story.branches.length ? branch : -1;
    this.at = Math.min(at, this.steps.length - 1);
    const passed = this.story.branches[this.branch]?.after ?? this.at - 1;
    for (const step of this.story.steps.slice(0, passed + 1)) if (!this.answered.has(step)) this.answered.set(step, "");
  }

  enter(branch: number): void {
    this.branch = branch;
    this.at = 0;
  }

  /** Back to where the branch parted. */
  leave(): void {
    this.at = this.story.branches[this.branch]?.after ?? this.at;
    this.branch = -1;
  }

  private isAsked(step: ToldStep): boolean {
    return !this.story.opened && step.question !== undefined && !this.answered.has(step);
  }
}

/** The operations of steps for a strip, as wide as they have steps; and the first step of each, with the end behind.
 * Those that begin after step `last` look alike: what happens there is asked. */
export function pastOf(steps: readonly ToldStep[], last = steps.length): { past: Past; starts: number[] } {
  const starts = [...steps.keys()].filter((at) => at === 0 || steps[at]?.operation !== steps[at - 1]?.operation);
  const first = starts.map((at) => steps[at]);
  const ends = [...starts.slice(1), steps.length];
  const marks = ends.flatMap((end, mark): [number, string][] => {
    const named = steps.slice(starts[mark], end).find(({ chapter }) => chapter);
    return named?.chapter ? [[mark, named.chapter]] : [];
  });
  const isSaid = (mark: number): boolean => (starts[mark] ?? 0) <= last;
  const asked = starts.filter((start) => start > last);
  const alike = (steps.length - (asked[0] ?? 0)) / Math.max(asked.length, 1); // together as wide as their steps
  const past = {
    kinds: first.map((step, mark) => (isSaid(mark) && step?.kind) || "c").join(""),
    ends: first.map((step, mark) => (isSaid(mark) && step?.end) || ".").join(""),
    weights: starts.map((start, mark) => (isSaid(mark) ? (ends[mark] ?? 0) - start : alike)),
    groups: [],
    marks,
  };
  return { past, starts: [...starts, steps.length] };
}
