// A question of a handout: its options are pressed, or chosen with digits, which some clickers and every keyboard have.
// A reader who only steps on reads the question first, and then the answer.

import type { Question, Reader, ToldStep } from "./story.ts";
import { html, say } from "./svg.ts";

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
