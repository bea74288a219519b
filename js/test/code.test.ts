import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import "./dom.ts";
import { fetched, started } from "../src/code.ts";

const code = new DataView(new ArrayBuffer(1));

type Hear = (message: unknown, buffers: DataView[]) => void;

/** A hub's model whose kernel answers when it is told to, in a page whose clock is told to go. */
function setUp(context: TestContext, send = (_content: unknown): void => {}) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const heard = new Set<Hear>();
  let seconds = 0;
  const asks: [number, unknown][] = [];
  const model = {
    send: (content: unknown) => {
      asks.push([seconds, content]);
      send(content);
    },
    on: (_event: string, hear: unknown) => heard.add(hear as Hear),
    off: (_event: string | null, hear?: unknown) => heard.delete(hear as Hear),
  };
  const arrive = (type: string, buffers = [code]): void => {
    for (const hear of heard) hear({ type }, buffers);
  };
  const pass = (more: number): void => {
    for (; more > 0; more--) {
      seconds++;
      context.mock.timers.tick(1000);
    }
  };
  return { model, arrive, pass, heard, asks, times: () => asks.map(([second]) => second) };
}

test("code that comes by itself is not asked for", async (context) => {
  const { model, arrive, pass, asks, heard } = setUp(context);
  const found = fetched(model, "controls", { coming: true });
  arrive("code");
  arrive("controls", []);
  assert.equal(heard.size, 1, "neither was what it waits for");
  arrive("controls");
  assert.equal(await found, code);
  pass(600);
  assert.deepEqual([asks, heard.size], [[], 0]);
});

test("code that was lost is asked for again, each time after twice the time, until it is there", async (context) => {
  const { model, arrive, pass, asks, times } = setUp(context);
  const found = fetched(model, "code", { coming: true });
  pass(40);
  assert.deepEqual(times(), [5, 15, 35]);
  assert.deepEqual(asks[0]?.[1], { type: "code" });
  arrive("code");
  assert.equal(await found, code);
  pass(600);
  assert.deepEqual(times(), [5, 15, 35]);
});

test("a busy kernel, which would answer each of many asks, is asked once, and again when it is idle", (context) => {
  const { model, pass, times } = setUp(context);
  const kernel = { status: "busy" };
  fetched({ ...model, widget_manager: { kernel, get_model: () => Promise.reject() } }, "graphviz");
  pass(300);
  assert.deepEqual(times(), [0]);
  kernel.status = "idle";
  pass(6);
  assert.equal(times().length, 2, "the answer was lost, or is on its way");
});

test("code that nobody sends is asked for at once, and again if the answer is lost", (context) => {
  const { model, pass, times } = setUp(context);
  fetched(model, "graphviz");
  pass(20);
  assert.deepEqual(times(), [0, 5, 15]);
});

test("a hub that is closed asks no longer, and whoever waits is told", async (context) => {
  const { model, pass, asks, heard } = setUp(context);
  const stop = new AbortController();
  const found = fetched(model, "code", { coming: true, signal: stop.signal });
  stop.abort();
  await assert.rejects(found, /its Jupyter kernel has closed it/);
  await assert.rejects(fetched(model, "code", { signal: stop.signal }), /its Jupyter kernel has closed it/);
  pass(600);
  assert.deepEqual([asks, heard.size], [[], 0]);
});

test("where nobody is left to ask, whoever waits is told", async (context) => {
  const { model, pass, times, heard } = setUp(context, () => {
    throw new Error("Cannot send");
  });
  const found = fetched(model, "code", { coming: true });
  pass(5);
  await assert.rejects(found, /its Jupyter kernel is gone: run all/);
  pass(600);
  assert.deepEqual([times(), heard.size], [[5], 0]);
});

test("a kernel that has no code says why", async (context) => {
  const { model, pass, times, heard } = setUp(context);
  const found = fetched(model, "graphviz");
  for (const hear of heard) hear({ type: "graphviz", reason: "graphviz.js is missing" }, []);
  await assert.rejects(found, /graphviz.js is missing/);
  pass(600);
  assert.deepEqual(times(), [0]);
});

test("a page that forbids such scripts is told apart from code that fails", async () => {
  const violates = (blockedURI: string): void => {
    document.dispatchEvent(Object.assign(new Event("securitypolicyviolation"), { blockedURI }));
  };
  const forbidden = started("export default 1");
  violates("blob");
  await assert.rejects(forbidden, /this page forbids scripts at blob: addresses; ask for script-src blob:/);
  const fails = started("export default 1"); // Node knows no such addresses
  violates("https://elsewhere.example/one.js");
  await assert.rejects(fails, (error: Error) => !error.message.includes("forbids"));
});
