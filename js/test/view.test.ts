import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import "./dom.ts";
import { zlibSync } from "fflate";
import { Controls } from "../src/controls.ts";
import { type Line, Router } from "../src/drawing.ts";
import type { Answer } from "../src/graphviz.ts";
import type { HubExports, Model, RenderArguments, SelectionModel, ViewTraits } from "../src/host.ts";
import { mount } from "../src/mount.ts";
import view from "../src/view.ts";
import type { Request, Scene } from "../src/wire.ts";
import { node, now, Sight, scene, without } from "./dom.ts";

Object.assign(globalThis, {
  CSS: { escape: (text: string) => text },
  addEventListener: window.addEventListener.bind(window),
  requestAnimationFrame: (draw: () => void) => setTimeout(draw),
});

function packed(drawn: Scene): DataView {
  return new DataView(zlibSync(new TextEncoder().encode(JSON.stringify({ scene: drawn, when: now }))).slice().buffer);
}

/** What stops each picture. */
const drawn: AbortController[] = [];
afterEach(() => {
  for (const picture of drawn.splice(0)) picture.abort();
});

/** A model of the page that only remembers what it was sent, and a place to draw. */
function setUp(traits: Partial<ViewTraits> = {}, host: Partial<NonNullable<RenderArguments["host"]>> = {}) {
  const sent: Request[] = [];
  const heard = new Map<string, ((...args: never[]) => void)[]>();
  const state: ViewTraits = {
    frame: { seq: 1, data: packed(scene([node("a", { thing: "entry:1", action: "select" })])) },
    film: {},
    spot: {},
    hub: "h",
    selection_model: "s",
    twin_id: "t",
    origin: "",
    status: "",
    ...traits,
  };
  const model: Model<ViewTraits> = {
    get: (name) => state[name],
    set: (name, value) => Object.assign(state, { [name]: value }),
    save_changes: () => {},
    on: (event, callback) => heard.set(event, [...(heard.get(event) ?? []), callback]),
    off: () => {},
    send: (content) => sent.push(content as Request),
  };
  const chosen = { selection: "", reached: [1, 0] };
  const selection = { ...model, get: (name: keyof typeof chosen) => chosen[name] } as unknown as SelectionModel;
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const exports: HubExports = {
    mount: async (given) => {
      const figure = await mount(given);
      figure?.equip(new Controls(figure, without()));
    },
  };
  const stop = new AbortController();
  drawn.push(stop);
  const given: RenderArguments = {
    model,
    el,
    signal: stop.signal,
    host: { getModel: async () => selection, getWidget: async () => ({ exports }), ...host },
  };
  const fire = (event: string, ...args: unknown[]) => {
    for (const callback of heard.get(event) ?? []) (callback as (...all: unknown[]) => void)(...args);
  };
  return { sent, state, chosen, el, given, fire, stop };
}

const status = (el: HTMLElement) => el.querySelector(".vmw-status")?.textContent;
const said = (sent: Request[]) => sent.map((request) => request.type);

test("a view is drawn and says hello", async () => {
  const { el, given, sent } = setUp();
  await view.render(given);
  assert.equal(el.querySelectorAll(".node").length, 1);
  assert.deepEqual(said(sent), ["hello"]);
});

test("an operation is told with its picture; where none comes, a little later", async (context) => {
  const { el, given, state, chosen, fire } = setUp();
  await view.render(given);
  const where = () => el.querySelector(".vmw-where")?.textContent ?? "";
  const before = where();
  context.mock.timers.enable({ apis: ["setTimeout"] });
  chosen.reached = [8, 1];
  fire("change:reached");
  assert.equal(where(), before, "its picture is on its way");
  context.mock.timers.tick(1000);
  assert.match(where(), / of 8/);
  chosen.reached = [9, 1];
  fire("change:reached");
  const when = { ...now, number: 9 };
  const text = JSON.stringify({ scene: scene([node("b")]), when });
  Object.assign(state, {
    frame: { seq: 2, data: new DataView(zlibSync(new TextEncoder().encode(text)).slice().buffer) },
  });
  fire("change:frame");
  context.mock.timers.tick(20);
  assert.match(where(), /operation 9 of 9/);
  assert.ok(el.querySelector('[data-id="b"]'));
  context.mock.timers.reset();
});

