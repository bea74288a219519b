import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { unzlibSync, zlibSync } from "fflate";
import "./dom.ts";
import type { RenderArguments } from "../src/host.ts";
import loader from "../src/loader.ts";

const CODE =
  "export default { initialize: ({ model, controls }) => ({ mount: async (view) => { view.el.textContent = model.get('coming'); view.el.controls = controls; } }) };";

let given = new Blob();
const coded = (blob: Blob): string => {
  given = blob;
  return `data:text/javascript,${encodeURIComponent(CODE)}`; // Node imports no blobs
};
URL.createObjectURL = coded;

/** Hubs of other tests no longer wait for what never comes. */
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function setUp(coming: boolean) {
  const sent: unknown[] = [];
  type Hear = (message: unknown, buffers: DataView[]) => void;
  const heard = new Set<Hear>();
  const stop = new AbortController();
  stops.push(stop);
  const model = {
    get: () => coming,
    send: (content: unknown) => sent.push(content),
    on: (_event: string, callback: Hear) => heard.add(callback),
    off: (_event: string, callback: Hear) => heard.delete(callback),
  };
  const hub = loader.initialize({ model, signal: stop.signal } as unknown as Parameters<typeof loader.initialize>[0]);
  const arrive = (type = "code", text = CODE) => {
    const packed = new DataView(zlibSync(new TextEncoder().encode(text)).slice().buffer);
    for (const hear of heard) hear({ type }, [packed]);
  };
  const el = document.createElement("div");
  const gone = new AbortController();
  const shown = { widget_manager: { kernel: {} as object | null } };
  const view = { el, model: shown, signal: gone.signal } as unknown as RenderArguments;
  return { sent, hub, arrive, el, shown, view, stop, gone };
}

test("a view is drawn once the code has come, which gets the hub's model", async () => {
  const { sent, hub, arrive, el, view } = setUp(true);
  const drawn = hub.mount(view);
  assert.equal(el.textContent, "");
  arrive();
  await drawn;
  assert.equal(el.textContent, "true", "it asks the model itself");
  assert.equal(await given.text(), CODE, "what was packed is what is run");
  assert.deepEqual(sent, [], "it comes by itself");
});

test("a page that was opened later asks for the code, and a view that is gone is not drawn", async () => {
  const { sent, hub, arrive, el, view, gone } = setUp(false);
  assert.deepEqual(sent, [{ type: "code" }]);
  const drawn = hub.mount(view);
  gone.abort();
  arrive();
  await drawn;
  assert.equal(el.textContent, "");
});

test("the controls' code comes by itself too, behind the first picture; a page that was opened later asks for it", async () => {
  const controls = async (coming: boolean): Promise<unknown> => {
    const { hub, arrive, el, view } = setUp(coming);
    const drawn = hub.mount(view);
    arrive();
    await drawn;
    arrive("controls", "all that is pressed");
    return (el as unknown as { controls: unknown }).controls;
  };
  const packed = (await controls(true)) as DataView;
  const bytes = new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  assert.equal(new TextDecoder().decode(unzlibSync(bytes)), "all that is pressed");
  assert.equal(await controls(false), undefined, "it asks the model itself, once its picture is painted");
});

test("code that was lost is asked for, and meanwhile the view says what it waits for", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { sent, hub, arrive, el, view } = setUp(true);
  const drawn = hub.mount(view);
  context.mock.timers.tick(4000);
  assert.deepEqual([sent, el.textContent], [[], ""]);
  context.mock.timers.tick(2000);
  assert.equal(el.textContent, "The Jupyter kernel sends the code of this picture as soon as it is idle.");
  assert.deepEqual(sent, [{ type: "controls" }, { type: "code" }]);
  arrive();
  await drawn;
  assert.equal(el.textContent, "true", "its picture is there instead");
});

test("an exported page, which has no kernel to wait for, is left as it is", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { hub, el, shown, view, stop } = setUp(true);
  shown.widget_manager.kernel = null;
  const drawn = hub.mount(view);
  context.mock.timers.tick(60_000);
  assert.equal(el.textContent, "");
  stop.abort();
  await assert.rejects(drawn);
});

test("a hub that is closed before its code has come is no hub: views that wait are told, and later ones too", async () => {
  const { hub, view, stop } = setUp(true);
  const drawn = hub.mount(view);
  stop.abort();
  await assert.rejects(drawn, /run this cell again/);
  await assert.rejects(hub.mount(view), /run this cell again/);
});

test("code that does not run does not stay: the next view asks for it again", async () => {
  const { sent, hub, arrive, el, view } = setUp(true);
  const damaged = hub.mount(view);
  URL.createObjectURL = () => "data:text/javascript,throw 1";
  arrive();
  await assert.rejects(damaged);
  URL.createObjectURL = coded;
  const drawn = hub.mount(view);
  assert.deepEqual(sent, [{ type: "code" }]);
  arrive();
  await drawn;
  assert.equal(el.textContent, "true");
});
