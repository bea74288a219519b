import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { zlibSync } from "fflate";
import { Company, companyOf, Reel } from "../src/film.ts";
import type { Picture, Request, Scene, When } from "../src/wire.ts";
import { node, now, scene } from "./dom.ts";

const SEEK = { type: "seek", operation: 0, place: -1, latest: -1, stays: false } as const;
const PLACES = [0, 2, 5, -1];

function view(data: Uint8Array): DataView {
  return new DataView(data.slice().buffer);
}

/** A picture of operation 3 after all of its events, as a packed text. */
function picture(more: Partial<When> = {}, place = -1): string {
  const steps = { index: PLACES.indexOf(place), count: 3, operation: 3, places: PLACES, functions: [0, 3] };
  const drawn: Partial<Scene> = scene([node("a"), node("b"), node("c")], [], { steps, title: "after" });
  return JSON.stringify({ scene: drawn, when: { ...now, number: 3, place, ...more } });
}

function frame(text: string): DataView {
  return view(zlibSync(new TextEncoder().encode(text)));
}

/** The film of it: at the first step there is no b, then it comes, then its words change. */
const FRAMES = [
  {
    nodes: [
      [0, 1],
      [2, 1],
    ],
  },
  { nodes: [[0, 1], node("b", { x: 5 }), [2, 1]], title: "at 2" },
  { title: "at 5", caption: null },
  {},
];

function film(text: string, more: object = {}): DataView {
  const packed = { version: 3, number: 3, places: PLACES, base: 3, frames: FRAMES, ...more };
  const dictionary = new TextEncoder().encode(text);
  return view(zlibSync(new TextEncoder().encode(JSON.stringify(packed)), { dictionary }));
}

function setUp(company = new Company(), { kept = false, filmed = true } = {}) {
  const sent: Request[] = [];
  const drawn: Picture[] = [];
  const reel = new Reel({ draw: (_seq, one) => drawn.push(one), send: (request) => sent.push(request) });
  company.latest = 3;
  reel.join(company);
  const text = picture({ kept });
  reel.take({ frame: { seq: 1, data: frame(text) } });
  if (filmed) reel.take({ frame: {}, film: { seq: 1, data: film(text) } });
  const shown = () => {
    const { scene, when } = drawn.at(-1) as Picture;
    return [scene.title, when.place, when.now, scene.nodes.map(({ id }) => id).join("")];
  };
  return { reel, company, sent, drawn, shown, text };
}

test("a step is on the screen at once, and the kernel hears of it", () => {
  const { reel, sent, shown } = setUp();
  assert.equal(reel.go(3, 5), true);
  assert.deepEqual(shown(), ["at 5", 5, false, "abc"]);
  assert.deepEqual(sent, [{ type: "seek", operation: 3, place: 5, latest: 3, stays: false }]);
});

test("each drawing is made of its neighbour, and the last one follows the machine", () => {
  const { reel, drawn, shown } = setUp();
  reel.go(3, 0);
  assert.deepEqual(shown(), ["at 2", 0, false, "ac"]);
  reel.go(3, 2);
  assert.equal(drawn.at(-1)?.scene.nodes[1]?.x, 5);
  assert.deepEqual(drawn.at(-1)?.scene.steps, { index: 1, count: 3, operation: 3, places: PLACES, functions: [0, 3] });
  reel.go(3, -1);
  assert.deepEqual(shown(), ["after", -1, true, "abc"]);
});

test("a difference says only fields: the others stay, null is gone, and what is new comes whole", () => {
  const { reel, drawn, text } = setUp(new Company(), { filmed: false });
  const { scene: base } = JSON.parse(text) as Picture;
  const change = { caption: { text: "half" }, nodes: [{ id: "b", x: 5, kind: null }, node("d"), [2, 1]] };
  reel.take({ frame: {}, film: { seq: 1, data: film(text, { frames: [{}, {}, change, {}] }) } });
  reel.go(3, 5);
  const made = drawn.at(-1)?.scene;
  const { kind: _, ...moved } = node("b", { x: 5 });
  assert.deepEqual(made?.caption, { ...base.caption, text: "half" });
  assert.deepEqual(made?.nodes, [moved, node("d"), node("c")]);
});

test("while the kernel is busy it is told once, and the last step when it has heard", () => {
  const { reel, sent } = setUp();
  for (const place of [5, 2, 0, 2]) reel.go(3, place);
  assert.equal(sent.length, 1);
  reel.heard();
  assert.deepEqual(
    sent.map((one) => one.type === "seek" && one.place),
    [5, 2],
  );
  reel.heard();
  assert.equal(sent.length, 2);
});

