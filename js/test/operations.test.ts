import assert from "node:assert/strict";
import { test } from "node:test";
import { NAMES, Operations, type Told } from "../src/timeline.ts";
import type { Request } from "../src/wire.ts";

function setUp() {
  const sent: Request[] = [];
  let changes = 0;
  const operations = new Operations(
    (request) => sent.push(request),
    () => changes++,
  );
  return { sent, operations, changes: () => changes };
}

/** What Python tells of `count` operations from `first` on, whose latest has this serial. */
function told(first: number, count: number, serial: number, stamp: number): Told {
  const letters = "n".repeat(count);
  const done = ".".repeat(count);
  return {
    stamp,
    first,
    serial,
    kinds: letters,
    ends: done,
    sizes: [...letters].map(() => 7),
    groups: [],
    marks: [],
    names: [-1, []],
  };
}

test("only what is new is asked for, once at a time", () => {
  const { sent, operations } = setUp();
  operations.reach(1);
  operations.reach(2);
  operations.take(told(0, 3, 2, 1));
  assert.deepEqual(sent, [
    { type: "operations", have: 0, serial: -1, first: -1 },
    { type: "operations", have: 3, serial: 2, first: -1 },
  ]);
  operations.take(told(3, 2, 4, 2));
  assert.equal(operations.past.kinds, "nnnnn");
  assert.equal(operations.past.weights[4], 4, "eight times as many events are three wider");
  assert.equal(sent.length, 2);
});

test("an answer that is newer than the page knows is not asked for again", () => {
  const { sent, operations } = setUp();
  operations.reach(1);
  operations.take(told(0, 3, 2, 9));
  operations.reach(9);
  assert.equal(sent.length, 1);
});

test("after an undo what is told replaces what was known, with its names", () => {
  const { operations } = setUp();
  operations.reach(1);
  operations.take(told(0, 3, 2, 1));
  operations.learn([[2, "2 · enter"]]);
  operations.reach(2);
  operations.take({ ...told(0, 3, 5, 2), kinds: "ngg" });
  assert.equal(operations.past.kinds, "ngg");
  assert.equal(operations.name(2), undefined);
});

test("an answer that does not follow what is known is not put behind it", () => {
  const { sent, operations } = setUp();
  operations.reach(1);
  operations.take(told(5, 1, 5, 1));
  assert.equal(operations.past.kinds, "");
  assert.deepEqual(sent.at(-1), { type: "operations", have: 0, serial: -1, first: -1 });
});

test("names come piece by piece, the one that is pointed at first, and each once", () => {
  const { sent, operations } = setUp();
  operations.reach(1);
  operations.take(told(0, 4 * NAMES, 4 * NAMES - 1, 1));
  assert.equal(operations.name(2 * NAMES + 3), undefined);
  const asked = () => sent.flatMap((one) => (one.type === "operations" && one.first >= 0 ? [one.first / NAMES] : []));
  for (let i = 0; i < 6; i++) {
    const first = (asked().at(-1) ?? 0) * NAMES;
    const names = Array.from({ length: NAMES }, (_, at) => `${first + at} · enter`);
    operations.take({ ...told(4 * NAMES, 0, 4 * NAMES - 1, 1), names: [first, names] });
  }
  assert.deepEqual(asked(), [2, 1, 3, 0]);
  assert.equal(operations.name(2 * NAMES + 3), `${2 * NAMES + 3} · enter`);
});

test("the name that a picture has brought stays when the operation is told, and its piece is asked for again", () => {
  const { sent, operations } = setUp();
  operations.reach(1);
  operations.take(told(0, 3, 2, 1));
  operations.fetch(2);
  operations.take({ ...told(3, 0, 2, 1), names: [0, ["0 · boot", "1 · task", "2 · enter"]] });
  operations.learn([[3, "3 · remove"]]);
  operations.reach(2);
  operations.take(told(3, 1, 3, 2));
  assert.equal(operations.name(3), "3 · remove");
  assert.deepEqual(sent.at(-1), { type: "operations", have: 3, serial: 2, first: -1 }, "nobody points");
  operations.fetch(3);
  assert.deepEqual(sent.at(-1), { type: "operations", have: 4, serial: 3, first: 0 });
});

test("what a kernel that is gone was asked for, the next one is asked for again", () => {
  const { sent, operations } = setUp();
  operations.reach(1);
  operations.again();
  assert.equal(sent.length, 2);
});
