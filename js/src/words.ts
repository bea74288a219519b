// The words around a picture: heading, caption, notes.

import { Functions } from "./functions.ts";
import type { Scene, When } from "./scene.ts";
import { html, say } from "./svg.ts";

/** The number of characters beyond which an answer is not large, as in `views/scene/svg.py`. */
const LONG = 90;

type Moment = Pick<When, "now" | "kept" | "number" | "place">;

/** Heading and caption; drawn again with every frame. */
export class Words {
  readonly header = html("div", "vmw-header");
  readonly caption = html("p", "vmw-caption");
  readonly notes = html("ul", "vmw-notes");
  private readonly title = html("strong", "vmw-title");
  private readonly subtitle = html("span", "vmw-subtitle");
  private readonly origin = html("span", "vmw-origin");
  private readonly late = html("span", "vmw-behind", "behind");
  private readonly moment = html("b", "vmw-then");
  private readonly text = html("b");
  private readonly reason = html("span", "vmw-reason");
  readonly functions = new Functions();

  private machine = "";
  private placed: readonly string[] = [];

  constructor() {
    this.late.title = "the machine has changed: this picture is redrawn when the cell ends";
    this.late.hidden = true;
    this.moment.hidden = true;
    this.header.append(this.title, this.moment, this.subtitle, this.late, this.origin);
    this.caption.append(this.text, " ", this.reason, " ", this.functions.root);
  }

  /** The caption in one line, as it is read out. */
  get sentence(): string {
    return [this.text.textContent, this.reason.textContent].filter(Boolean).join(" ");
  }

  draw(scene: Scene): void {
    const { text, reason, functions, tone } = scene.caption;
    this.machine = scene.machine;
    this.sign();
    say(this.title, scene.title);
    say(this.subtitle, scene.subtitle);
    this.subtitle.title = scene.subtitle; // cut where there is no room
    say(this.text, text);
    say(this.reason, reason);
    this.functions.draw(functions);
    const large = !scene.answers && text.length <= LONG ? "vmw-large" : "";
    this.caption.className = `vmw-caption ${tone} ${large}`.trimEnd();
    this.header.classList.toggle("vmw-answers", Boolean(scene.answers) || !text);
    this.caption.hidden = !text && !reason;
    const notes = JSON.stringify(scene.notes);
    if (this.notes.dataset.notes === notes) return;
    this.notes.dataset.notes = notes;
    this.notes.replaceChildren(...scene.notes.map((note) => html("li", "", note)));
    this.notes.hidden = scene.notes.length === 0;
  }

  /**
   * Shows whether the machine has reached operation `latest` since this picture of now; or, for a picture of the past,
   * its moment, and whether it stays there.
   */
  at({ now, kept, number, place }: Moment, latest: number): void {
    this.late.hidden = !now || number < 0 || number >= latest;
    const operation = `operation ${number.toLocaleString("en")} of ${Math.max(latest, number).toLocaleString("en")}`;
    const at = `${place < 0 ? "after" : "in"} ${operation}`;
    this.moment.hidden = now || number < 0;
    // a page that is read as text shows hidden text too
    say(this.moment, this.moment.hidden ? "" : kept ? `stays ${at}` : `the past: ${at}`);
    this.moment.title = kept
      ? "press “›|” to have it follow the machine again"
      : "press “›|”, or run a call, to go to now";
  }

  /** Shows which cell made the picture, and the present state of its machine. */
  place(words: readonly string[]): void {
    this.placed = words;
    this.sign();
  }

  private sign(): void {
    say(this.origin, [this.machine, ...this.placed].filter(Boolean).join(" · "));
  }
}
