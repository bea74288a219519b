import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Controls } from "../src/controls.ts";
import { Figure } from "../src/figure.ts";
import type { Request, Scene, When } from "../src/wire.ts";
import { node, now, scene, without } from "./dom.ts";
import { equipped } from "./equipped.ts";

/** What is read out, once sentences were gathered. */
async function heard(): Promise<string | null | undefined> {
  await new Promise((done) => setTimeout(done, 80));
  return document.querySelector(".vmw-spoken")?.textContent;
}

function setUp() {
  const sent: Request[] = [];
  const chosen: string[] = [];
  const { figure, controls } = equipped({
    send: (request) => sent.push(request),
    select: (thing) => chosen.push(thing),
  });
  for (const old of document.querySelectorAll(".vmwidgets")) old.remove();
  document.body.append(figure.root);
  let seq = 0;
  const draw = (drawn: Scene) => figure.draw(++seq, { scene: drawn, when: now });
  const find = (selector: string) => figure.root.querySelector(selector) as HTMLElement;
  return { sent, chosen, figure, controls, draw, find };
}

test("an older frame never replaces a newer one", () => {
  const { figure, find } = setUp();
  figure.draw(5, { scene: scene([], [], { title: "new" }), when: now });
  figure.draw(4, { scene: scene([], [], { title: "old" }), when: now });
  assert.equal(find(".vmw-title").textContent, "new");
});

test("the caption tells cause, reason and functions, and is spoken", async () => {
  await heard(); // what other tests said
  const { draw, find } = setUp();
  const caption = {
    text: "Entered 20 KiB.",
    functions: ["vm_map_insert", "rbtree_insert"],
    reason: "No merge.",
    tone: "good",
  };
  draw(scene([], [], { caption }));
  assert.equal(find(".vmw-foot code").textContent, "vm_map_insert → rbtree_insert");
  assert.equal(await heard(), "Entered 20 KiB. No merge.");
  assert.equal(find(".vmw-caption").className, "vmw-caption good vmw-large");
});

test("a click acts as the node says, before the controls are there and after", () => {
  const sent: Request[] = [];
  const chosen: string[] = [];
  const figure = new Figure({ send: (request) => sent.push(request), select: (thing) => chosen.push(thing) });
  document.body.append(figure.root);
  const nodes = [
    node("entry", { thing: "entry:1", action: "select", lane: "x" }),
    node("stub", { action: "open", lane: "x" }),
    node("label"),
  ];
  figure.draw(1, { scene: scene(nodes), when: now });
  for (const equip of [() => {}, () => figure.equip(new Controls(figure, without()))]) {
    equip();
    for (const id of ["entry", "stub", "label"])
      figure.root
        .querySelector(`[data-id="${id}"]`)
        ?.dispatchEvent(new window.MouseEvent("click", { bubbles: true }) as unknown as Event);
    assert.deepEqual(chosen.splice(0), ["entry:1"]);
    assert.deepEqual(sent.splice(0), [{ type: "open", id: "stub" }]);
  }
  figure.close();
});

test("the tab stop is where a click has led, before the controls were there too, and arrows go on from there", () => {
  const figure = new Figure({ send: () => {}, select: () => {} });
  document.body.append(figure.root);
  const nodes = ["a", "b", "c", "d"].map((id, i) => node(id, { lane: "x", x: i * 80, state: id === "a" ? "new" : "" }));
  figure.draw(1, { scene: scene(nodes), when: now });
  const on = (id: string) => figure.root.querySelector(`[data-id="${id}"]`) as unknown as HTMLElement;
  on("c").focus();
  figure.equip(new Controls(figure, without()));
  const stops = () => [...figure.root.querySelectorAll('.vmw-scene [tabindex="0"]')].map((one) => one === on("c"));
  assert.deepEqual(stops(), [true]);
  strike(on("c"), "ArrowRight");
  assert.equal(document.activeElement === on("d"), true);
  figure.close();
});

