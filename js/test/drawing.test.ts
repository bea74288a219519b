import assert from "node:assert/strict";
import { test } from "node:test";
import { Graphviz } from "@hpcc-js/wasm-graphviz";
import "./dom.ts";
import { type Line, Router } from "../src/drawing.ts";
import type { Answer, Question } from "../src/graphviz.ts";
import type { Request, Scene } from "../src/wire.ts";
import { node, now, scene, without } from "./dom.ts";
import { equipped } from "./equipped.ts";

const graphviz = await Graphviz.load();

/** Graphviz itself, where a page has its worker. */
class Drawer implements Line {
  onmessage: ((event: MessageEvent<Answer>) => unknown) | null = null;
  asked = 0;
  postMessage({ key, dot }: Question): void {
    this.asked++;
    const svg = graphviz.layout(dot, "svg", "dot");
    this.onmessage?.({ data: { key, svg } } as MessageEvent<Answer>);
  }
  terminate(): void {}
}

const DOT = `digraph { graph [rankdir=LR]; node [shape=box style=filled]
  subgraph cluster_list { graph [id="cluster/list" color="#7f8a97"]
    n0 [label="one\\l" id="a" class="entry new"]
    n1 [label="two\\l" id="b" class=entry] }
  n2 [label=<<TABLE BGCOLOR="#f6f8fa" COLOR="#7f8a97"><TR><TD>t</TD></TR><TR><TD PORT="p0" COLOR="#0a7d50" ID="t/r" HREF="#">r</TD></TR></TABLE>>
    id="t" class=table shape=plain]
  n0 -> n1 [id="a/next" class="link next"]; n1 -> n2:p0 [id="b/refers" class="link refers" dir=none] }`;

const nodes = [
  node("a", { thing: "entry:1", action: "select", title: "the first", text: [[4, 17, "one", "label", "start"]] }),
  node("b", { thing: "entry:2", action: "select", x: 200 }),
  node("t", { x: 400 }),
  node("t/r", { x: 404, thing: "pte:1", action: "select", title: "a row" }),
];

function setUp(router: Router) {
  const sent: Request[] = [];
  const chosen: string[] = [];
  const calls = { send: (request: Request) => sent.push(request), select: (thing: string) => chosen.push(thing) };
  const { figure, controls } = equipped(calls, router);
  document.body.replaceChildren(figure.root);
  figure.draw(1, { scene: scene(nodes), when: now });
  const press = figure.root.querySelector<HTMLButtonElement>(
    ".vmw-button[aria-label='draw this picture with Graphviz']",
  );
  assert.ok(press !== null);
  const asked = () => sent.filter((request) => request.type === "export").length;
  const drawing = () => figure.root.querySelector(".vmw-graphviz svg");
  return { sent, chosen, figure, controls, press, asked, drawing, own: figure.renderer.root };
}

const arrived = () => new Promise((done) => setTimeout(done));

function here() {
  const line = new Drawer();
  let asked = 0;
  const code = async () => {
    asked++;
    return "graphviz";
  };
  return { router: new Router(code, () => line), line, loads: () => asked };
}

test("nothing of Graphviz is asked for until somebody presses", () => {
  const { router, loads } = here();
  const { asked, press } = setUp(router);
  assert.deepEqual([asked(), loads(), press.disabled, press.getAttribute("aria-pressed")], [0, 0, false, "false"]);
});

test("a press shows what Graphviz has laid out, with the picture's words and classes, and another goes back", async () => {
  const { router } = here();
  const { controls, press, asked, drawing, own } = setUp(router);
  press.click();
  assert.equal(asked(), 1);
  assert.equal(own.hasAttribute("hidden"), false, "ours stays until there is another");
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT);
  await arrived();
  assert.equal(press.getAttribute("aria-pressed"), "true");
  assert.equal(own.hasAttribute("hidden"), true);
  const svg = drawing();
  assert.match(svg?.getAttribute("viewBox") ?? "", /^0\.00 0\.00 /, "as large as Graphviz has made it");
  assert.deepEqual(
    [...(svg?.querySelectorAll("g.node") ?? [])].map((group) => [
      group.getAttribute("data-id"),
      group.getAttribute("class"),
      group.querySelector("text")?.textContent,
      group.querySelectorAll(".shape").length,
    ]),
    [
      ["a", "node entry new", "one", 1],
      ["b", "node entry", "two", 1],
      ["t", "node table", "t", 0],
      ["t/r", "node row", "r", 0],
    ],
  );
  const of = (link: string) => ["line", "arrow"].map((one) => svg?.querySelectorAll(`g.${link} > .${one}`).length);
  assert.deepEqual(
    [of("next"), of("refers")],
    [
      [1, 1],
      [1, 0],
    ],
  );
  const colours = [...(svg?.querySelectorAll<SVGElement>("[data-id='t'] polygon, .cluster polygon") ?? [])].map((one) =>
    ["fill", "stroke"].map((name) => one.style.getPropertyValue(name)).join(" "),
  );
  for (const colour of ["var(--vmw-card)", "var(--vmw-line)", "var(--vmw-new)"])
    assert.ok(
      colours.some((one) => one.includes(colour)),
      `${colour}: a page has its own, in both themes`,
    );
  assert.equal(svg?.querySelectorAll("[id]").length, 0, "ids are of the whole page");
  assert.equal(svg?.querySelector("g.node title")?.textContent, "the first");
  press.click();
  assert.equal(own.hasAttribute("hidden"), false);
  assert.equal(drawing() === null, true);
});