test("a moment that is asked for is shown, and no step that was passed before it is told afterwards", () => {
  const { reel, sent, shown } = setUp();
  reel.go(3, 5);
  reel.go(3, 2); // while the kernel is busy with the first
  reel.asks(SEEK);
  reel.take({ frame: {}, spot: { seq: 1, when: { place: 5, now: false } } });
  assert.equal(shown().at(1), 2, "the answer to the first step");
  reel.heard();
  assert.equal(sent.length, 1);
  reel.take({ frame: {}, spot: { seq: 1, when: { now: true } } });
  assert.equal(reel.ahead, false);
  assert.notEqual(shown().at(1), 2);
});

test("what counts from the last step is asked for after the kernel was told of that step", () => {
  const relative: Request[] = [
    { type: "jump", to: "fault", way: 1 },
    { type: "find", text: "heap", way: 1 },
    { ...SEEK, stays: true },
  ];
  for (const request of relative) {
    const { reel, sent } = setUp();
    reel.go(3, 5);
    reel.go(3, 2); // while the kernel is busy with the first
    reel.asks(request);
    assert.deepEqual(
      sent.map((one) => one.type === "seek" && one.place),
      [5, 2],
    );
    reel.heard();
    assert.equal(sent.length, 2, "once");
    reel.go(3, 2);
    assert.equal(sent.length, 3, "the kernel has gone elsewhere meanwhile");
  }
});

test("a picture that stays asks for itself: of where the others went the kernel is told", () => {
  const first = setUp();
  const kept = setUp(first.company, { kept: true });
  first.reel.go(3, 5);
  first.reel.go(3, 2);
  kept.reel.asks(SEEK);
  first.reel.heard();
  assert.deepEqual(
    first.sent.map((one) => one.type === "seek" && one.place),
    [5, 2],
  );
});

test("what the kernel says of a step that was passed moves nothing, and what it says of the last does", () => {
  const { reel, drawn, shown } = setUp();
  reel.go(3, 5);
  reel.go(3, 2);
  const many = drawn.length;
  reel.take({ frame: {}, spot: { seq: 1, when: { place: 5, now: false } } });
  assert.equal(drawn.length, many);
  reel.heard();
  reel.heard();
  reel.take({ frame: {}, spot: { seq: 1, when: { place: 2, now: false } } });
  assert.deepEqual(shown().slice(0, 2), ["at 2", 2]);
  assert.equal(reel.ahead, false);
});

test("all pictures of a machine go along, each as far as its own steps; one that stays does not", () => {
  const first = setUp();
  const second = setUp(first.company);
  const kept = setUp(first.company, { kept: true });
  const many = kept.drawn.length;
  first.reel.go(3, 2);
  assert.deepEqual(second.shown().slice(0, 2), ["at 2", 2]);
  assert.equal(second.sent.length, 0, "one of them tells the kernel");
  assert.equal(kept.drawn.length, many);
  kept.reel.go(3, 0);
  assert.deepEqual(first.shown().slice(0, 2), ["at 2", 2]);
  assert.equal(kept.sent.length, 1);
});

test("a picture that is out of sight goes along when it is seen", () => {
  const first = setUp();
  const second = setUp(first.company);
  second.reel.see(false);
  const many = second.drawn.length;
  for (const place of [5, 2]) first.reel.go(3, place);
  assert.equal(second.drawn.length, many);
  second.reel.see(true);
  assert.deepEqual(second.shown().slice(0, 2), ["at 2", 2]);
  assert.equal(second.drawn.length, many + 1);
});

test("of what a drag passes between two frames of the screen the other pictures draw the newest", () => {
  const frames: (() => void)[] = [];
  Object.assign(globalThis, { requestAnimationFrame: (frame: () => void) => frames.push(frame) });
  const first = setUp();
  const second = setUp(first.company);
  const many = second.drawn.length;
  for (const place of [5, 2, 0]) first.reel.go(3, place);
  assert.deepEqual([first.shown()[1], second.drawn.length, frames.length], [0, many, 1]);
  frames[0]?.();
  assert.deepEqual([second.shown()[1], second.drawn.length], [0, many + 1]);
  Object.assign(globalThis, { requestAnimationFrame: undefined });
});