test("the picture keeps the keys when the control or the thing that has them goes away", () => {
  const figure = new Figure({ send: () => {}, select: () => {} });
  document.body.append(figure.root);
  figure.equip(new Controls(figure, without()));
  figure.reach(4, 0);
  const draw = (seq: number, id: string, when: Partial<When>) =>
    figure.draw(seq, { scene: scene([node(id, { lane: "x" })]), when: { ...now, ...when } });
  draw(1, "a", { number: 4, cell: 2 });
  const back = figure.root.querySelector('[aria-label^="show the picture as it was"]') as HTMLElement;
  assert.equal(back.hidden, false);
  back.focus();
  draw(2, "a", { number: 2, cell: 2, kept: true, now: false });
  assert.equal(back.hidden, true);
  assert.equal(document.activeElement === figure.root, true);
  (figure.root.querySelector('[data-id="a"]') as unknown as HTMLElement).focus();
  draw(3, "b", {});
  assert.equal(document.activeElement === figure.root, true);
  figure.close();
});

test("a click on what is selected, or on the ground, takes the selection back", () => {
  const { figure, draw, find, chosen } = setUp();
  draw(scene([node("entry", { action: "select", thing: "entry:1" })]));
  const click = (place: Element) => place.dispatchEvent(new window.MouseEvent("click", { bubbles: true }));
  const ground = find(".vmw-scene");
  click(ground);
  assert.deepEqual(chosen, [], "nothing was selected");
  click(find('[data-id="entry"]'));
  figure.select("entry:1");
  click(find('[data-id="entry"]'));
  figure.select("entry:1");
  click(ground);
  assert.deepEqual(chosen, ["entry:1", "", ""]);
});

test("the drawing is one tab stop, which stays on its node from frame to frame", () => {
  const { figure, draw } = setUp();
  const stops = () =>
    [...figure.root.querySelectorAll('.vmw-scene [tabindex="0"]')].map((element) => element.getAttribute("data-id"));
  const nodes = [node("a", { lane: "x" }), node("b", { lane: "x", state: "new" }), node("c", { lane: "x" })];
  draw(scene(nodes));
  assert.deepEqual(stops(), ["b"]);
  draw(scene([...nodes].reverse()));
  assert.deepEqual(stops(), ["b"]);
  draw(scene([nodes[0] as (typeof nodes)[0], nodes[2] as (typeof nodes)[0]]));
  assert.deepEqual(stops(), ["a"]);
});

test("Tab reaches every control, and a key that presses one goes no further", () => {
  const { figure, draw, sent } = setUp();
  draw(scene([node("a", { lane: "x" })]));
  const controls = [...figure.root.querySelectorAll("button, summary, input, select")] as HTMLElement[];
  assert.ok(controls.length > 8);
  assert.deepEqual(
    controls.filter((control) => control.hasAttribute("tabindex")),
    [],
  );
  let heard = 0;
  document.body.addEventListener("keydown", () => {
    heard += 1;
  });
  for (const key of ["Enter", " "])
    controls[0]?.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }) as unknown as Event);
  assert.equal(heard, 0);
  assert.deepEqual(sent, []);
});

/** A key as the browser gives it, and whether the page does something of its own with it. */
function strike(place: Element, key: string, more: object = {}): boolean {
  const event = new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  return place.dispatchEvent(event as unknown as Event);
}

test("letters reach no notebook, before the controls are there and after: there they delete cells", () => {
  const figure = new Figure({ send: () => {}, select: () => {} });
  document.body.append(figure.root);
  figure.draw(1, { scene: scene([node("a", { lane: "x" })]), when: now });
  const heard: string[] = [];
  const hear = (event: unknown): void => {
    heard.push((event as KeyboardEvent).key);
  };
  document.body.addEventListener("keydown", hear as () => void);
  const keys = (): string[] => {
    for (const place of [figure.root, figure.root.querySelector('[data-id="a"]') as Element]) {
      for (const key of ["d", "d", "x", "y", "Tab"]) strike(place, key);
      strike(place, "d", { ctrlKey: true });
      strike(place, "v", { metaKey: true });
    }
    return heard.splice(0);
  };
  const pages = ["Tab", "d", "v"];
  assert.deepEqual(keys(), [...pages, ...pages]);
  figure.equip(new Controls(figure, without()));
  assert.deepEqual(keys(), [...pages, ...pages]);
  document.body.removeEventListener("keydown", hear as () => void);
  figure.close();
});