test("a hub that is gone is told apart from a picture that fails", async () => {
  const gone = setUp({}, { getWidget: () => Promise.reject(new Error("model not found")) });
  await view.render(gone.given);
  assert.match(gone.el.textContent ?? "", /lost its drawing code: run this cell again/);
  const fails = setUp(
    {},
    { getWidget: async () => ({ exports: { mount: () => Promise.reject(new Error("no SVG")) } }) },
  );
  await view.render(fails.given);
  assert.equal(fails.el.textContent, "This picture could not be drawn. (Error: no SVG)");
  const old = setUp();
  await view.render({ model: old.given.model, el: old.el, signal: old.given.signal });
  assert.match(old.el.textContent ?? "", /needs anywidget 0.11/);
});

test("a frame that is damaged says so, and the next one is drawn", async () => {
  const { el, given, state, fire } = setUp({ frame: { seq: 1, data: new DataView(new ArrayBuffer(3)) } });
  await view.render(given);
  assert.match(status(el) ?? "", /^Picture 1 could not be drawn/);
  state.frame = { seq: 2, data: packed(scene([node("a")])) };
  fire("change:frame");
  await new Promise((done) => setTimeout(done, 50));
  assert.equal(status(el), "");
  assert.equal(el.querySelectorAll(".node").length, 1);
});

test("what another view has asked for is no matter of this one: nothing is saved twice, and no refusal told twice", async (context) => {
  const { el, given, sent, fire } = setUp();
  await view.render(given);
  context.mock.timers.enable({ apis: ["setTimeout"] }); // what is saved keeps its address for a while
  const saved: Blob[] = [];
  URL.createObjectURL = (blob: Blob) => {
    saved.push(blob);
    return "blob:";
  };
  (el.querySelector('[aria-label="save this picture as a file"]') as HTMLElement).click();
  const { page } = sent.find((request) => request.type === "export") as Request & { page: string };
  const hello = sent.find((request) => request.type === "hello");
  assert.deepEqual(hello, { type: "hello", seq: 1, visible: true, width: 0, height: 0, nth: 1, page });
  const reply = { type: "export", form: "light", seq: 1, operation: now.number, place: -1 };
  const file = [new DataView(zlibSync(new TextEncoder().encode("<svg/>")).buffer as ArrayBuffer)];
  fire("msg:custom", { ...reply, page: "another" }, file);
  fire("msg:custom", { type: "refused", reason: "open: it can't be opened", page: "another" });
  assert.deepEqual([saved.length, status(el)], [0, ""]);
  fire("msg:custom", { ...reply, page }, file);
  fire("msg:custom", { type: "refused", reason: "no such address", page });
  assert.deepEqual([saved.length, status(el)], [1, "no such address"]);
  fire("msg:custom", { type: "refused", reason: "the browser may not set frame" });
  assert.equal(status(el), "the browser may not set frame", "to all");
});

test("all texts that are to be laid out wait for the controls", async () => {
  const { given, sent, fire } = setUp();
  const figure = await mount(given);
  for (const [key, text] of ["one", "two"].entries())
    fire("msg:custom", { type: "layout", key }, [
      new DataView(zlibSync(new TextEncoder().encode(text)).slice().buffer),
    ]);
  const line: Line = {
    onmessage: null,
    terminate: () => {},
    postMessage: ({ key, dot }) => line.onmessage?.({ data: { key, svg: dot } } as MessageEvent<Answer>),
  };
  const router = new Router(
    async () => "graphviz",
    () => line,
  );
  if (figure) figure.equip(new Controls(figure, router));
  await new Promise((done) => setTimeout(done));
  const laid = sent.filter((request) => request.type === "laid").map(({ key, svg }) => [key, svg]);
  assert.deepEqual(laid, [
    [0, "one"],
    [1, "two"],
  ]);
});

