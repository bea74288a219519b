import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";
import "./dom.ts";
import type { HubArguments, RenderArguments } from "../src/model.ts";

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

function setUp() {
  const asked: unknown[] = [];
  const model = { on: () => {}, off: () => {}, send: (content: unknown) => asked.push(content) };
  const stop = new AbortController();
  const { mount } = hub.initialize({ model, signal: stop.signal } as HubArguments);
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const gone = new AbortController();
  const traits: Record<string, unknown> = { frame: {}, selection_model: "s", twin_id: "t", pinned: [] };
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
