import assert from "node:assert/strict";
import { test } from "node:test";
import { Time } from "../src/player.ts";
import type { Request, When } from "../src/wire.ts";
import { now, scene } from "./dom.ts";

/** The controls on a picture of a machine at operation 3, which has steps after 2, 5 and 9 events. */
function setUp() {
  const sent: Request[] = [];
  const time = new Time((request) => sent.push(request));
  document.body.replaceChildren(time.root, ...time.moves);
  const places = [0, 2, 5, 9, -1];
  const draw = (number: number, index: number, more: Partial<When> = {}) => {
    const steps = { index, count: places.length - 1, operation: number, places, functions: [0, 2, 4] };
    const place = places[index] ?? -1;
    time.draw(scene([], [], { steps }), { ...now, number, place, now: false, ...more });
  };
  const press = (label: string) => (document.querySelector(`[aria-label="${label}"]`) as HTMLElement).click();
  const slider = time.root.querySelector("input") as HTMLInputElement;
  const drag = (value: number) => {
    slider.value = String(value);
    slider.dispatchEvent(new window.Event("input"));
  };
  const unit = (name: string) => {
    const select = document.querySelector("select") as HTMLSelectElement;
    select.value = name;
    select.dispatchEvent(new window.Event("change"));
  };
  const text = (selector: string) => (document.querySelector(selector) as HTMLElement).textContent;
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

test("the keys that step reach the picture from its time bar, and arrows stay the slider's", () => {
  const { slider } = setUp();
  const heard: string[] = [];
  document.body.addEventListener("keydown", (event) => heard.push(event.key));
  const back = document.querySelector('[aria-label="back"]') as HTMLElement;
  for (const target of [back, slider])
    for (const key of ["[", "}", "ArrowLeft", "Escape"])
      target.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }) as unknown as Event);
  assert.deepEqual(heard, ["[", "}", "Escape", "[", "}", "Escape"]);
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
  press("show the picture as it was when its cell ended");
  draw(1, 4, { cell: 1, kept: true });
  press("to now, and follow");
  assert.deepEqual(sent, [
    { type: "seek", operation: -1, place: -1, latest: -1, stays: true },
    { type: "seek", operation: -1, place: -1, latest: -1, stays: false },
  ]);
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

test("an operation in which the picture has no steps leaves a slider that goes by operation", () => {
  const { sent, time, slider, drag, press } = setUp();
  const still = { steps: { index: 0, count: 0, operation: 2, places: [-1], functions: [0] } };
  time.draw(scene([], [], still), { ...now, number: 2, now: false });
  assert.deepEqual([slider.value, slider.max, slider.disabled], ["2", "3", false]);
  assert.equal((document.querySelector('[aria-label="play the steps"]') as HTMLButtonElement).disabled, true);
  press("to the beginning of this operation");
  time.draw(scene([], [], still), { ...now, number: 2, place: 0, now: false });
  drag(1);
  assert.deepEqual(places(sent), [
    [2, 0],
    [1, -1],
  ]);
});

test("presses pass an operation without steps, and the thumb stays at the end of the slider that it would be at", () => {
  const { sent, time, draw, slider, drag, press } = setUp();
  const still = { steps: { index: 0, count: 0, operation: 2, places: [-1], functions: [0] } };
  const seen = () => [slider.value, slider.max, slider.getAttribute("aria-label")];
  draw(3, 0);
  press("back");
  assert.deepEqual(places(sent), [[2, -1]]);
  time.draw(scene([], [], still), { ...now, number: 2, now: false });
  assert.deepEqual(seen(), ["1", "1", "moment, by step"]);
  press("back");
  draw(1, 4);
  assert.deepEqual(seen(), ["4", "4", "moment, by step"]);
  press("forward");
  time.draw(scene([], [], still), { ...now, number: 2, place: 0, now: false });
  assert.deepEqual(seen(), ["0", "1", "moment, by step"]);
  drag(1);
  assert.deepEqual(places(sent).at(-1), [2, -1]);
  time.reach(4); // no longer from step to step
  assert.deepEqual(seen(), ["2", "4", "moment, by operation"]);
});

