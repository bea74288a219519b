// The story of a handout and its questions.
//
// The story of a handout: the browser's half of vmwidgets/pictures/handout/page.py, and a reader's place in it.

import { html, say } from "./svg.ts";
import type { Past } from "./timeline.ts";
import type { Scene } from "./wire.ts";

export interface Drawn {
  wide: Scene;
  /** The form for half of a page. */
  narrow: Scene;
  /** The form for a telephone's page. */
  slim: Scene;
  scale: number;
}

export interface Question {
  text: string;
  /** Without options, the answer is only shown. */
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
  /** The call. */
  code: string;
  pictures: Drawn[];
  /** The name of its mark on the strip, and the letters of its look: see timeline.ts. */
  name: string;
  kind: string;
  end: string;
  chapter?: string;
  question?: Question;
  /** The notes for the presenter. */
  notes?: string;
}

interface Branch {
  name: string;
  /** The step of the story after which the branch does something else. */
  after: number;
  steps: ToldStep[];
}

export interface Story {
  version: number;
  /** Whether answers are shown immediately. */
  opened: boolean;
  /** The first step to show; by default, the story's first step. */
  opensAt?: number;
  /** The thing that is marked as selected until the reader selects another. */
  selected?: string;
  steps: ToldStep[];
  branches: Branch[];
}

export const STORY_VERSION = 3;

/** A reader's place: a step of the story, or of one of its branches. */
export class Reader {
  readonly story: Story;
  /** The branch; -1: the story. */
  branch = -1;
  at: number;
  /** The steps whose question was answered, with the chosen option; "" if the answer was only shown. */
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

  /** Whether the current step waits for an answer. */
  get waits(): boolean {
    return this.isAsked(this.step);
  }

  /** The branches that part after the current step, each with its number. */
  get choices(): [number, Branch][] {
    if (this.branch >= 0) return [];
    return [...this.story.branches.entries()].filter(([, branch]) => branch.after === this.at);
  }

  /** The chapters of the story, each with its step. */
  get chapters(): [number, string][] {
    return this.story.steps.flatMap((step, at): [number, string][] => (step.chapter ? [[at, step.chapter]] : []));
  }

  /**
   * Goes to a step of the current story or branch, but not past a question that waits.  Returns true if that is another
   * step.
   */
  go(wanted: number): boolean {
    const to = Math.max(0, Math.min(wanted, this.steps.length - 1, Math.max(this.known, this.at)));
    if (to === this.at) return false;
    this.at = to;
    return true;
  }

  /** The last step that may be read: a question waits after it. */
  get known(): number {
    const open = this.steps.findIndex((step) => this.isAsked(step));
    return open < 0 ? this.steps.length - 1 : open;
  }

  /** Goes one step forward or back; back from a branch's first step is the story again. */
  by(steps: number): boolean {
    if (this.branch >= 0 && this.at + steps < 0) {
      this.leave();
      return true;
    }
    return this.go(this.at + steps);
  }

  /** Goes to the next chapter, or the previous one. */
  byChapter(way: 1 | -1): boolean {
    const left = this.branch >= 0;
    if (left) this.leave();
    const starts = [0, ...this.chapters.map(([at]) => at), this.steps.length - 1];
    const wanted = way > 0 ? starts.find((at) => at > this.at) : starts.filter((at) => at < this.at).at(-1);
    return (wanted !== undefined && this.go(wanted)) || left;
  }

  /** Notes that the current step's question is answered; if no option was chosen, its answer is shown. */
  answer(chosen = ""): void {
    this.answered.set(this.step, chosen);
  }

  /** The option chosen at the current step; "" for none. */
  get chosen(): string {
    return this.answered.get(this.step) ?? "";
  }

  /** Continues at a step, as for a reader who has answered the earlier questions. */
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

  /** Goes back to the place where the branch parted. */
  leave(): void {
    this.at = this.story.branches[this.branch]?.after ?? this.at;
    this.branch = -1;
  }

