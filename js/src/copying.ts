// A button that copies a line of Python; if a page may not copy, the line is shown, to be copied by hand.

import { button } from "./button.ts";
import { speaker } from "./speaker.ts";
import { html, say } from "./svg.ts";

/** Milliseconds for which a button says that it has copied. */
const SAID = 1500;

export class Copying {
  readonly root = html("span", "vmw-copying");
  private readonly words: string;
  private readonly press: HTMLButtonElement;
  private readonly fallback = html("span", "vmw-tip vmw-by-hand", "This page may not copy. Copy the line here: ");
  private readonly field = html("input");
  private readonly none: string;
  private line = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** A button with these `words`, which copies `what`; `none` says why there is nothing to copy. */
  constructor(words = "copy", what = "the call as a line of Python", none = "there is no one line to copy") {
    this.words = words;
    this.none = none;
    this.press = button(words, `copy ${what}`);
    this.field.readOnly = true;
    this.field.setAttribute("aria-label", what);
    this.fallback.append(this.field);
    this.fallback.hidden = true;
    this.root.append(this.press, this.fallback);
    this.press.addEventListener("click", () => this.copy());
    this.field.addEventListener("blur", () => {
      this.fallback.hidden = true;
    });
    this.field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.press.focus();
    });
  }

  /** The text that a press copies; if it is "", the button stays in place. */
  offer(line: string): void {
    this.line = line;
    this.press.disabled = !line;
    this.press.title = line ? `copy  ${line}` : this.none;
  }

  private async copy(): Promise<void> {
    const { line } = this;
    const copied = await written(line);
    if (!copied) {
      this.field.value = line;
      this.fallback.hidden = false;
      this.field.focus();
      this.field.select();
      return;
    }
    say(this.press, "copied");
    speaker.say("copied", true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => say(this.press, this.words), SAID);
  }
}

async function written(line: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(line);
    return true;
  } catch {
    return false;
  }
}