test("to the beginning is to that of this operation, and from there to that of the one before", () => {
  const { sent, draw, press, unit } = setUp();
  draw(2, 3);
  press("to the beginning of this operation");
  draw(2, 0);
  press("to the beginning of this operation");
  draw(1, 0);
  unit("operation");
  press("to the beginning of this operation");
  assert.deepEqual(places(sent), [
    [2, 0],
    [1, 0],
    [0, -1],
  ]);
});

test("play stays in the operation that is shown, though the machine has gone on", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { sent, draw, press, text } = setUp();
  draw(2, 4);
  press("play the steps");
  for (const index of [0, 1, 2, 3, 4]) {
    draw(2, index);
    context.mock.timers.tick(1000);
  }
  assert.deepEqual(places(sent).at(-1), [2, -1]);
  assert.equal(text('[aria-label="play the steps"]'), "play");
});

test("many steps are played by function, unless a reader has chosen", () => {
  for (const chosen of [false, true]) {
    const { sent, time, press, unit } = setUp();
    const long = Array.from({ length: 30 }, (_, index) => index);
    const steps = { index: 0, count: 30, operation: 3, places: [...long, -1], functions: [0, 7, 30] };
    time.draw(scene([], [], { steps }), { ...now, number: 3, place: 0, now: false });
    if (chosen) unit("step");
    press("play the steps");
    assert.deepEqual(places(sent), [[3, chosen ? 1 : 7]]);
    time.stop();
  }
});

test("a run that is one step is opened by going through every step", () => {
  const { sent, time, slider, press, unit, text } = setUp();
  const steps = { index: 2, count: 3, operation: 3, places: [0, 2, 90, -1], functions: [0, 3] };
  const each = document.querySelector('option[value="every step"]') as HTMLOptionElement;
  time.draw(scene([], [], { steps }), { ...now, number: 3, place: 90, now: false });
  assert.equal(each.hidden, true);
  const every = [0, 2, 30, 60, 90, -1];
  time.draw(scene([], [], { steps: { ...steps, every } }), { ...now, number: 3, place: 90, now: false });
  assert.equal(each.hidden, false);
  press("back");
  time.draw(scene([], [], { steps: { ...steps, every } }), { ...now, number: 3, place: 90, now: false });
  unit("every step");
  assert.deepEqual([slider.value, slider.max], ["4", "5"]);
  assert.equal(text(".vmw-where"), "operation 3 of 3 · step 4 of 5");
  press("back");
  assert.deepEqual(places(sent), [
    [3, 2],
    [3, 60],
  ]);
});

test("the operations are a list with names, and a choice shows what one left", () => {
  const { sent, draw } = setUp();
  const operations: When["operations"] = [
    [0, "0 · boot"],
    [1, "1 · task init"],
    [3, "3 · enter 64 KiB"],
  ];
  draw(3, 2, { operations });
  const list = document.querySelector(".vmw-operation") as HTMLSelectElement;
  assert.deepEqual([list.getAttribute("aria-label"), list.value, list.options.length], ["operation", "3", 3]);
  assert.equal(list.title, "3 · enter 64 KiB");
  const [first] = list.options;
  draw(3, 3, { operations: operations.map(([number, name]) => [number, name]) });
  assert.equal(list.options[0], first); // an open list stays open
  list.value = "1";
  list.dispatchEvent(new window.Event("change"));
  assert.deepEqual(places(sent), [[1, -1]]);
});

