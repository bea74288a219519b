import assert from "node:assert/strict";
import { test } from "node:test";
import { type Line, openWorker, Router, reasonAgainst } from "../src/drawing.ts";
import type { Answer, Question } from "../src/graphviz.ts";

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
  die(message?: string): void {
    this.onerror?.({ message } as ErrorEvent); // a policy against workers gives no message
  }
  answer(more: Partial<Answer> = {}): void {
    const question = this.questions.shift();
    if (!question) throw new Error("nothing was asked");
    this.onmessage?.({ data: { key: question.key, svg: "<svg/>", ...more } } as MessageEvent<Answer>);
  }
}

/** A router whose code comes when it is told to. */
function setUp(lines: Line[] = [new SlowLine()]) {
  const opened: string[] = [];
  let asked = 0;
  let bring: (code: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const code = new Promise<string>((resolve, reject) => {
    bring = resolve;
    fail = reject;
  });
  const router = new Router(
    () => {
      asked++;
      return code;
    },
    (text) => {
      const line = lines[opened.push(text) - 1];
      if (!line) throw new Error("refused by the page's policy");
      return line;
    },
  );
  const arrive = async () => {
    bring("graphviz");
    await code;
  };
  return {
    line: lines[0] as SlowLine,
    router,
    opened,
    asked: () => asked,
    arrive,
    fail: (why: string) => fail(new Error(why)),
  };
}

const settled = () => new Promise((done) => setTimeout(done));

test("nothing is asked for before the first question, then the code once, and the worker starts when it is there", async () => {
  const { line, router, opened, asked, arrive } = setUp();
  const got: string[] = [];
  const asks = [router.connect((seq) => got.push(seq)), router.connect(() => {})];
  assert.equal(asked(), 0);
  for (const { ask } of asks) ask("1", "a");
  asks[0]?.ask("2", "b");
  assert.deepEqual([asked(), opened], [1, []]);
  await arrive();
  assert.deepEqual(opened, ["graphviz"]);
  assert.deepEqual(
    line.questions.map(({ dot }) => dot),
    ["b", "a"],
    "of what waited only the newest",
  );
  line.answer();
  assert.deepEqual(got, ["2"]);
});

test("while one question is under way only the newest waits, and stale answers are dropped", async () => {
  const { line, router, arrive } = setUp();
  const got: string[] = [];
  const { ask } = router.connect((seq) => got.push(seq));
  ask("1", "dot 1");
  await arrive();
  for (const seq of ["2", "3", "4"]) ask(seq, `dot ${seq}`);
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
  assert.deepEqual(got, ["4"]);
});

test("views do not wait for each other, and get their own answers", async () => {
  const { line, router, arrive } = setUp();
  const got: string[] = [];
  router.connect((seq) => got.push(`a${seq}`)).ask("1", "x");
  router.connect((seq, svg) => got.push(`b${seq}${svg}`)).ask("7", "y");
  await arrive();
  line.answer();
  line.answer();
  assert.deepEqual(got, ["a1", "b7<svg/>"]);
});

test("a picture that Graphviz refuses does not stop the next, and its view hears of it", async (context) => {
  context.mock.method(console, "warn", () => {});
  const { line, router, arrive } = setUp();
  const got: string[] = [];
  const { ask } = router.connect(
    (seq) => got.push(seq),
    () => got.push("refused"),
  );
  ask("1", "bad");
  await arrive();
  ask("2", "good");
  line.answer({ svg: undefined as never, error: "syntax error" });
  line.answer();
  assert.deepEqual(got, ["refused", "2"]);
  assert.equal(router.why, "", "other pictures can be drawn");
});

test("after a worker that died the next one is asked what waits", async () => {
  const lines = [new SlowLine(), new SlowLine()];
  const { router, arrive } = setUp(lines);
  const got: string[] = [];
  const { ask } = router.connect((seq) => got.push(seq));
  ask("1", "dot 1");
  await arrive();
  ask("2", "dot 2");
  lines[0]?.die("out of memory");
  assert.equal(lines[0]?.ended, true);
  assert.deepEqual(
    lines[1]?.questions.map((question) => question.dot),
    ["dot 2"],
  );
  lines[1]?.answer();
  ask("3", "dot 3");
  lines[1]?.answer();
  assert.deepEqual(got, ["2", "3"]);
});

test("what a worker died under is asked of the next one, and refused with the reason once there were enough", async () => {
  const lines = [new SlowLine(), new SlowLine(), new SlowLine()];
  const { router, opened, arrive } = setUp(lines);
  const got: string[] = [];
  const { ask } = router.connect(
    () => got.push("drawn"),
    () => got.push(router.why),
  );
  ask("1", "dot 1");
  await arrive();
  lines[0]?.die();
  lines[1]?.die();
  assert.deepEqual([got, lines[2]?.questions.map((question) => question.dot)], [[], ["dot 1"]]);
  lines[2]?.die();
  assert.deepEqual([got, opened.length], [["its worker does not start"], 3]);
});

test("a question that a worker died of, which had answered others, is refused, and no other", async () => {
  const lines = [new SlowLine(), new SlowLine(), new SlowLine()];
  const { router, arrive } = setUp(lines);
  const got: string[] = [];
  const [deadly, harmless] = ["deadly", "harmless"].map((name) =>
    router.connect(
      (seq) => got.push(`${name} ${seq}`),
      () => got.push(`${name} is refused`),
    ),
  );
  deadly?.ask("1", "small");
  await arrive();
  lines[0]?.answer();
  deadly?.ask("2", "huge");
  harmless?.ask("3", "small");
  lines[0]?.die("out of memory");
  lines[1]?.die(); // before it has answered: it may not be the question's fault
  lines[2]?.answer();
  assert.deepEqual(got, ["deadly 1", "deadly is refused", "harmless 3"]);
  assert.equal(router.why, "", "others are drawn");
});

test("where no worker lives, few are tried, and it is known why", async () => {
  const { router, opened, arrive } = setUp([]);
  let refused = 0;
  const { ask } = router.connect(
    () => assert.fail("nothing can be answered"),
    () => refused++,
  );
  ask("1", "dot");
  await arrive();
  for (let seq = 2; seq < 20; seq++) ask(String(seq), "dot");
  assert.equal(opened.length, 3);
  assert.equal(refused, 19, "the view hears of each");
  assert.match(router.why, /refused by the page's policy/);
});

test("a worker in which WebAssembly is forbidden says so once, and is asked no more", async () => {
  const { line, router, opened, arrive } = setUp();
  let refused = 0;
  const { ask } = router.connect(
    () => {},
    () => refused++,
  );
  ask("1", "dot");
  await arrive();
  line.onmessage?.({ data: { key: 0, dead: "CompileError" } } as MessageEvent<Answer>);
  ask("2", "dot");
  assert.deepEqual([refused, opened.length, line.ended, router.why], [2, 1, true, "CompileError"]);
});

test("code that does not come is a reason too", async () => {
  const { router, fail } = setUp();
  let refused = 0;
  router
    .connect(
      () => {},
      () => refused++,
    )
    .ask("1", "dot");
  fail("the kernel has none");
  await settled();
  assert.equal(refused, 1);
  assert.match(router.why, /the kernel has none/);
});

test("what a page lacks is known before anything is loaded", () => {
  assert.match(reasonAgainst({ WebAssembly: {} }), /no workers/);
  assert.match(reasonAgainst({ Worker: {} }), /no WebAssembly/);
  assert.equal(reasonAgainst({ Worker: {}, WebAssembly: {} }), "");
});

test("the last view that leaves ends the worker, and the next question starts another without loading the code again", async () => {
  const lines = [new SlowLine(), new SlowLine()];
  const { router, asked, opened, arrive } = setUp(lines);
  const got: string[] = [];
  const [one, other] = ["one", "other"].map((name) =>
    router.connect(
      (seq) => got.push(`${name} ${seq}`),
      () => got.push(`${name} is refused`),
    ),
  );
  one?.ask("1", "dot");
  await arrive();
  one?.ask("2", "dot");
  one?.leave();
  lines[0]?.answer();
  assert.deepEqual([got, lines[0]?.ended, lines[0]?.questions], [[], false, []], "nobody waits for its answers");
  other?.leave();
  assert.equal(lines[0]?.ended, true);
  router.connect((seq) => got.push(`new ${seq}`)).ask("3", "dot");
  lines[1]?.answer();
  assert.deepEqual([got, asked(), opened.length], [["new 3"], 1, 2]);
});

test("what a view has asked that is gone is not asked of another worker", async () => {
  const lines = [new SlowLine(), new SlowLine()];
  const { router, opened, arrive } = setUp(lines);
  const { ask, leave } = router.connect(() => {});
  router.connect(() => {});
  ask("1", "dot");
  await arrive();
  leave();
  lines[0]?.die();
  assert.equal(opened.length, 1);
});

test("a router that is closed ends its worker, and starts no other", async () => {
  const lines = [new SlowLine(), new SlowLine()];
  const { router, opened, arrive } = setUp(lines);
  let refused = 0;
  const { ask } = router.connect(
    () => {},
    () => refused++,
  );
  ask("1", "dot");
  await arrive();
  router.close();
  ask("2", "dot");
  assert.deepEqual([lines[0]?.ended, opened.length, refused], [true, 1, 1]);
});

test("the address of the worker's code is given back when the worker has begun, has failed, or was refused", async (context) => {
  const held = new Set<string>();
  context.mock.method(URL, "createObjectURL", () => {
    held.add("blob:");
    return "blob:";
  });
  context.mock.method(URL, "revokeObjectURL", (address: string) => held.delete(address));
  context.after(() => Reflect.deleteProperty(globalThis, "Worker"));
  for (const event of ["message", "error"]) {
    Object.assign(globalThis, { Worker: EventTarget });
    const worker = openWorker("code");
    assert.equal(held.size, 1);
    worker.dispatchEvent(new Event(event));
    assert.equal(held.size, 0, event);
  }
  const refuse = class {
    constructor() {
      throw new Error("no workers here");
    }
  };
  Object.assign(globalThis, { Worker: refuse });
  assert.throws(() => openWorker("code"), /no workers here/);
  assert.equal(held.size, 0);
});
