import assert from "node:assert/strict";
import { test } from "node:test";
import { type Line, Router } from "../src/router.ts";
import type { Answer, Question } from "../src/worker.ts";

/** A worker that answers when it is told to. */
class SlowLine implements Line {
  questions: Question[] = [];
  ended = false;
  onmessage: ((event: MessageEvent<Answer>) => unknown) | null = null;
  onerror: ((event: ErrorEvent) => unknown) | null = null;
  postMessage(question: Question): void {
    this.questions.push(question);
  }
  terminate(): void {
    this.ended = true;
  }
  die(): void {
    this.onerror?.({ message: "out of memory" } as ErrorEvent);
  }
  answer(more: Partial<Answer> = {}): void {
    const question = this.questions.shift();
    if (!question) throw new Error("nothing was asked");
    const placed = { routes: {}, centres: { [question.dot]: [0, 0] as [number, number] } };
    this.onmessage?.({ data: { key: question.key, placed, ...more } } as MessageEvent<Answer>);
  }
}

function setUp() {
  const line = new SlowLine();
  let opened = 0;
  const router = new Router(() => {
    opened++;
    return line;
  });
  return { line, router, opened: () => opened };
}

test("the worker starts at the first question, once", () => {
  const { router, opened } = setUp();
  const asks = [router.connect(() => {}), router.connect(() => {})];
  assert.equal(opened(), 0);
  for (const ask of asks) ask(1, "a", 10);
  assert.equal(opened(), 1);
});

test("while one question is under way only the newest waits, and stale answers are dropped", () => {
  const { line, router } = setUp();
  const got: number[] = [];
  const ask = router.connect((seq) => got.push(seq));
  for (const seq of [1, 2, 3, 4]) ask(seq, `dot ${seq}`, 10);
  assert.deepEqual(
    line.questions.map((question) => question.dot),
    ["dot 1"],
  );
  line.answer();
  assert.deepEqual(got, []);
  assert.deepEqual(
    line.questions.map((question) => question.dot),
    ["dot 4"],
  );
  line.answer();
  assert.deepEqual(got, [4]);
});

test("views do not wait for each other, and get their own answers", () => {
  const { line, router } = setUp();
  const got: string[] = [];
  router.connect((seq) => got.push(`a${seq}`))(1, "x", 10);
  router.connect((seq) => got.push(`b${seq}`))(7, "y", 10);
  line.answer();
  line.answer();
  assert.deepEqual(got, ["a1", "b7"]);
});

test("a picture that Graphviz refuses does not stop the next", (context) => {
  context.mock.method(console, "warn", () => {});
  const { line, router } = setUp();
  const got: number[] = [];
  const ask = router.connect((seq) => got.push(seq));
  ask(1, "bad", 10);
  ask(2, "good", 10);
  line.answer({ error: "syntax error" });
  line.answer();
  assert.deepEqual(got, [2]);
});

test("after a worker that died the next one is asked what waits", (context) => {
  context.mock.method(console, "warn", () => {});
  const lines = [new SlowLine(), new SlowLine()];
  let opened = 0;
  const router = new Router(() => lines[opened++] as SlowLine);
  const got: number[] = [];
  const ask = router.connect((seq) => got.push(seq));
  for (const seq of [1, 2]) ask(seq, `dot ${seq}`, 10);
  lines[0]?.die();
  assert.equal(lines[0]?.ended, true);
  assert.deepEqual(
    lines[1]?.questions.map((question) => question.dot),
    ["dot 2"],
  );
  lines[1]?.answer();
  ask(3, "dot 3", 10);
  lines[1]?.answer();
  assert.deepEqual(got, [2, 3]);
});

test("where no worker lives, few are tried and no view waits for ever", (context) => {
  context.mock.method(console, "warn", () => {});
  let opened = 0;
  const router = new Router(() => {
    opened++;
    throw new Error("refused by the page's policy");
  });
  let refused = 0;
  const ask = router.connect(
    () => assert.fail("nothing can be answered"),
    () => refused++,
  );
  for (let seq = 1; seq < 20; seq++) ask(seq, "dot", 10);
  assert.equal(opened, 3);
  assert.ok(refused > 0, "the view hears of it");
});
