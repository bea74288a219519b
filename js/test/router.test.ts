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
  router.join();
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
  assert.equal(asked(), 0);
  const answers = ["a", "b"].map((dot) => router.ask(dot));
  assert.deepEqual([asked(), opened], [1, []]);
  await arrive();
  await settled();
  assert.deepEqual(opened, ["graphviz"]);
  assert.deepEqual(
    line.questions.map(({ dot }) => dot),
    ["a", "b"],
  );
  line.answer();
  line.answer({ svg: "<svg>b</svg>" });
  assert.deepEqual(await Promise.all(answers), ["<svg/>", "<svg>b</svg>"], "each gets its own");
});

test("a picture that Graphviz refuses does not stop the next", async (context) => {
  context.mock.method(console, "warn", () => {});
  const { line, router, arrive } = setUp();
  const answers = ["bad", "good"].map((dot) => router.ask(dot));
  await arrive();
  await settled();
  line.answer({ svg: undefined as never, error: "syntax error" });
  line.answer();
  assert.deepEqual(await Promise.all(answers), [null, "<svg/>"]);
  assert.equal(router.why, "", "other pictures can be drawn");
});

test("after a worker that died of a question another is asked the next", async () => {
  const lines = [new SlowLine(), new SlowLine()];
  const { router, arrive } = setUp(lines);
  const small = router.ask("small");
  await arrive();
  await settled();
  lines[0]?.answer();
  const huge = router.ask("huge");
  await settled();
  lines[0]?.die("out of memory");
  assert.deepEqual([await small, await huge, lines[0]?.ended], ["<svg/>", null, true]);
  assert.equal(router.why, "", "others are drawn");
  const next = router.ask("next");
  await settled();
  lines[1]?.answer();
  assert.equal(await next, "<svg/>");
});

test("a first worker that died of its question is followed by another, and the next that dies so by none", async () => {
  const lines = [new SlowLine(), new SlowLine()];
  const { router, opened, arrive } = setUp(lines);
  const huge = router.ask("huge");
  await arrive();
  await settled();
  lines[0]?.die("out of memory");
  assert.deepEqual([await huge, router.why], [null, ""]);
  const next = router.ask("next");
  await settled();
  lines[1]?.die("out of memory");
  assert.deepEqual([await next, router.why], [null, "out of memory"]);
  assert.deepEqual([await router.ask("last"), opened.length], [null, 2]);
});

test("where no worker lives it is known why, and none is tried again", async () => {
  for (const [line, why] of [
    [new SlowLine(), "its worker does not start"],
    [undefined, "Error: refused by the page's policy"],
  ] as const) {
    const { router, opened, arrive } = setUp(line ? [line] : []);
    const asked = router.ask("dot");
    await arrive();
    await settled();
    line?.die();
    assert.deepEqual([await asked, await router.ask("dot"), router.why, opened.length], [null, null, why, 1]);
  }
});

test("a worker in which WebAssembly is forbidden says so once, and is asked no more", async () => {
  const { line, router, opened, arrive } = setUp();
  const asked = router.ask("dot");
  await arrive();
  await settled();
  line.onmessage?.({ data: { key: 0, dead: "CompileError" } } as MessageEvent<Answer>);
  assert.deepEqual([await asked, await router.ask("dot")], [null, null]);
  assert.deepEqual([opened.length, line.ended, router.why], [1, true, "CompileError"]);
});

test("code that does not come is a reason too", async () => {
  const { router, fail } = setUp();
  const asked = router.ask("dot");
  fail("the kernel has none");
  assert.equal(await asked, null);
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
  router.join();
  const first = router.ask("dot");
  await arrive();
  await settled();
  router.leave();
  assert.equal(lines[0]?.ended, false);
  router.leave();
  assert.deepEqual([lines[0]?.ended, await first], [true, null]);
  router.join();
  const next = router.ask("dot");
  await settled();
  lines[1]?.answer();
  assert.deepEqual([await next, asked(), opened.length], ["<svg/>", 1, 2]);
});

test("code that comes after the last view has left starts no worker", async () => {
  const { router, opened, arrive } = setUp();
  const asked = router.ask("dot");
  router.leave();
  await arrive();
  assert.deepEqual([await asked, opened], [null, []]);
});

test("a router that is closed ends its worker, and starts no other", async () => {
  const { line, router, opened, arrive } = setUp();
  const asked = router.ask("dot");
  await arrive();
  await settled();
  router.close();
  assert.deepEqual([line.ended, await asked, await router.ask("dot"), opened.length], [true, null, null, 1]);
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