test("the drawing follows the picture, one question after the other, and what is late is asked again", async () => {
  const { router, line } = here();
  const { figure, controls, press, asked } = setUp(router);
  press.click();
  for (const seq of [2, 3, 4]) figure.draw(seq, { scene: scene(nodes), when: now });
  assert.equal(asked(), 1);
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT);
  await arrived();
  assert.deepEqual([asked(), line.asked], [2, 0], "picture 1 is gone");
  controls.hear({ type: "export", form: "dot", seq: 4, operation: now.number, place: now.place }, DOT);
  await arrived();
  assert.equal(line.asked, 1);
});

test("a row of a box is pressed as in the picture, shows that it is selected, and is no link", async () => {
  const { router } = here();
  const { controls, press, chosen, drawing } = setUp(router);
  press.click();
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT);
  await arrived();
  const row = drawing()?.querySelector("[data-id='t/r']");
  assert.equal(drawing()?.querySelectorAll("a").length, 0);
  assert.equal(row?.querySelector("title")?.textContent, "a row");
  row?.querySelector("text")?.dispatchEvent(new Event("click", { bubbles: true }));
  assert.deepEqual(chosen, ["pte:1"]);
  controls.select("pte:1");
  assert.equal(row?.classList.contains("selected"), true);
});

test("a text of an operation before the one on the screen is not drawn, and the right one is asked for", async () => {
  const { router, line } = here();
  const { figure, controls, press, asked } = setUp(router);
  press.click();
  controls.hear({ type: "export", form: "dot", seq: 2, operation: now.number, place: now.place }, DOT); // of frame 1
  figure.draw(2, { scene: scene(nodes), when: { ...now, number: now.number + 1 } });
  await arrived();
  assert.deepEqual([line.asked, asked()], [0, 2]);
  controls.hear({ type: "export", form: "dot", seq: 2, operation: now.number + 1, place: now.place }, DOT);
  await arrived();
  assert.equal(line.asked, 1);
});

test("a step that the page has by itself is asked for by its place", async () => {
  const { router, line } = here();
  const { figure, controls, press, sent } = setUp(router);
  press.click();
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT);
  await arrived();
  figure.draw(figure.shown, { scene: scene(nodes), when: { ...now, place: 3 } });
  assert.deepEqual(sent.at(-1), { type: "export", form: "dot", operation: now.number, place: 3 });
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT); // late: of the step before
  await arrived();
  assert.equal(line.asked, 1);
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: 3 }, DOT);
  await arrived();
  assert.equal(line.asked, 2);
});

test("a kernel that is busy sends it later: until then the reader knows that it comes", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { router } = here();
  const { figure, controls, press } = setUp(router);
  const said = () => figure.root.querySelector(".vmw-status")?.textContent;
  press.click();
  assert.equal(said(), "");
  context.mock.timers.tick(1000);
  assert.equal(said(), "The Jupyter kernel sends Graphviz as soon as it is idle.");
  context.mock.timers.reset();
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT);
  await arrived();
  assert.equal(said(), "");
  press.click();
  figure.draw(2, { scene: figure.renderer.scene as Scene, when: now });
  context.mock.timers.enable({ apis: ["setTimeout"] });
  press.click();
  context.mock.timers.tick(1000);
  assert.equal(said(), "The Jupyter kernel sends Graphviz as soon as it is idle.", "the text of a picture too");
});

test("a page whose policy forbids workers is told so, and is promised nothing", async (context) => {
  const lines: Line[] = [];
  const open = (): Line => {
    const line: Line = { postMessage: () => {}, terminate: () => {}, onmessage: null, onerror: null };
    lines.push(line);
    return line;
  };
  const { figure, controls, press } = setUp(new Router(async () => "graphviz", open));
  const said = () => figure.root.querySelector(".vmw-status")?.textContent;
  context.mock.timers.enable({ apis: ["setTimeout"] });
  press.click();
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT);
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  context.mock.timers.tick(1000);
  assert.equal(said(), "", "all is here that a kernel sends");
  for (const line of lines) line.onerror?.(new Event("error") as ErrorEvent);
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  assert.equal(said(), "Graphviz can't run in this page: its worker does not start");
  assert.deepEqual([press.disabled, press.getAttribute("aria-pressed")], [true, "false"]);
});

test("a picture that is closed leaves Graphviz, whose worker ends with the last one", async () => {
  let ended = 0;
  const line: Line = { postMessage: () => {}, terminate: () => ended++, onmessage: null };
  const { figure, controls, press } = setUp(
    new Router(
      async () => "graphviz",
      () => line,
    ),
  );
  press.click();
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT);
  await arrived();
  assert.equal(ended, 0);
  figure.close();
  assert.equal(ended, 1);
});

