// The controls that step through the last operation: back, where we are, forward, play.

import type { Send } from "./requests.ts";
import type { Scene } from "./scene.ts";
import { html, say } from "./svg.ts";

const PLAY_PAUSE = 900; // milliseconds a step stays when playing

export class Steps {
  readonly root = html("div", "vmw-steps");
  private readonly send: Send;
  private readonly back = button("‹", "previous step", "[");
  private readonly forward = button("›", "next step", "]");
  private readonly play = button("play", "play the steps", "Space");
  private readonly where = html("span", "vmw-where");
  private index = 0;
  private count = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private playing = false;

  constructor(send: Send) {
    this.send = send;
    this.root.append(this.back, this.where, this.forward, this.play);
    this.back.addEventListener("click", () => this.by(-1));
    this.forward.addEventListener("click", () => this.by(1));
    this.play.addEventListener("click", () => this.toggle());
  }

  draw(scene: Scene): void {
    ({ index: this.index, count: this.count } = scene.steps);
    this.root.hidden = this.count === 0;
    say(this.where, `step ${this.index} of ${this.count}`);
    this.back.disabled = this.index <= 0;
    this.forward.disabled = this.index >= this.count;
    if (this.playing && this.index >= this.count) this.stop();
    else if (this.playing) this.wait();
  }

  /** Asks for the picture so many steps on. */
  by(steps: number): void {
    this.stop();
    this.ask(this.index + steps);
  }

  toggle(): void {
    if (this.count === 0) return;
    if (this.playing) {
      this.stop();
      return;
    }
    this.playing = true;
    say(this.play, "pause");
    this.ask(this.index >= this.count ? 0 : this.index + 1);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.playing = false;
    say(this.play, "play");
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(this.index + 1), PLAY_PAUSE);
  }

  private ask(index: number): void {
    if (index >= 0 && index <= this.count) this.send({ type: "step", index });
  }
}

/** A button outside the tab order: the view is one tab stop, and each button has its key. */
export function button(text: string, label: string, key: string): HTMLButtonElement {
  const element = html("button", "vmw-button", text);
  element.type = "button";
  element.tabIndex = -1;
  element.title = `${label} (${key})`;
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-keyshortcuts", key);
  return element;
}