test("without the selection's model a picture is drawn, and a click says what is missing", async () => {
  const { el, given } = setUp({}, { getModel: () => Promise.reject(new Error("closed")) });
  await view.render(given);
  el.querySelector(".node")?.dispatchEvent(new window.MouseEvent("click", { bubbles: true }));
  assert.match(status(el) ?? "", /selection.*run this cell again/);
});

test("a page that is asked whether it is there says hello, one that is left says bye", async () => {
  const { given, sent, fire, stop } = setUp();
  await view.render(given);
  fire("msg:custom", { type: "who" });
  assert.deepEqual(said(sent), ["hello", "hello"]);
  window.dispatchEvent(new window.Event("pagehide"));
  assert.deepEqual(said(sent), ["hello", "hello", "bye"]);
  stop.abort();
  window.dispatchEvent(new window.Event("pagehide"));
  await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(said(sent), ["hello", "hello", "bye", "bye"]);
});

test("a picture says when it leaves the window and when it comes back, and nothing once it is gone", async () => {
  const { given, sent, stop } = setUp();
  await view.render(given);
  const sights = () =>
    sent.filter((request) => request.type === "hello").map((request) => "visible" in request && request.visible);
  const sight = Sight.all.at(-1) as Sight;
  sight.say(true);
  assert.deepEqual(sights(), [true], "it is said to be seen");
  sight.say(false);
  sight.say(false);
  sight.say(true);
  assert.deepEqual(sights(), [true, false, true]);
  stop.abort();
  assert.equal(sight.watched, 0);
});

test("a page says hello while it is seen, and at once when it is seen again", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const { given, sent, stop } = setUp();
  await view.render(given);
  const hidden = (is: boolean): void => {
    Object.defineProperty(document, "hidden", { value: is, configurable: true });
    document.dispatchEvent(new window.Event("visibilitychange") as unknown as Event);
  };
  const hellos = (): number => said(sent).filter((type) => type === "hello").length;
  context.mock.timers.tick(180_000);
  assert.equal(hellos(), 4);
  hidden(true);
  context.mock.timers.tick(180_000);
  assert.equal(hellos(), 4);
  hidden(false);
  assert.equal(hellos(), 5);
  stop.abort();
  context.mock.timers.tick(180_000);
  assert.equal(hellos(), 5);
});

test("without a kernel a picture says so, asks for nothing and can still be read; with one again it says hello", async () => {
  const listeners: (() => void)[] = [];
  const whole = { comm_live: true };
  const kernel = {
    disposed: { connect: (listener: () => void) => listeners.push(listener) > 0, disconnect: () => true },
  };
  const nodes = [
    node("a", { lane: "x", thing: "entry:1", action: "select" }),
    node("stub", { lane: "x", action: "open", value: 1 }),
  ];
  const { el, given, sent, fire } = setUp({ frame: { seq: 1, data: packed(scene(nodes)) } });
  given.model.widget_manager = { get_model: async () => whole, kernel };
  await view.render(given);
  const figure = el.querySelector(".vmwidgets") as HTMLElement;
  for (const listener of listeners) listener();
  assert.match(status(el) ?? "", /^The Jupyter kernel of this picture is gone/);
  assert.ok(figure.classList.contains("vmw-alone"));
  sent.length = 0;
  const press = (id: string, key: string) =>
    el
      .querySelector(`[data-id="${id}"]`)
      ?.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }) as unknown as Event);
  for (const key of ["Enter", " ", "p", "s", "t", "[", "]", "{", "}", "c", "+", "ArrowUp"]) press("stub", key);
  for (const button of el.querySelectorAll("button")) button.click();
  el.querySelector('[data-id="stub"]')?.dispatchEvent(new window.MouseEvent("click", { bubbles: true }));
  await new Promise((done) => setTimeout(done, 100));
  assert.deepEqual(sent, []);
  press("a", "Enter");
  assert.ok(el.querySelector('[data-id="a"]')?.classList.contains("selected"), "what is there can be looked at");
  fire("comm_live_update");
  assert.deepEqual([status(el), said(sent), figure.classList.contains("vmw-alone")], ["", ["hello"], false]);
});