test("Escape takes the selection back, and then leads to the notebook, before the controls are there too", () => {
  const chosen: string[] = [];
  const figure = new Figure({ send: () => {}, select: (thing) => chosen.push(thing) });
  const cell = document.createElement("div");
  cell.className = "jp-Cell";
  cell.tabIndex = -1;
  cell.append(figure.root);
  document.body.append(cell);
  figure.draw(1, { scene: scene([node("a", { lane: "x", thing: "entry:1", action: "select" })]), when: now });
  const drawn = figure.root.querySelector('[data-id="a"]') as unknown as HTMLElement;
  drawn.focus();
  figure.select("entry:1");
  strike(drawn, "Escape");
  assert.deepEqual([chosen, document.activeElement === cell], [[""], false]);
  figure.select("");
  strike(drawn, "Escape");
  assert.equal(document.activeElement === cell, true);
  figure.close();
  cell.remove();
});

const steps = { index: 2, count: 2, operation: 1, places: [0, 5, -1], functions: [0] };

test("Space plays and pauses wherever the focus is", () => {
  const { draw, find, figure, sent } = setUp();
  draw(
    scene(
      [
        node("entry", { action: "select", thing: "entry:1", lane: "x" }),
        node("stub", { action: "open", lane: "x" }),
        node("plain", { lane: "x" }),
      ],
      [],
      { steps },
    ),
  );
  const play = find('[aria-label="play the steps"]');
  const places = [find(".vmw-scene"), ...["entry", "stub", "plain"].map((id) => find(`[data-id="${id}"]`))];
  for (const place of [...places, find(".vmw-slider"), figure.root]) {
    for (const says of ["pause", "play"]) {
      assert.equal(strike(place, " "), false, "the page does not scroll");
      assert.equal(play.textContent, says, place.outerHTML.slice(0, 80));
    }
  }
  assert.deepEqual([...new Set(sent.map((request) => request.type))], ["seek"], "nothing was opened");
});

test("Space presses a button that a key has brought the focus to, and plays where a pointer has", () => {
  const { draw, find } = setUp();
  draw(scene([node("a", { lane: "x" })], [], { steps }));
  const play = find('[aria-label="play the steps"]');
  for (const button of [find(".vmw-help"), find('[aria-label="back"]')]) {
    const focused = (visible: boolean): void => {
      Object.assign(button, { matches: (selector: string) => selector === ":focus-visible" && visible });
      button.dispatchEvent(new window.Event("focusin", { bubbles: true }) as unknown as Event);
    };
    focused(true);
    assert.equal(strike(button, " "), true, "the browser presses it");
    assert.equal(play.textContent, "play");
    focused(false);
    assert.equal(strike(button, " "), false);
    assert.equal(play.textContent, "pause");
    strike(button, " ");
  }
});

test("a bracket counts whatever made it, and other keys with Ctrl, Alt or Cmd belong to the page", () => {
  const { draw, find, sent } = setUp();
  draw(scene([node("a", { lane: "x" })], [], { steps }));
  const node_ = find('[data-id="a"]');
  const made = (key: string, more: object): number => {
    sent.length = 0;
    draw(scene([node("a", { lane: "x" })], [], { steps }));
    strike(node_, key, more);
    return sent.length;
  };
  for (const key of ["[", "{", "}"]) {
    assert.equal(made(key, {}), 1);
    assert.equal(made(key, { altKey: true }), 1, "Option");
    assert.equal(made(key, { altKey: true, ctrlKey: true }), 1, "AltGr in Windows");
    assert.equal(made(key, { ctrlKey: true }), 0);
    assert.equal(made(key, { metaKey: true }), 0);
  }
  for (const key of ["p", "s", " "]) assert.equal(made(key, { altKey: true }), 0);
});

test("what is true of a node, and whether it is selected, is in what is read out", () => {
  const { draw, find, figure } = setUp();
  draw(scene([node("a", { title: "red node", state: "red new path", lane: "x", thing: "entry:1", action: "select" })]));
  const spoken = () => ["aria-label", "aria-pressed"].map((name) => find('[data-id="a"]').getAttribute(name));
  assert.deepEqual(spoken(), ["red node, new, on the path", "false"]);
  figure.select("entry:1");
  assert.deepEqual(spoken(), ["red node, new, on the path", "true"]);
});

