import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import "./dom.ts";
import { Equipping } from "../src/code.ts";
import { Controls, type Equip } from "../src/controls.ts";
import { Figure } from "../src/figure.ts";
import { node, now, scene, without } from "./dom.ts";

/** The pictures of a test. */
const figures: Figure[] = [];
afterEach(() => {
  for (const figure of figures.splice(0)) figure.close();
});

function picture(): Figure {
  const figure = new Figure({ send: () => {}, select: () => {} });
  figure.draw(1, { scene: scene([node("a", { lane: "x" })]), when: now });
  figures.push(figure);
  return figure;
}

const put: Equip = (figure) => figure.equip(new Controls(figure, without()));

/** Controls that come, or fail, when they are told to. */
function setUp() {
  const starts: { bring: (put: Equip) => void; fail: (error: Error) => void }[] = [];
  const equipping = new Equipping(
    () => new Promise((resolve, reject) => starts.push({ bring: resolve, fail: reject })),
  );
  const signal = new AbortController();
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { starts, equipping, stop: signal, signal: signal.signal, settled };
}

const status = (figure: Figure) => figure.status.textContent;
const has = (figure: Figure) => figure.root.querySelector(".vmw-help") !== null;
const waits = (figure: Figure) => figure.root.classList.contains("vmw-coming");

test("all that wait get the controls, whose code is started once; who is gone gets none", async () => {
  const { equipping, starts, settled, signal } = setUp();
  const [one, other, gone] = [picture(), picture(), picture()];
  const left = new AbortController();
  equipping.give(one, signal);
  equipping.give(other, signal);
  equipping.give(gone, left.signal);
  left.abort();
  starts[0]?.bring(put);
  await settled();
  const later = picture();
  equipping.give(later, signal);
  assert.deepEqual([one, other, gone, later].map(has), [true, true, false, true]);
  assert.equal(starts.length, 1);
});

test("on a page that marimo has exported nothing is asked for or promised", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { equipping, starts, signal } = setUp();
  const figure = picture();
  Object.assign(globalThis, { __MARIMO_STATIC__: {} });
  try {
    equipping.give(figure, signal);
  } finally {
    Reflect.deleteProperty(globalThis, "__MARIMO_STATIC__");
  }
  context.mock.timers.tick(60_000);
  assert.deepEqual([status(figure), starts.length], ["", 0]);
  assert.ok(!figure.root.matches(".vmw-coming"));
});

test("who waits long is told why, through each new picture, and no longer once the controls are there", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { equipping, starts, settled, signal } = setUp();
  const figure = picture();
  equipping.give(figure, signal);
  context.mock.timers.tick(4000);
  assert.equal(status(figure), "");
  context.mock.timers.tick(2000);
  assert.equal(status(figure), "The controls come as soon as the Jupyter kernel is idle.");
  figure.tell("no such address");
  assert.equal(status(figure), "no such address");
  figure.draw(2, { scene: scene([node("b")]), when: now });
  assert.equal(status(figure), "The controls come as soon as the Jupyter kernel is idle.");
  starts[0]?.bring(put);
  await settled();
  assert.deepEqual([status(figure), has(figure)], ["", true]);
  context.mock.timers.tick(60_000);
  assert.equal(status(figure), "");
});

test("controls that fail are told of, for as long as they lack; the next picture tries again, for all", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { equipping, starts, settled, signal } = setUp();
  const figure = picture();
  equipping.give(figure, signal);
  starts[0]?.fail(new Error("no code"));
  await settled();
  context.mock.timers.tick(60_000);
  figure.draw(2, { scene: scene([node("b")]), when: now });
  assert.equal(status(figure), "The controls of this picture could not be loaded. (Error: no code)");
  assert.equal(waits(figure), false, "no place is kept for what does not come");
  const next = picture();
  equipping.give(next, signal);
  starts[1]?.bring(put);
  await settled();
  assert.deepEqual([has(figure), status(figure), has(next)], [true, "", true]);
});

test("controls that fail in one picture are said to fail there, and others have theirs", async () => {
  const { equipping, starts, settled, signal } = setUp();
  const [bad, good] = [picture(), picture()];
  for (const figure of [bad, good]) equipping.give(figure, signal);
  starts[0]?.bring((figure) => {
    if (figure === bad) throw new Error("no room");
    put(figure);
  });
  await settled();
  assert.deepEqual([status(bad), waits(bad)], ["The controls of this picture have failed. (Error: no room)", false]);
  assert.deepEqual([status(good), has(good)], ["", true]);
});

test("where the kernel is gone that is what is said, and not that the controls lack", async () => {
  const { equipping, starts, settled, signal } = setUp();
  const figure = picture();
  equipping.give(figure, signal);
  figure.live(false, "kernel restarted: run all");
  starts[0]?.fail(new Error("its Jupyter kernel is gone: run all"));
  await settled();
  assert.equal(status(figure), "kernel restarted: run all");
});

test("what one control makes of what has waited is no matter of the others", () => {
  const figure = picture();
  const reached: string[] = [];
  figure.with("find", () => {
    throw new Error("Invalid zlib data");
  });
  figure.with("reach", () => reached.push("reach"));
  put(figure);
  assert.deepEqual(reached, ["reach"]);
  assert.equal(status(figure), "A control of this picture has failed. (Error: Invalid zlib data)");
});

test("of what waits for the controls each kind is kept once, the newest, in the order in which it was told", () => {
  const figure = picture();
  const told: string[] = [];
  for (let number = 0; number < 1000; number++) figure.with("reach", () => told.push(`reach ${number}`));
  figure.with("select", () => told.push("select"));
  figure.with("reach", () => told.push("reach the last"));
  put(figure);
  figure.with("reach", () => told.push("reach at once"));
  assert.deepEqual(told, ["select", "reach the last", "reach at once"]);
});
