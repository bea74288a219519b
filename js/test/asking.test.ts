import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Asking, type Question, Reader, STORY_VERSION, type ToldStep } from "../src/story.ts";

const ASKED: Question = { text: "Which page?", options: ["page 0", "page 1", "page 2"], answer: "page 1", why: "So." };

function step(question?: Question): ToldStep {
  const words = { sentence: "", reason: "", tone: "plain", functions: [], code: "" };
  const one = { operation: 1, ...words, name: "1 · touch", kind: "n", end: ".", pictures: [] };
  return question ? { ...one, question } : one;
}

/** A story that begins with a question. */
function setUp(question = ASKED, opened = false) {
  const reader = new Reader({ version: STORY_VERSION, opened, steps: [step(question), step()], branches: [] });
  let answered = 0;
  const asking = new Asking(reader, () => answered++);
  asking.show();
  const words = () =>
    [...asking.root.querySelectorAll<HTMLElement>(".vmw-answer")].find((one) => !one.hidden)?.textContent;
  const options = () => [...asking.root.querySelectorAll<HTMLElement>("button")];
  return { reader, asking, words, options, answered: () => answered };
}

test("a digit answers while the question waits, and means something else afterwards", () => {
  const { reader, asking, words, answered } = setUp();
  for (const key of ["0", "4", "x", "PageDown"]) assert.equal(asking.key(key), false, key);
  assert.equal(reader.waits, true);
  assert.equal(asking.key("3"), true);
  assert.deepEqual([reader.waits, answered(), words()], [false, 1, "No, it is page 1. So."]);
  assert.equal(asking.key("2"), false);
});

test("whoever goes on at a question is told what to press, and then sees the answer", () => {
  const { reader, asking, words, options, answered } = setUp();
  asking.goOn();
  assert.deepEqual([reader.waits, answered()], [true, 0]);
  assert.equal(words(), "Press 1 to 3 to answer. Step once more to see the answer.");
  asking.goOn();
  assert.deepEqual([reader.waits, answered()], [false, 1]);
  assert.equal(words(), "Right: page 1. So.");
  assert.equal(
    options().some((one) => one.ariaPressed === "true"),
    false,
    "nothing was chosen",
  );
});

test("what is told is told anew when one comes back to an open question", () => {
  const { reader, asking, words } = setUp();
  asking.goOn();
  reader.at = 1;
  asking.show();
  reader.at = 0;
  asking.show();
  assert.equal(words(), "");
  asking.goOn();
  assert.equal(reader.waits, true);
});

test("a question without options has one digit, which shows the answer", () => {
  const { reader, asking, words } = setUp({ ...ASKED, options: [] });
  asking.goOn();
  assert.equal(words(), "Step once more to see the answer.");
  assert.equal(asking.key("1"), true);
  assert.deepEqual([reader.waits, words()], [false, "page 1. So."]);
});

test("the right option and a wrong one that was chosen are marked, also for whoever comes back", () => {
  const { reader, asking, words, options } = setUp();
  const marked = () => options().map((one) => [one.ariaPressed, one.classList.contains("right")]);
  assert.equal(
    marked().some(([, right]) => right),
    false,
    "not before",
  );
  asking.key("3");
  for (const at of [0, 1, 0]) {
    reader.at = at;
    asking.show();
  }
  assert.equal(words(), "No, it is page 1. So.");
  assert.deepEqual(marked(), [
    ["false", false],
    ["false", true],
    ["true", false],
  ]);
  assert.deepEqual(
    options().map((one) => one.classList.contains("wrong")),
    [false, false, true],
  );
});

test("after class the right option is marked at once", () => {
  const { words, options } = setUp(ASKED, true);
  assert.equal(words(), "Right: page 1. So.");
  assert.deepEqual(
    options().map((one) => one.classList.contains("right")),
    [false, true, false],
  );
});
