import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import loader from "../src/loader.ts";
import type { RenderArguments } from "../src/model.ts";

const CODE =
  "export default { initialize: ({ model }) => ({ mount: async (view) => { view.el.textContent = model.get('_esm'); } }) };";

URL.createObjectURL = () => `data:text/javascript,${encodeURIComponent(CODE)}`; // Node imports no blobs

function setUp(coming: boolean) {
  const sent: unknown[] = [];
  let hear: (message: unknown, buffers: DataView[]) => void = () => {};
  const stop = new AbortController();
  const model = {
    get: () => coming,
    send: (content: unknown) => sent.push(content),
    on: (_event: string, callback: typeof hear) => {
      hear = callback;
    },
  };
  const hub = loader.initialize({ model, signal: stop.signal } as unknown as Parameters<typeof loader.initialize>[0]);
  const arrive = () => hear({ type: "code" }, [new DataView(new TextEncoder().encode(CODE).buffer)]);
  const el = document.createElement("div");
  const view = { el, signal: stop.signal } as unknown as RenderArguments;
  return { sent, hub, arrive, el, view, stop };
}

test("a view is drawn once the code has come, which finds its own text", async () => {
  const { sent, hub, arrive, el, view } = setUp(true);
  const drawn = hub.mount(view);
  assert.equal(el.textContent, "");
  arrive();
  await drawn;
  assert.equal(el.textContent, CODE);
  assert.deepEqual(sent, [], "it comes by itself");
});

test("a page that was opened later asks for the code, and a view that is gone is not drawn", async () => {
  const { sent, hub, arrive, el, view, stop } = setUp(false);
  assert.deepEqual(sent, [{ type: "code" }]);
  const drawn = hub.mount(view);
  stop.abort();
  arrive();
  await drawn;
  assert.equal(el.textContent, "");
});
