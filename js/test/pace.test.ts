import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { BETWEEN, Pace } from "../src/mount.ts";
import "./dom.ts";

/** A pace whose clock, timers and frames the test moves; `drawn` has the times at which something was drawn. */
function setUp({ drawing = 0 } = {}) {
  const drawn: number[] = [];
  const state = { now: 1_000, moved: Number.NEGATIVE_INFINITY };
  const frames: (() => void)[] = [];
  Object.assign(globalThis, { requestAnimationFrame: (frame: () => void) => frames.push(frame) });
  const pace = new Pace(
    () => {
      drawn.push(state.now);
      state.now += drawing;
    },
    () => state.moved,
    () => state.now,
  );
  /** So many milliseconds pass, with a frame at the end of each 16. */
  const pass = (milliseconds: number) => {
    for (let i = 0; i < milliseconds; i++) {
      state.now++;
      mock.timers.tick(1);
      if (state.now % 16 === 0) for (const frame of frames.splice(0)) frame();
    }
  };
  return { pace, state, drawn, pass, frames };
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.reset());

test("a picture is drawn when it comes", () => {
  const { pace, drawn } = setUp();
  pace.come();
  assert.deepEqual(drawn, [1_000]);
});

test("of pictures that come faster than the screen, the newest is drawn with its next frame", () => {
  const { pace, drawn, pass } = setUp();
  for (let i = 0; i < 3; i++) pace.come();
  assert.equal(drawn.length, 1);
  pass(20);
  assert.equal(drawn.length, 2);
});

test("while one drags, the frame that shows the mark comes before a picture", () => {
  const { pace, state, drawn, pass, frames } = setUp();
  state.moved = 1_000;
  pace.come();
  assert.deepEqual(drawn, []);
  pass(1); // no frame yet
  assert.deepEqual([drawn.length, frames.length], [0, 1]);
  pass(40);
  assert.equal(drawn.length, 1);
});

test("a drag draws a picture at most each so many milliseconds, and the last one always", () => {
  const { pace, state, drawn, pass } = setUp({ drawing: 30 });
  for (let i = 0; i < 100; i++) {
    state.moved = state.now;
    pace.come();
    pass(10);
  }
  const gaps = drawn.slice(1).map((time, index) => time - (drawn[index] ?? 0));
  assert.ok(Math.min(...gaps) >= BETWEEN, `${gaps}`);
  assert.ok(Math.max(...gaps) < 2 * BETWEEN, `${gaps}`);
  const before = drawn.length;
  pace.come();
  pass(2 * BETWEEN);
  assert.equal(drawn.length, before + 1);
});

test("a picture that comes when the slider stands is drawn at once", () => {
  const { pace, state, drawn, pass } = setUp();
  pace.come();
  pass(60);
  state.moved = state.now;
  pass(55); // the mark is on the screen
  pace.come();
  assert.deepEqual(drawn, [1_000, 1_115]);
});

test("a hidden page, which gets no frames, draws all the same", () => {
  const { pace, state, drawn } = setUp();
  mock.getter(document, "hidden", () => true);
  state.moved = 1_000;
  pace.come();
  assert.equal(drawn.length, 1);
});
