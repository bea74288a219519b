// The parts of every player: back, a slider on a strip, forward, play and its speed, and the current place.

import { button } from "./button.ts";
import { html, say } from "./svg.ts";

/** Milliseconds for which a step stays when playing, at speed 1. */
const PLAY_PAUSE = 900;
const SPEEDS = [0.5, 1, 2, 4];

export interface BarCalls {
  by: (units: number) => void;
  drag: (value: number) => void;
  toggle: () => void;
}

export class Bar {
  readonly root = html("div", "vmw-time");
  readonly track = html("div", "vmw-track");
  readonly slider = html("input", "vmw-slider");
  readonly back: HTMLButtonElement;
  readonly forward: HTMLButtonElement;
  readonly play: HTMLButtonElement;
  readonly speed = choice(
    "speed",
    SPEEDS.map((speed) => `${speed}×`),
    "1×",
  );
  readonly where = html("span", "vmw-where");

  /** `words` are the names of back and forward; `key` is the key that plays. */
  constructor(calls: BarCalls, [back, forward]: readonly [string, string] = ["back", "forward"], key = "Space") {
    this.back = button("‹", back, "[");
    this.forward = button("›", forward, "]");
    this.play = button("play", "play the steps", key);
    this.slider.type = "range";
    this.slider.min = "0";
    this.speed.hidden = true;
    this.track.append(this.slider);
    this.root.append(this.back, this.track, this.forward, this.play, this.speed);
    this.back.addEventListener("click", () => calls.by(-1));
    this.forward.addEventListener("click", () => calls.by(1));
    this.play.addEventListener("click", () => calls.toggle());
    this.slider.addEventListener("input", () => calls.drag(Number(this.slider.value)));
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

  played(plays: boolean): void {
    this.speed.hidden = !plays;
    say(this.play, plays ? "pause" : "play");
  }

  /** Milliseconds for which a step stays when playing. */
  get pause(): number {
    return PLAY_PAUSE / Number.parseFloat(this.speed.value);
  }
}

export function choice(
  label: string,
  values: readonly string[],
  chosen: string,
  targets: readonly string[] = [],
): HTMLSelectElement {
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
