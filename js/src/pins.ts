// Pinned pictures: earlier moments that stay below the live one, for before and after.  Each can be stepped.

import { button } from "./button.ts";
import type { Shown } from "./figure.ts";
import type { Film } from "./film.ts";
import type { Hover } from "./hover.ts";
import { PSEUDOCODE } from "./pseudocode.ts";
import type { Renderer } from "./renderer.ts";
import type { Send } from "./requests.ts";
import type { Picture, When } from "./scene.ts";
import { html } from "./svg.ts";
import { Time } from "./time.ts";
import type { Words } from "./words.ts";

export class Pins {
  readonly root = html("div", "vmw-pins");
  private readonly send: Send;
  private readonly pins: Pin[] = [];
  private awaited = false;
  private readonly hover: Hover;
  private readonly another: () => Shown;
  private readonly film: () => Film | null;

  /**
   * Things that `hover` points at light up in pinned pictures too; `another` creates the renderer of a copy, and `film`
   * is the film of the pinned picture.
   */
  constructor(send: Send, hover: Hover, another: () => Shown, film: () => Film | null = () => null) {
    this.send = send;
    this.hover = hover;
    this.another = another;
    this.film = film;
  }

  /** Notes that other pictures light up together now. */
  share(): void {
    for (const { renderer } of this.pins) this.hover.share(renderer);
  }

  /** Notes that the next pinned picture was requested here. */
  await(): void {
    this.awaited = true;
  }

  draw(pictures: readonly Picture[]): void {
    while (this.pins.length > pictures.length) this.drop();
    pictures.forEach((picture, index) => {
      if (!this.pins[index]) {
        const pin = new Pin(index, this.send, this.another(), this.film());
        this.pins.push(pin);
        this.hover.share(pin.renderer);
        this.root.append(pin.root);
      }
      this.pins[index]?.draw(picture);
    });
    if (!this.awaited) return;
    this.awaited = false;
    this.pins.at(-1)?.root.scrollIntoView?.({ block: "nearest" });
  }

  /** Notes that the machine has reached operation `number`. */
  reach(number: number): void {
    for (const pin of this.pins) pin.time.reach(number);
  }

  close(): void {
    while (this.pins.length) this.drop();
  }

  private drop(): void {
    const pin = this.pins.pop();
    if (pin) this.hover.unshare(pin.renderer);
    pin?.close();
  }
}

class Pin {
  readonly root = html("div", "vmw-pinned");
  readonly time: Time;
  readonly renderer: Renderer;
  private readonly words: Words;
  private readonly film: Film | null;
  private drawn = "";
  private when: When | null = null;

  constructor(index: number, send: Send, { renderer, words }: Shown, film: Film | null) {
    this.film = film;
    this.renderer = renderer;
    this.words = words;
    this.words.functions.learn(PSEUDOCODE);
    this.time = new Time(
      (request) => {
        if (request.type === "seek") send({ ...request, type: "seek_pin", index });
      },
      [],
      (operation, place) => this.step(operation, place),
    );
    this.renderer.root.setAttribute("inert", "");
    const unpin = button("unpin", "remove this picture");
    unpin.addEventListener("click", () => send({ type: "unpin", index }));
    this.words.header.append(unpin);
    const { header, caption, functions } = this.words;
    this.root.append(header, caption, functions.panel, this.time.root, this.renderer.root);
  }

  draw({ scene, when }: Picture): void {
    const drawn = JSON.stringify([scene, when]);
    if (drawn === this.drawn) {
      this.time.answered();
      return;
    }
    this.drawn = drawn;
    this.show({ scene, when });
  }

  /**
   * Shows a step of the film that the picture had when it was pinned; returns false if the film can't draw this step.
   */
  private step(operation: number, place: number): boolean {
    if (this.film?.number !== operation || this.when?.number !== operation) return false;
    const made = this.film.made(place);
    if (made) this.show({ scene: made.scene, when: { ...this.when, place } });
    return made !== undefined;
  }

  private show({ scene, when }: Pick<Picture, "scene" | "when">): void {
    this.when = when;
    this.words.draw(scene);
    this.words.place(["pinned"]);
    this.renderer.draw(scene, when.scale);
    this.time.draw(scene, when);
  }

  close(): void {
    this.time.stop();
    this.root.remove();
  }
}
