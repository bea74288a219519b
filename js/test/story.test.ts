import assert from "node:assert/strict";
import { test } from "node:test";
import { tells } from "../src/pointing.ts";
import { pastOf, type Question, Reader, STORY_VERSION, type ToldStep } from "../src/story.ts";
import { link, node, scene } from "./dom.ts";

const ASKED: Question = { text: "How many?", options: ["1", "2"], answer: "2", why: "" };

function step(more: Partial<ToldStep> = {}): ToldStep {
  const words = { sentence: "", reason: "", tone: "plain", functions: [], code: "" };
  const mark = { name: "1 · enter", kind: "n", end: "." };
  return { operation: 1, ...words, ...mark, pictures: [], ...more };
}

/** Six steps: a chapter at 1 and 4, a question at 2, something else after 3. */
function setUp(opened = false): Reader {
  const steps = [step(), step({ chapter: "one" }), step({ question: ASKED }), step(), step({ chapter: "two" }), step()];
  const branches = [{ name: "else", after: 3, steps: [step(), step()] }];
  return new Reader({ version: STORY_VERSION, opened, steps, branches });
}

test("a question is passed once it is answered, and not before", () => {
  const reader = setUp();
  assert.equal(reader.go(5), true);
  assert.equal(reader.at, 2);
  assert.equal(reader.waits, true);
  assert.equal(reader.by(1), false);
  reader.by(-1);
  reader.go(9);
  assert.equal(reader.at, 2, "one goes back and forth before it");
  reader.answer();
  reader.go(9);
  assert.equal(reader.at, 5);
});

test("the strip says nothing of what comes after an open question", () => {
  const made = [1, 1, 2, 3, 3, 3, 4].map((operation) =>
    step({ operation, kind: "f", end: "e", name: `${operation} · read ✗` }),
  );
  const steps = made.map((one, at) => (at === 2 ? { ...one, question: ASKED } : one));
  const reader = new Reader({ version: STORY_VERSION, opened: false, steps, branches: [] });
  const { past } = pastOf(reader.steps, reader.known);
  assert.deepEqual([past.kinds, past.ends], ["ffcc", "ee.."]);
  assert.deepEqual(past.weights, [2, 1, 2, 2], "those after it are as wide together as their steps, and alike");
  reader.go(2);
  reader.answer();
  assert.equal(pastOf(reader.steps, reader.known).past.kinds, "ffff");
});

test("a story opens at the step that it names, and else at its first", () => {
  const steps = [step(), step(), step()];
  const story = { version: STORY_VERSION, opened: false, steps, branches: [] };
  assert.deepEqual([new Reader(story).at, new Reader({ ...story, opensAt: 2 }).at], [0, 2]);
});

test("after class nothing waits", () => {
  const reader = setUp(true);
  reader.go(9);
  assert.equal(reader.at, 5);
});

test("chapters are reached from anywhere, the beginning and the end too", () => {
  const reader = setUp(true);
  const seen = [1, 2, 3, 4].map(() => reader.byChapter(1) && reader.at);
  assert.deepEqual(seen, [1, 4, 5, false]);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => reader.byChapter(-1) && reader.at),
    [4, 1, 0, false],
  );
});

test("a branch is entered where it parts, and left to there", () => {
  const reader = setUp(true);
  assert.equal(reader.choices.length, 0);
  reader.go(3);
  assert.deepEqual(
    reader.choices.map(([number, { name }]) => [number, name]),
    [[0, "else"]],
  );
  reader.enter(0);
  assert.deepEqual([reader.at, reader.steps.length, reader.choices.length], [0, 2, 0]);
  reader.by(1);
  assert.equal(reader.by(1), false, "it ends");
  reader.by(-1);
  reader.by(-1);
  assert.deepEqual([reader.branch, reader.at], [-1, 3]);
  reader.enter(0);
  reader.byChapter(1);
  assert.deepEqual([reader.branch, reader.at], [-1, 4]);
  reader.go(5);
  reader.story.branches[0] = { name: "at the end", after: 5, steps: [step()] };
  reader.enter(0);
  assert.equal(reader.byChapter(1), true, "the branch is left, though there is no next chapter");
  assert.deepEqual([reader.branch, reader.at], [-1, 5]);
});

test("a reader who comes back goes on from there, in a branch too", () => {
  const reader = setUp();
  reader.resume(-1, 4);
  assert.equal(reader.by(1), true);
  reader.resume(0, 9);
  assert.deepEqual([reader.branch, reader.at], [0, 1]);
  reader.leave();
  assert.equal(reader.go(5), true);
});

test("a picture tells something if a thing, a word or a look is new, and nothing if a look only goes out", () => {
  const plain = scene([node("a"), node("b")], [link("l", "a", "b")]);
  const lit = scene([node("a", { state: "new red" }), node("b")], [link("l", "a", "b")]);
  assert.equal(tells(lit, plain), true);
  assert.equal(tells(plain, lit), false);
  const titled = scene([{ ...node("a", { state: "new" }), title: "A" }]); // as it comes from Python: more after the state
  assert.equal(tells(scene([{ ...node("a"), title: "A" }]), titled), false);
  assert.equal(tells(scene([node("a", { state: "red path" }), node("b")], [link("l", "a", "b")]), lit), true);
  assert.equal(tells(scene([node("a"), node("b", { x: 3 })], [link("l", "a", "b")]), plain), true);
  assert.equal(tells(scene([node("a")], []), plain), true, "one is gone");
});
