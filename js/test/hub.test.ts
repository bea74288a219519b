import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";
import "./dom.ts";
import type { HubArguments, RenderArguments } from "../src/host.ts";

// The build puts these in.
Object.assign(globalThis, {
  BUNDLE: "tested",
  CSS: { escape: (text: string) => text },
  matchMedia: () => ({ addEventListener: () => {} }),
  requestAnimationFrame: (draw: () => void) => setTimeout(draw),
  getComputedStyle: window.getComputedStyle.bind(window),
  MutationObserver: window.MutationObserver,
  CSSStyleSheet: window.CSSStyleSheet,
  ShadowRoot: window.ShadowRoot,
});
registerHooks({
  load: (url, context, next) =>
    url.endsWith(".css") ? { format: "module", source: 'export default "";', shortCircuit: true } : next(url, context),
});
const { default: hub } = await import("../src/hub.ts");
const { mount } = await import("../src/mount.ts");

/** A model with these traits; `told` gets what listens to its messages. */
function heard(traits: Record<string, unknown>, told: ((content: unknown) => void)[] = []) {
  return {
    get: (name: string) => traits[name] ?? "",
    set: (name: string, value: unknown) => Object.assign(traits, { [name]: value }),
    save_changes: () => {},
    send: () => {},
    on: (event: string, listener: (content: unknown) => void) => event === "msg:custom" && told.push(listener),
    off: () => {},
  };
}

function setUp() {
  const asked: unknown[] = [];
  const model = { on: () => {}, off: () => {}, send: (content: unknown) => asked.push(content) };
  const stop = new AbortController();
  const { mount } = hub.initialize({ model, signal: stop.signal } as HubArguments);
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const gone = new AbortController();
  const traits: Record<string, unknown> = { frame: {}, selection_model: "s", twin_id: "t" };
  const own = { get: (name: string) => traits[name] ?? "", on: () => {}, send: () => {} };
  const view = { model: own, el, signal: gone.signal } as unknown as RenderArguments;
  return { mount, asked, el, view, gone, stop };
}

test("a view that is gone already leaves nothing where it was", async () => {
  const { mount, asked, el, view, gone, stop } = setUp();
  gone.abort();
  await mount(view);
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual([el.className, el.childNodes.length, asked], ["", 0, []]);
  stop.abort();
});

test("a selection that Python refuses is said once, in the picture in which it was chosen", async () => {
  const shared: ((content: unknown) => void)[] = [];
  const selection = heard({ selection: "" }, shared);
  const host = { getModel: async () => selection };
  const gone = new AbortController();
  const draw = async () => {
    const el = document.createElement("div");
    const model = heard({ frame: {}, selection_model: "s", twin_id: "t" });
    const figure = await mount({ model, el, signal: gone.signal, host } as unknown as RenderArguments);
    assert.ok(figure);
    return figure;
  };
  const [one, another] = [await draw(), await draw()];
  const refuse = () => {
    for (const hear of shared) hear({ type: "refused", reason: "its name is too long" });
  };
  const said = () => [one.status.textContent, another.status.textContent];
  refuse();
  assert.deepEqual(said(), ["", ""]);
  one.calls.select("entry:".padEnd(300, "7"));
  refuse();
  assert.deepEqual(said(), ["its name is too long", ""]);
  one.tell("");
  refuse();
  assert.deepEqual(said(), ["", ""]);
  gone.abort();
});
