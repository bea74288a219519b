import assert from "node:assert/strict";
import { test } from "node:test";
import type { Request } from "../src/requests.ts";
import type { When } from "../src/scene.ts";
import { Time } from "../src/time.ts";
import { now, scene } from "./dom.ts";

/** The controls on a picture of a machine at operation 3, which has steps after 2, 5 and 9 events. */
function setUp() {
  const sent: Request[] = [];
  const time = new Time((request) => sent.push(request));
  document.body.replaceChildren(time.root);
  const places = [0, 2, 5, 9, -1];
  const draw = (number: number, index: number, more: Partial<When> = {}) => {
    const steps = { index, count: places.length - 1, operation: number, places, functions: [0, 2, 4] };
    const place = places[index] ?? -1;
    time.draw(scene([], [], { steps }), { ...now, number, place, now: false, ...more });
  };
  const press = (label: string) => (time.root.querySelector(`[aria-label="${label}"]`) as HTMLElement).click();
  const slider = time.root.querySelector("input") as HTMLInputElement;
  const drag = (value: number) => {
    slider.value = String(value);
    slider.dispatchEvent(new window.Event("input"));
  };
  const unit = (name: string) => {
    const select = time.root.querySelector("select") as HTMLSelectElement;
    select.value = name;
    select.dispatchEvent(new window.Event("change"));
  };
  const text = (selector: string) => (time.root.querySelector(selector) as HTMLElement).textContent;
  time.reach(3);
  return { sent, time, draw, press, slider, drag, unit, text };
}

const places = (sent: Request[]) =>
  sent.map((request) => (request.type === "seek" ? [request.operation, request.place] : request.type));

test("large numbers have their digits grouped, as in all other sentences", () => {
  const { time, draw, text } = setUp();
  draw(1430, 4);
  time.reach(102494);
  assert.equal(text(".vmw-where"), "operation 1,430 of 102,494 · step 4 of 4");
});

test("a press goes one step, and names the events that are done there", () => {
  const { sent, draw, press, text } = setUp();
  draw(3, 4);
  assert.equal(text(".vmw-where"), "operation 3 of 3 · step 4 of 4");
  press("back");
  assert.deepEqual(places(sent), [[3, 9]]);
});

test("no press is lost while a picture is under way", () => {
  const { sent, draw, press } = setUp();
  draw(3, 4);
  for (let i = 0; i < 3; i++) press("back");
  assert.deepEqual(places(sent), [[3, 9]]);
  draw(3, 3);
  assert.deepEqual(places(sent), [
    [3, 9],
    [3, 2],
  ]);
});

test("a step before the first is the operation before, and what is left of the presses goes on there", () => {
  const { sent, draw, press } = setUp();
  draw(3, 0);
  press("back");
  press("back");
  draw(2, 4);
  assert.deepEqual(places(sent), [
    [2, -1],
    [2, 9],
  ]);
});

test("a step after the last is the beginning of the next operation, and there is none after the latest", () => {
  const { sent, draw, press, time } = setUp();
  draw(2, 4);
  press("forward");
  draw(3, 4);
  time.by(1);
  assert.deepEqual(places(sent), [[3, 0]]);
});

test("by operation the slider goes through all of them, by function it stops where another function begins", () => {
  const { sent, draw, slider, drag, unit } = setUp();
  draw(3, 3);
  unit("operation");
  assert.deepEqual([slider.value, slider.max], ["3", "3"]);
  drag(1);
  draw(1, 4);
  unit("function");
  assert.deepEqual([slider.value, slider.max], ["2", "2"]);
  drag(1);
  assert.deepEqual(places(sent), [
    [1, -1],
    [1, 5],
  ]);
});

test("of what the slider passes while a picture is under way, the latest place is asked for", () => {
  const { sent, draw, drag } = setUp();
  draw(3, 4);
  for (const value of [3, 2, 1, 0]) drag(value);
  draw(3, 3);
  assert.deepEqual(places(sent), [
    [3, 9],
    [3, 0],
  ]);
});

test("an answer without a picture lets the next request through", () => {
  const { sent, draw, press, time } = setUp();
  draw(3, 4);
  press("back");
  press("back");
  time.answered();
  assert.equal(sent.length, 2);
});

test("play goes on to the end and stops there", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { sent, draw, press, text } = setUp();
  draw(3, 4);
  press("play the steps");
  for (const index of [0, 1, 2, 3, 4]) {
    draw(3, index);
    context.mock.timers.tick(1000);
  }
  assert.deepEqual(places(sent), [
    [3, 0],
    [3, 2],
    [3, 5],
    [3, 9],
    [3, -1],
  ]);
  assert.equal(text('[aria-label="play the steps"]'), "play");
});

test("operations since the cell are counted, and one press shows the picture as it was", () => {
  const { sent, draw, press, text, time } = setUp();
  draw(3, 4, { cell: 1, now: true });
  assert.equal(text(".vmw-since"), "2 operations since this cell");
  time.reach(14);
  assert.equal(text(".vmw-since"), "13 operations since this cell");
  press("show the picture as it was when its cell was done");
  draw(1, 4, { cell: 1, kept: true });
  press("to now, and follow");
  assert.deepEqual(places(sent), ["stay", [-1, -1]]);
});

test("a picture that no machine has shows no controls", () => {
  const { time } = setUp();
  time.draw(scene([]), { ...now, number: -1 });
  assert.equal(time.root.hidden, true);
});

test("an operation in which the picture has no steps is passed, not a dead end", () => {
  const { sent, time } = setUp();
  const before = { ...now, number: 2, place: 0, now: false };
  time.draw(scene([], [], { steps: { index: 0, count: 0, operation: 2, places: [-1], functions: [0] } }), before);
  time.by(1);
  assert.deepEqual(places(sent), [[2, -1]]);
});

test("going elsewhere forgets what was pressed before", () => {
  const { sent, draw, press, time } = setUp();
  draw(3, 4);
  for (let i = 0; i < 4; i++) press("back");
  press("to now, and follow");
  time.answered();
  time.answered();
  assert.deepEqual(places(sent), [
    [3, 9],
    [-1, -1],
  ]);
});