test("a view that is made after the kernel's restart can be read, says what to do, and is closed with its page", async () => {
  const { el, given, sent, stop, fire } = setUp();
  const whole = { comm_live: false };
  given.model.widget_manager = { get_model: async () => whole };
  const { send } = given.model;
  given.model.send = () => {
    throw new Error("Cannot send"); // as JupyterLab does for a model whose kernel is gone
  };
  await view.render(given);
  assert.equal(status(el), "kernel restarted: run all");
  assert.equal(el.querySelectorAll(".node").length, 1);
  assert.ok(el.querySelector(".vmw-alone"));
  given.model.send = send;
  whole.comm_live = true;
  fire("comm_live_update");
  assert.deepEqual([status(el), said(sent), el.querySelector(".vmw-alone")], ["", ["hello"], null]);
  stop.abort();
  assert.equal(el.querySelector(".vmwidgets"), null);
});

test("a view that fails while it is made leaves nothing of itself on the page", async () => {
  const { el, given, stop } = setUp();
  const regions = () => document.querySelectorAll(".vmw-spoken").length;
  const before = regions();
  given.model.send = () => {
    throw new Error("no line");
  };
  await view.render(given);
  assert.equal(el.textContent, "This picture could not be drawn. (Error: no line)");
  stop.abort();
  assert.equal(regions(), before, "nobody else speaks on this page");
});

test("what changes while a view is made is not missed: the kernel's end, and another selection", async () => {
  const set: string[] = [];
  const followed: string[] = [];
  const model = (name: string): SelectionModel => ({
    get: ((trait: string) => ({ selection: "", reached: [1, 0] })[trait]) as SelectionModel["get"],
    set: () => set.push(name),
    save_changes: () => {},
    on: (event: string) => event === "change:selection" && followed.push(name),
    off: () => {},
    send: () => {},
  });
  const gives = new Map<string, () => void>();
  const getModel = (reference: string): Promise<SelectionModel> =>
    new Promise((give) => gives.set(reference, () => give(model(reference))));
  const { el, given, state, fire } = setUp({}, { getModel });
  const whole = { comm_live: true };
  given.model.widget_manager = { get_model: async () => whole };
  const settled = () => new Promise((done) => setTimeout(done, 5));
  const drawn = view.render(given);
  await settled();
  state.selection_model = "s2";
  fire("change:selection_model");
  whole.comm_live = false;
  fire("comm_live_update");
  gives.get("anywidget:s")?.();
  await settled();
  gives.get("anywidget:s2")?.();
  await drawn;
  assert.equal(status(el), "kernel restarted: run all");
  whole.comm_live = true;
  fire("comm_live_update");
  const click = () =>
    el.querySelector(".node")?.dispatchEvent(new window.MouseEvent("click", { bubbles: true }) as unknown as Event);
  click();
  assert.deepEqual(set.splice(0), ["anywidget:s2"]);
  for (const id of ["s3", "s4"]) {
    state.selection_model = id;
    fire("change:selection_model");
    await settled();
  }
  gives.get("anywidget:s4")?.();
  await settled();
  gives.get("anywidget:s3")?.(); // the older one is late
  await settled();
  gives.get("anywidget:s4")?.();
  await settled();
  click();
  assert.deepEqual(set, ["anywidget:s4"]);
  assert.deepEqual(followed, ["anywidget:s2", "anywidget:s4"], "each once");
});