test("what does not exist yet has a press that leads to the operation that makes it", () => {
  const { sent, draw } = setUp();
  const go = document.querySelector('[title^="show the operation"]') as HTMLElement;
  draw(0, 4);
  assert.equal(go.hidden, true);
  draw(0, 4, { made: 2 });
  assert.deepEqual([go.hidden, go.textContent], [false, "go to operation 2"]);
  go.click();
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

test("by a kind of events a press goes to the next one, from the last operation and the first too", () => {
  const { sent, draw, press, unit } = setUp();
  unit("rotation");
  draw(3, 4);
  press("back");
  draw(0, 0);
  press("back");
  unit("mark");
  press("forward");
  assert.deepEqual(sent, [
    { type: "jump", to: "rotation", way: -1 },
    { type: "jump", to: "rotation", way: -1 },
    { type: "jump", to: "mark", way: 1 },
  ]);
});

test("where a press leads to is said at once, and taken back if the picture stays where it was", () => {
  const { draw, press, text, time, slider } = setUp();
  time.reach(10_000);
  time.operations?.learn([[7_000, "7,000 · enter 4 KiB"]]);
  draw(3, 4, {
    made: 7_000,
    operations: [
      [3, "3 · enter"],
      [10_000, "10,000 · remove"],
    ],
  });
  const list = document.querySelector(".vmw-operation") as HTMLSelectElement;
  (document.querySelector('[title^="show the operation"]') as HTMLElement).click();
  assert.equal(text(".vmw-where"), "operation 7,000 of 10,000");
  assert.equal(list.selectedOptions[0]?.textContent, "7,000 · enter 4 KiB");
  assert.equal(time.root.getAttribute("aria-busy"), "true");
  time.answered();
  assert.equal(time.root.hasAttribute("aria-busy"), false);
  assert.equal(text(".vmw-where"), "operation 3 of 10,000 · step 4 of 4");
  press("back");
  assert.equal(text(".vmw-where"), "operation 3 of 10,000 · step 3 of 4");
  assert.equal(slider.value, "3");
});

test("while one drags, the operation under the thumb is said, though another picture is under way", () => {
  const { sent, draw, drag, unit, text, time } = setUp();
  time.reach(10_000);
  time.operations?.learn([
    [42, "42 · task"],
    [99, "99 · fork"],
  ]);
  draw(3, 4, {
    operations: [
      [3, "3 · enter"],
      [10_000, "10,000 · remove"],
    ],
  });
  unit("operation");
  for (const value of [42, 99]) drag(value);
  assert.equal(text(".vmw-where"), "operation 99 of 10,000");
  const list = document.querySelector(".vmw-operation") as HTMLSelectElement;
  assert.equal(list.selectedOptions[0]?.textContent, "99 · fork");
  assert.deepEqual(places(sent).filter(Array.isArray), [[42, -1]], "the picture of the first is under way");
});

test("where the slider has gone on, the next picture is asked for before an older one is drawn", () => {
  const { sent, draw, drag, unit, text, time, slider } = setUp();
  time.reach(10_000);
  draw(3, 4);
  unit("operation");
  drag(40);
  drag(70);
  time.arrived(); // the picture of 40, not drawn yet
  assert.deepEqual(places(sent), [
    [40, -1],
    [70, -1],
  ]);
  drag(90);
  draw(40, 4);
  assert.equal(text(".vmw-where"), "operation 90 of 10,000");
  assert.deepEqual([slider.value, time.root.getAttribute("aria-busy")], ["90", "true"]);
  time.arrived(); // that of 70
  draw(70, 4);
  assert.equal(text(".vmw-where"), "operation 90 of 10,000");
  time.arrived();
  draw(90, 4);
  assert.deepEqual(places(sent).slice(2), [[90, -1]]);
  assert.deepEqual([slider.value, time.root.hasAttribute("aria-busy")], ["90", false]);
});

test("what a drag passes is one line of the list, in its order, and the others stay", () => {
  const { draw, drag, unit, time } = setUp();
  time.reach(100);
  draw(3, 4, {
    operations: [
      [0, "0 · boot"],
      [3, "3 · enter"],
      [100, "100 · remove"],
    ],
  });
  const list = document.querySelector(".vmw-operation") as HTMLSelectElement;
  const before = [...list.options];
  unit("operation");
  for (const value of [40, 2, 50]) drag(value);
  assert.deepEqual(
    [...list.options].map(({ value }) => value),
    ["0", "3", "50", "100"],
  );
  assert.deepEqual(
    [...list.options].filter(({ value }) => value !== "50"),
    before,
  );
  time.arrived();
  draw(3, 4);
  assert.equal([...list.options].filter(({ value }) => value === "50").length, 1, "it is under way");
});
