import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import "./dom.ts";
import { Figure } from "../src/figure.ts";
import { bringLetters, LETTERS } from "../src/letters.ts";
import { scene } from "./dom.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** No picture of this page gets another size. */
class NoResizes {
  observe(): void {}
  disconnect(): void {}
}
Object.assign(globalThis, { ResizeObserver: NoResizes });

/** A picture that was on the page; `end` is what its page does with it at last. */
function pictured(end: (figure: Figure) => void): WeakRef<Figure["renderer"]> {
  const figure = new Figure({ send: () => {}, select: () => {} });
  document.body.append(figure.root);
  figure.renderer.draw(scene([]));
  end(figure);
  return new WeakRef(figure.renderer);
}

/** Which of them the page still keeps. */
async function kept(pictures: WeakRef<Figure["renderer"]>[]): Promise<number> {
  await new Promise((done) => setTimeout(done)); // a WeakRef holds until its task has ended
  collect();
  return pictures.filter((picture) => picture.deref()).length;
}

test("a page keeps no picture that was closed before the letters have come", async () => {
  assert.equal(await kept([1, 2, 3].map(() => pictured((figure) => figure.close()))), 0);
});

test("pictures that are there are told of the letters once, and later ones are not kept for them", async () => {
  let told = 0;
  document.addEventListener(LETTERS, () => told++);
  Object.assign(globalThis, { FACES: [], FontFace: class {} });
  Object.assign(document, { fonts: new Set() });
  await Promise.all([bringLetters(), bringLetters()]);
  assert.equal(told, 1);
  assert.equal(await kept([1, 2, 3].map(() => pictured((figure) => figure.root.remove()))), 0);
});
