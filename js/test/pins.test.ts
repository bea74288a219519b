import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Film } from "../src/film.ts";
import { Hover } from "../src/hover.ts";
import { Pins } from "../src/pins.ts";
import { Renderer } from "../src/renderer.ts";
import type { Request } from "../src/requests.ts";
import { SUPPORTED_VERSION } from "../src/scene.ts";
import { Words } from "../src/words.ts";
import { node, now, scene } from "./dom.ts";

const PLACES = [0, 2, -1];

/** A pinned picture of operation 3 with a film of it, whose frames are these. */
function setUp(frames: Record<string, unknown>[]) {
  const steps = { index: 2, count: 2, operation: 3, places: PLACES, functions: [0, 2] };
  const picture = { scene: scene([node("a")], [], { steps }), when: { ...now, number: 3 } };
  const film = new Film({ version: SUPPORTED_VERSION, number: 3, places: PLACES, base: 2, frames }, picture);
  const sent: Request[] = [];
  const renderer = new Renderer();
  const hover = new Hover(renderer, document.createElement("div"));
  const another = () => ({ renderer: new Renderer(), words: new Words() });
  const pins = new Pins(
    (request) => sent.push(request),
    hover,
    another,
    () => film,
  );
  pins.draw([picture]);
  const back = () => (pins.root.querySelector('[aria-label="back"]') as HTMLElement).click();
  return { pins, sent, back };
}

test("a pinned picture is stepped by the film that it had", () => {
  const { pins, sent, back } = setUp([{}, { title: "at 2" }, {}]);
  back();
  assert.match(pins.root.textContent ?? "", /at 2/);
  assert.deepEqual(sent, []);
});

test("where a drawing of that film can't be made, the kernel is asked", () => {
  const { sent, back } = setUp([{}, { nodes: [[0, 7]] }, {}]);
  back();
  assert.deepEqual(sent, [{ type: "seek_pin", operation: 3, place: 2, index: 0 }]);
});