test("what is pressed in the drawing is chosen, and seen to be", async () => {
  const { router } = here();
  const { figure, controls, press, chosen, drawing } = setUp(router);
  press.click();
  controls.hear({ type: "export", form: "dot", seq: 1, operation: now.number, place: now.place }, DOT);
  await arrived();
  drawing()
    ?.querySelector("[data-id='b'] .shape")
    ?.dispatchEvent(new Event("click", { bubbles: true }));
  assert.deepEqual(chosen, ["entry:2"]);
  figure.select("entry:2");
  assert.deepEqual(
    [...(drawing()?.querySelectorAll(".selected") ?? [])].map((group) => group.getAttribute("data-id")),
    ["b"],
  );
});

test("where Graphviz can't run it is not offered, and the control says why", () => {
  const { press, asked, drawing } = setUp(without());
  assert.equal(press.disabled, true);
  assert.equal(press.title, "Graphviz can't run in this page: this page allows no workers");
  press.click();
  assert.deepEqual([asked(), drawing() === null], [0, true]);
});

test("where its worker does not live the picture stays as it is", async () => {
  const router = new Router(
    async () => "graphviz",
    () => {
      throw new Error("refused by the page's policy");
    },
  );
  const { figure, controls, press, own, drawing } = setUp(router);
  figure.draw(2, { scene: scene(nodes), when: now });
  await arrived();
  press.click();
  controls.hear({ type: "export", form: "dot", seq: 2, operation: now.number, place: now.place }, DOT);
  await arrived();
  assert.deepEqual([own.hasAttribute("hidden"), drawing() === null, press.disabled], [false, true, true]);
  assert.match(press.title, /refused by the page's policy/);
  assert.equal(figure.root.querySelectorAll(".node").length, 4);
});

test("a picture that Graphviz lays out from the beginning asks nobody for the text that comes with it", async () => {
  const { router, line } = here();
  const { figure, controls, asked, drawing, own } = setUp(router);
  controls.lay(1, now.place, DOT);
  await arrived();
  assert.deepEqual([asked(), line.asked, own.hasAttribute("hidden")], [0, 1, true]);
  controls.lay(2, now.place, DOT.replace("one", "three"));
  figure.draw(2, { scene: scene(nodes), when: now });
  await arrived();
  assert.equal(asked(), 0);
  assert.match(drawing()?.textContent ?? "", /three/);
  figure.draw(figure.shown, { scene: scene(nodes), when: { ...now, place: 3 } }); // a step of the page's film
  assert.equal(asked(), 1);
});

test("a text to be saved is laid out once, whatever is on the screen, and a drawing too large for a file is not sent", async () => {
  const { router, line } = here();
  const { controls, sent, drawing, own } = setUp(router);
  const saved = () => sent.filter((request) => request.type === "laid");
  controls.hear({ type: "layout", key: 7 }, DOT);
  await arrived();
  assert.deepEqual([saved().map(({ key }) => key), line.asked], [[7], 1]);
  assert.match(saved()[0]?.svg ?? "", />one<.*>two</s);
  assert.deepEqual([drawing() === null, own.hasAttribute("hidden")], [true, false]);
  controls.hear({ type: "layout", key: 8 }, `digraph { a [label="${"long ".repeat(50_000)}"] }`);
  await arrived();
  assert.deepEqual([saved().length, line.asked], [1, 2]);
});

test("where Graphviz can't run nothing is sent to be saved", async () => {
  const { controls, sent } = setUp(without());
  controls.hear({ type: "layout", key: 7 }, DOT);
  await arrived();
  assert.deepEqual(sent, []);
});

test("a picture that Graphviz lays out is laid out again when its kernel is back, and after a picture that it refused", async () => {
  const { router } = here();
  const { figure, controls, drawing, own } = setUp(router);
  controls.lay(1, now.place, DOT);
  await arrived();
  figure.live(false, "gone");
  assert.deepEqual([own.hasAttribute("hidden"), drawing() === null], [false, true]);
  figure.live(true, "");
  await arrived();
  assert.equal(drawing() === null, false);
  const wrong = new Router(
    async () => "graphviz",
    () => {
      const line: Line = {
        onmessage: null,
        terminate: () => {},
        postMessage: ({ key, dot }) => {
          const answer: Answer =
            dot === "bad" ? { key, error: "syntax" } : { key, svg: graphviz.layout(dot, "svg", "dot") };
          line.onmessage?.({ data: answer } as MessageEvent<Answer>);
        },
      };
      return line;
    },
  );
  const other = setUp(wrong);
  other.controls.lay(1, now.place, "bad");
  await arrived();
  assert.equal(other.figure.root.querySelector(".vmw-status")?.textContent, "Graphviz can't draw this picture.");
  assert.equal(other.own.hasAttribute("hidden"), false);
  other.controls.lay(2, now.place, DOT);
  other.figure.draw(2, { scene: scene(nodes), when: now });
  await arrived();
  assert.equal(other.own.hasAttribute("hidden"), true);
});