test("? shows the keys, and hides them", () => {
  const { draw, find } = setUp();
  draw(scene([node("a", { lane: "x" })]));
  const press = () =>
    find('[data-id="a"]').dispatchEvent(
      new window.KeyboardEvent("keydown", { key: "?", bubbles: true }) as unknown as Event,
    );
  assert.equal(find(".vmw-legend").hidden, true);
  press();
  assert.equal(find(".vmw-legend").hidden, false);
  assert.match(find(".vmw-legend").textContent ?? "", /to the beginning of the operation/);
  press();
  assert.equal(find(".vmw-legend").hidden, true);
});

test("a page has one live region: what two pictures say is heard once, and what each says alone after it", async () => {
  await heard();
  const [first, second] = [setUp(), setUp()];
  document.body.append(first.figure.root);
  const caption = (text: string) => ({ text, functions: [], reason: "", tone: "good" });
  for (const { draw } of [first, second]) draw(scene([], [], { caption: caption("Freed 8 KiB.") }));
  assert.equal(await heard(), "Freed 8 KiB.");
  first.draw(scene([], [], { caption: caption("Freed 4 KiB.") }));
  second.draw(scene([], [], { caption: caption("No page was free.") }));
  assert.equal(await heard(), "Freed 4 KiB. No page was free.");
  second.figure.tell("refused");
  assert.equal(await heard(), "refused");
  second.figure.tell("refused");
  assert.notEqual(await heard(), "refused", "it is read out a second time");
  assert.equal(document.querySelectorAll("[aria-live], [role=status], [role=alert]").length, 1);
});

test("the rows of the table twin are asked for when it is opened, and with each picture while it is open", () => {
  const { figure, controls, draw, find, sent } = setUp();
  const tables = (): string[] => sent.map((request) => request.type).filter((type) => type === "export");
  const table = (word: string) => JSON.stringify({ header: ["start"], rows: [[word], ["<i>"]] });
  const picture = () => scene([], [], { table: { header: ["start"], rows: [] } });
  draw(picture());
  assert.deepEqual(tables(), []);
  const details = find("details") as HTMLDetailsElement;
  details.open = true;
  assert.deepEqual(tables(), ["export"]);
  controls.hear({ type: "export", form: "table", seq: figure.shown, operation: now.number, place: -1 }, table("c0a0"));
  assert.deepEqual(
    [...figure.root.querySelectorAll("td")].map((cell) => cell.textContent),
    ["c0a0", "<i>"],
  );
  draw(picture());
  assert.deepEqual(tables(), ["export", "export"]);
  controls.hear(
    { type: "export", form: "table", seq: figure.shown - 1, operation: now.number, place: -1 },
    table("late"),
  );
  assert.equal(figure.root.querySelector("td")?.textContent, "c0a0", "rows of an older picture are not shown");
  controls.hear({ type: "export", form: "table", seq: figure.shown, operation: now.number, place: -1 }, table("c0b0"));
  assert.equal(figure.root.querySelector("td")?.textContent, "c0b0");
  figure.draw(figure.shown, { scene: picture(), when: { ...now, place: 3 } });
  assert.deepEqual(sent.at(-1), { type: "export", form: "table", operation: now.number, place: 3 });
  controls.hear({ type: "export", form: "table", seq: figure.shown, operation: now.number, place: -1 }, table("late"));
  assert.equal(figure.root.querySelector("td")?.textContent, "c0b0", "nor the rows of an earlier step");
  const { shown: seq } = figure;
  figure.draw(seq, { scene: picture(), when: { ...now, number: 7 } });
  controls.hear({ type: "export", form: "table", seq, operation: 6, place: -1 }, table("late"));
  assert.equal(figure.root.querySelector("td")?.textContent, "c0b0", "nor the rows of an earlier operation");
});