  private isAsked(step: ToldStep): boolean {
    return !this.story.opened && step.question !== undefined && !this.answered.has(step);
  }
}

/**
 * The operations of steps for a strip, each as wide as its number of steps; and the first step of each, with the end
 * last. Those that begin after step `last` look alike, since a question asks what happens there.
 */
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

// ---- asking
// A question of a handout: its options are pressed, or chosen with digits, which some clickers and every keyboard have.
// A reader who only steps on reads the question first, and then the answer.

/** The number of options that have a digit of their own. */
const DIGITS = 9;

export class Asking {
  readonly root = html("div", "vmw-asked");
  private readonly reader: Reader;
  private readonly answered: () => void;
  private readonly said = html("p", "vmw-answer");
  private readonly hint = html("p", "vmw-answer");
  private step: ToldStep | undefined;
  private buttons: HTMLButtonElement[] = [];

  /** `answered` is called when the question of the reader's step has been answered, or its answer shown. */
  constructor(reader: Reader, answered: () => void) {
    this.reader = reader;
    this.answered = answered;
    for (const words of [this.said, this.hint]) words.setAttribute("role", "status");
  }

  /** Asks the question of the reader's step, if it has one. */
  show(): void {
    const { step } = this.reader;
    if (this.step === step) return;
    this.step = step;
    this.root.replaceChildren();
    this.buttons = [];
    const { question } = step;
    if (!question) return;
    const group = html("fieldset");
    this.buttons = optionsOf(question).map((option, place) => this.button(option, place));
    this.judge(question);
    group.append(html("legend", "", question.text), ...this.buttons, this.said, this.hint);
    this.root.append(group);
  }

  /** Returns true if a key answers. */
  key(key: string): boolean {
    const one = this.reader.waits && /^[1-9]$/.test(key) ? this.buttons[Number(key) - 1] : undefined;
    one?.click();
    return one !== undefined;
  }

  /** Steps on: at an open question, a sentence says what to do, and the next time the answer is shown. */
  goOn(): void {
    const { question } = this.reader.step;
    if (!question) return;
    if (this.hint.hidden) {
      const many = Math.min(this.buttons.length, DIGITS);
      const keys = many > 1 ? `Press 1 to ${many} to answer. ` : "";
      say(this.hint, `${keys}Step once more to see the answer.`);
      this.hinted(true);
    } else this.answer(question, "");
  }

  private button(option: string, place: number): HTMLButtonElement {
    const one = html("button", "vmw-button", option);
    one.type = "button";
    if (place < DIGITS) {
      one.dataset.digit = String(place + 1);
      one.setAttribute("aria-keyshortcuts", one.dataset.digit);
    }
    one.addEventListener("click", () => {
      if (this.reader.step.question) this.answer(this.reader.step.question, option);
    });
    return one;
  }

  private answer(question: Question, chosen: string): void {
    this.reader.answer(chosen);
    this.judge(question);
    this.answered();
  }

  /** Marks the chosen and the right option and says which is right, once that may be known. */
  private judge(question: Question): void {
    const { waits, chosen } = this.reader;
    say(this.said, waits ? "" : inWords(question, chosen));
    for (const [place, option] of optionsOf(question).entries()) {
      const one = this.buttons[place];
      if (!one || waits) continue;
      one.ariaPressed = String(option === chosen);
      one.classList.toggle("right", option === question.answer);
      one.classList.toggle("wrong", option === chosen && option !== question.answer && question.options.length > 0);
    }
    this.hinted(false);
  }

  private hinted(shown: boolean): void {
    this.hint.hidden = !shown;
    this.said.hidden = shown;
  }
}

function optionsOf({ options }: Question): string[] {
  return options.length ? options : ["show the answer"];
}

/** The sentence about an answer; if no option was chosen, the right answer. */
function inWords({ options, answer, why }: Question, chosen: string): string {
  const judged = chosen && chosen !== answer ? "No, it is" : "Right:";
  const right = options.length ? `${judged} ${answer}` : answer;
  return why ? `${right}. ${why}` : `${right}.`;
}
