import assert from "node:assert/strict";
import { test } from "node:test";
import { at, edges, fold, type Past, place } from "../src/timeline.ts";

/** Operations of these kinds, all done and equally wide. */
function past(kinds: string, more: Partial<Past> = {}): Past {
  return { kinds, ends: ".".repeat(kinds.length), weights: [...kinds].map(() => 1), groups: [], marks: [], ...more };
}

const spans = (pieces: readonly { first: number; last: number }[]) => pieces.map(({ first, last }) => [first, last]);

test("operations that fit are a mark each", () => {
  assert.deepEqual(spans(fold(past("nga"), 3)), [
    [0, 0],
    [1, 1],
    [2, 2],
  ]);
});

test("groups are folded first, under their names, and runs of alike ones only where that is not enough", () => {
  const told = past("nnngggaa", { groups: [[3, 5, "all away"]] });
  const some = fold(told, 6);
  assert.deepEqual(spans(some), [
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 5],
    [6, 6],
    [7, 7],
  ]);
  assert.equal(some[3]?.group, "all away");
  assert.deepEqual(spans(fold(told, 4)), [
    [0, 2],
    [3, 5],
    [6, 7],
  ]);
});

test("a run ends where an operation failed, and a mark for several shows the worst of them", () => {
  const told = past("nnnnn", { ends: "..e.." });
  assert.deepEqual(spans(fold(told, 4)), [
    [0, 1],
    [2, 2],
    [3, 4],
  ]);
  assert.equal(fold(told, 1)[0]?.end, "e");
  assert.equal(fold(past("ng", { ends: "ep" }), 1)[0]?.end, "p");
});

test("there are never more marks than there is room, no operation is lost and none is in two", () => {
  for (const kinds of ["ng".repeat(5_000), "n".repeat(9_999), "ngaftc".repeat(1_700), "n", ""])
    for (const most of [1, 7, 100, 186]) {
      const pieces = fold(past(kinds), most);
      assert.ok(pieces.length <= most, `${kinds.length} in ${most}: ${pieces.length}`);
      assert.ok(pieces.every((piece, index) => piece.first === (pieces[index - 1]?.last ?? -1) + 1));
      assert.equal(pieces.at(-1)?.last ?? -1, kinds.length - 1);
    }
});

test("a group that is not whole in what is known is not folded", () => {
  assert.deepEqual(spans(fold(past("nga", { groups: [[1, 7, "x"]] }), 2)).at(-1), [2, 2]);
});

test("marks are as wide as their events want, but none is narrower than can be pressed", () => {
  const edge = edges(fold(past("nga", { weights: [1, 1, 8] }), 3), 130, 10);
  assert.deepEqual(edge, [0, 20, 40, 130]);
  const narrow = edges(fold(past("ngag"), 4), 8, 3);
  assert.deepEqual(narrow, [0, 2, 4, 6, 8]);
});

test("a place of the strip is an operation, also within a mark for several, and the way back leads there", () => {
  const pieces = fold(past("nnnnggg"), 2);
  const edge = edges(pieces, 140, 3);
  for (let number = 0; number < 7; number++) {
    const x = place(pieces, edge, number, 0.5);
    assert.equal(at(pieces, edge, x)[0], number);
  }
  assert.equal(at(pieces, edge, -5)[0], 0);
  assert.equal(at(pieces, edge, 999)[0], 6);
  assert.deepEqual(at([], [0], 5), [0, 0]);
});