test("a picture of several things has the table of each, under its name", () => {
  const { figure, controls, draw } = setUp();
  const more = [{ title: "walk of 1000", header: ["level"], rows: [["2"], ["1"]] }];
  draw(scene([], [], { table: { header: ["start"], rows: [] } }));
  controls.hear(
    { type: "export", form: "table", seq: figure.shown, operation: now.number, place: -1 },
    JSON.stringify({ header: ["start"], rows: [["c0a0"]], more }),
  );
  const tables = [...figure.root.querySelectorAll("table")];
  assert.deepEqual(
    tables.map((table) => [table.caption?.textContent, table.querySelectorAll("td").length]),
    [
      ["kernel_map", 1],
      ["walk of 1000", 2],
    ],
  );
});

test("a picture of another version says so and draws nothing", () => {
  const { figure, draw, find } = setUp();
  draw(scene([node("a")], [], { version: 99 }));
  assert.match(find(".vmw-status").textContent ?? "", /run the cell again/);
  assert.equal(figure.root.querySelector(".node"), null);
});

test("a picture of now that the machine has left behind says so until it is drawn again", () => {
  const { figure, find } = setUp();
  const behind = (): boolean => !find(".vmw-behind").hidden;
  const at = (seq: number, number: number, isNow: boolean): void =>
    figure.draw(seq, { scene: scene([node("a")]), when: { ...now, number, now: isNow } });
  at(1, 3, true);
  figure.reach(3, 0);
  assert.equal(behind(), false);
  figure.reach(5, 0);
  assert.equal(behind(), true);
  at(2, 5, true);
  assert.equal(behind(), false);
  at(3, 2, false);
  assert.equal(behind(), false, "the past is where it should be");
});

test("a picture of the past says so beside its title, and one that is kept that it stays", () => {
  const { figure, find } = setUp();
  const then = (): string => (find(".vmw-then").hidden ? "" : (find(".vmw-then").textContent ?? ""));
  let seq = 0;
  const at = (when: Partial<When>): void =>
    figure.draw(++seq, { scene: scene([node("a")]), when: { ...now, ...when } });
  at({ number: 3 });
  figure.reach(3, 0);
  assert.equal(then(), "");
  at({ number: 2, now: false });
  assert.match(then(), /past.*after operation 2 of 3/);
  at({ number: 3, place: 1, now: false });
  assert.match(then(), /past.*in operation 3 of 3/);
  at({ number: 3, now: false, kept: true });
  figure.reach(9, 0);
  assert.match(then(), /stays after operation 3 of 9/);
  at({ number: -1, now: false });
  assert.equal(then(), "", "it has no history");
  assert.equal(find(".vmw-then").textContent, "", "nor has its hidden text");
});

test("a page narrower than its picture scrolls it, and gives it its place back", () => {
  const { figure, draw } = setUp();
  const { root } = figure.renderer;
  figure.measured(332);
  draw(scene([node("a")], [], { width: 420 }));
  const ground = root.parentElement as HTMLElement;
  assert.ok(ground.matches(".vmw-scrolls[tabindex]"));
  assert.equal(root.style.minWidth, "420px");
  figure.measured(600);
  draw(scene([node("a")], [], { width: 600 }));
  assert.deepEqual([root.parentElement, root.style.minWidth, ground.isConnected], [figure.root, "", false]);
});

test("Escape takes the selection back, and where there is none it goes to the notebook's cell", () => {
  const { chosen, figure, draw, find } = setUp();
  const cell = document.createElement("div");
  cell.className = "jp-Cell vmwidgets";
  cell.tabIndex = -1;
  document.body.append(cell);
  cell.append(figure.root);
  draw(scene([node("entry", { thing: "entry:1", action: "select", lane: "x" })]));
  const stands = find('[data-id="entry"]');
  const press = () => stands.dispatchEvent(new window.KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  stands.focus();
  figure.select("entry:1");
  press();
  assert.deepEqual(chosen, [""]);
  assert.ok(document.activeElement !== cell);
  figure.select("");
  for (const from of [stands, find('.vmw-time button, [aria-label="back"]')]) {
    from.focus();
    from.dispatchEvent(new window.KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    assert.deepEqual(chosen, [""]);
    assert.ok(document.activeElement === cell);
  }
});
