// Pinned pictures: earlier moments that stay under the live one, for before and after.  Each can be stepped.

import { button } from "./button.ts";
import { Renderer } from "./renderer.ts";
import type { Send } from "./requests.ts";
import type { Picture } from "./scene.ts";
import { html } from "./svg.ts";
import { Time } from "./time.ts";
import { Words } from "./words.ts";

export class Pins {
  readonly root = html("div", "vmw-pins");
  private readonly send: Send;
  private pins: Pin[] = [];
  private awaited = false;

  constructor(send: Send) {
    this.send = send;
  }

  /** The next picture that is pinned was asked for here. */
  await(): void {
    this.awaited = true;
  }

  draw(pictures: readonly Picture[]): void {
    while (this.pins.length > pictures.length) this.pins.pop()?.close();
    pictures.forEach((picture, index) => {
      if (!this.pins[index]) {
        const pin = new Pin(index, this.send);
        this.pins.push(pin);
        this.root.append(pin.root);
      }
      this.pins[index]?.draw(picture);
    });
    if (!this.awaited) return;
    this.awaited = false;
    this.pins.at(-1)?.root.scrollIntoView?.({ block: "nearest" });
  }

  /** The machine has come to operation `number`. */
  reach(number: number): void {
    for (const pin of this.pins) pin.time.reach(number);
  }

  close(): void {
    for (const pin of this.pins) pin.close();
    this.pins = [];
  }
}

class Pin {
  readonly root = html("div", "vmw-pinned");
  readonly time: Time;
  private readonly words = new Words();
  private readonly renderer = new Renderer();
  private drawn = "";

  constructor(index: number, send: Send) {
    this.time = new Time((request) => {
      if (request.type === "seek") send({ ...request, type: "seek_pin", index });
    }, []);
    this.renderer.root.setAttribute("inert", "");
    const unpin = button("unpin", "take this picture away", "click");
    unpin.addEventListener("click", () => send({ type: "unpin", index }));
    this.words.header.append(unpin);
    this.root.append(this.words.header, this.words.caption, this.time.root, this.renderer.root);
  }

  draw({ scene, when }: Picture): void {
    const drawn = JSON.stringify([scene, when]);
    if (drawn === this.drawn) {
      this.time.answered();
      return;
    }
    this.drawn = drawn;
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
