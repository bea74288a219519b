// Pinned pictures: earlier scenes that stay under the live one, for before and after.

import { Renderer } from "./renderer.ts";
import type { Send } from "./requests.ts";
import type { Scene } from "./scene.ts";
import { button } from "./steps.ts";
import { html } from "./svg.ts";
import { Words } from "./words.ts";

export class Pins {
  readonly root = html("div", "vmw-pins");
  private readonly send: Send;
  private drawn = "[]";

  constructor(send: Send) {
    this.send = send;
  }

  draw(scenes: readonly Scene[]): void {
    const drawn = JSON.stringify(scenes);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.root.replaceChildren(...scenes.map((scene, index) => this.pinned(scene, index)));
  }

  private pinned(scene: Scene, index: number): HTMLElement {
    const figure = html("div", "vmw-pinned");
    const words = new Words();
    const renderer = new Renderer();
    renderer.root.setAttribute("inert", "");
    words.draw(scene);
    words.place([`pinned after operation ${scene.steps.operation}`]);
    words.spoken.remove();
    const unpin = button("unpin", "take this picture away", "click");
    unpin.addEventListener("click", () => this.send({ type: "unpin", index }));
    words.header.append(unpin);
    renderer.draw(scene);
    figure.append(words.header, words.caption, renderer.root);
    return figure;
  }
}