test("a new operation is seen, wherever the page had gone", () => {
  const { reel, shown } = setUp();
  reel.go(3, 2);
  const text = picture({ number: 4 });
  reel.take({ frame: { seq: 2, data: frame(text) }, film: { seq: 1, data: film(text) } });
  assert.deepEqual(shown().slice(0, 3), ["after", -1, true]);
  assert.equal(reel.go(3, 2), false, "that film is of another frame");
});

test("without a film, and for what is not in it, the kernel is to be asked", () => {
  const bare = setUp(new Company(), { filmed: false });
  assert.equal(bare.reel.go(3, 2), false);
  const { reel, sent } = setUp();
  assert.deepEqual([reel.go(3, 3), reel.go(2, 2), sent.length], [false, false, 0]);
});

test("a film that is cut, foreign or of another version is refused with a reason, once", () => {
  const reasons: [object | null, RegExp][] = [
    [{ number: 4 }, /of operation 4, and the picture of operation 3/],
    [{ places: [0, 2, -1] }, /4 frames of 3/],
    [{ version: 2 }, /of version 2/],
    [{ base: 1 }, /begins at another step/],
    [null, /./],
  ];
  for (const [more, reason] of reasons) {
    const { reel, text } = setUp(new Company(), { filmed: false });
    const whole = film(text, more ?? {});
    const data = more ? whole : new DataView(whole.buffer.slice(0, 40));
    assert.throws(() => reel.take({ frame: {}, film: { seq: 1, data } }), reason);
    reel.take({ frame: {}, film: { seq: 1, data } });
    assert.equal(reel.go(3, 2), false);
  }
});

test("where a drawing of the film can't be made, the kernel is asked", () => {
  const { reel, text } = setUp(new Company(), { filmed: false });
  const frames = [{}, {}, { nodes: [[0, 7]] }, {}];
  reel.take({ frame: {}, film: { seq: 1, data: film(text, { frames }) } });
  assert.equal(reel.go(3, 5), false);
});

test("a step of a film that the page can't read is asked for as a drawing", () => {
  let lost = 0;
  const reel = new Reel({ draw: () => {}, send: () => {}, lost: () => lost++ });
  const text = picture();
  reel.take({ frame: { seq: 1, data: frame(text) } });
  assert.throws(() => reel.take({ frame: {}, film: { seq: 1, data: film(text, { base: 1 }) } }));
  reel.take({ frame: {}, spot: { seq: 1, when: { place: 5, now: false } } });
  assert.equal(lost, 1);
  reel.take({ frame: {}, spot: { seq: 1, when: { place: -1, now: false } } });
  assert.equal(lost, 1, "this drawing is there");
});

test("a picture that leaves while the kernel is to hear of it does not keep the others silent", () => {
  const first = setUp();
  const second = setUp(first.company);
  first.reel.go(3, 2);
  first.reel.leave();
  second.reel.go(3, 0);
  assert.equal(second.sent.length, 1);
});

test("if the picture that tells the kernel leaves, another one that goes along tells it the newest step", () => {
  const first = setUp();
  const kept = setUp(first.company, { kept: true });
  const second = setUp(first.company);
  for (const place of [2, 5, 0]) first.reel.go(3, place);
  first.reel.leave();
  assert.deepEqual(second.sent, [{ type: "seek", operation: 3, place: 0, latest: 3, stays: false }]);
  assert.equal(kept.sent.length, 0, "it stays where it is");
  second.reel.heard();
  assert.equal(second.sent.length, 1);
});

test("pictures of a machine are forgotten with the last of them", () => {
  const company = companyOf("machine 7");
  const first = setUp(company);
  const second = setUp(company);
  first.reel.leave();
  assert.equal(companyOf("machine 7"), company);
  second.reel.join(company);
  assert.equal(companyOf("machine 7"), company);
  second.reel.leave();
  assert.notEqual(companyOf("machine 7"), company);
});

test("while the page is idle the drawings of a film are made, the nearest first", (context) => {
  const idle: (() => void)[] = [];
  Object.assign(globalThis, { requestIdleCallback: (act: () => void) => idle.push(act) });
  context.after(() => Reflect.deleteProperty(globalThis, "requestIdleCallback"));
  const reel = new Reel({ draw: () => {}, send: () => {} });
  const text = picture();
  reel.take({ frame: { seq: 1, data: frame(text) }, film: { seq: 1, data: film(text) } });
  const made: number[] = [];
  const { film: own } = reel;
  assert.ok(own);
  const make = own.made.bind(own);
  own.made = (place) => {
    made.push(place);
    return make(place);
  };
  while (idle.length) idle.shift()?.();
  assert.deepEqual(made, [2, 0], "the one before the last was made at once");
});
