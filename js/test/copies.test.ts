import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Copies, marked, separated, tabbed } from "../src/copies.ts";
import type { SceneTableTwin } from "../src/scene.ts";

const twin: SceneTableTwin = {
  header: ["range", "object"],
  rows: [
    ["0x1000–0x2000", 'a "b", c'],
    ["=1+1", "<i>\tx"],
  ],
  more: [{ title: "what happened", header: ["step"], rows: [["-5"]] }],
};

/** A clipboard that takes what it is given, or nothing. */
function clipboard(takes: boolean): Record<string, Promise<Blob>>[] {
  const given: Record<string, Promise<Blob>>[] = [];
  const write = async (items: { parts: Record<string, Promise<Blob>> }[]): Promise<void> => {
    if (!takes) throw new Error("not allowed");
    given.push(...items.map(({ parts }) => parts));
  };
  const ClipboardItem = class {
    parts: Record<string, Promise<Blob>>;
    constructor(parts: Record<string, Promise<Blob>>) {
      this.parts = parts;
    }
  };
  Object.assign(globalThis, { ClipboardItem });
  Object.defineProperty(globalThis, "navigator", { value: { clipboard: { write } }, configurable: true });
  return given;
}

function copies(): { find: (selector: string) => HTMLElement; saved: string[]; buttons: () => HTMLElement[] } {
  const saved: string[] = [];
  const made = new Copies({
    image: async () => new Blob(["image"], { type: "image/png" }),
    table: async () => twin,
    name: () => "map",
  });
  Object.assign(URL, { createObjectURL: () => "blob:", revokeObjectURL: () => {} });
  const create = document.createElement.bind(document);
  Object.assign(document, {
    createElement: (name: string) => {
      const element = create(name);
      if (name === "a") element.click = () => saved.push((element as HTMLAnchorElement).download);
      return element;
    },
  });
  document.body.append(made.root);
  const find = (selector: string): HTMLElement => made.root.querySelector(selector) as HTMLElement;
  return { find, saved, buttons: () => [...made.root.querySelectorAll("button")] };
}

const done = (): Promise<void> => new Promise((settle) => setTimeout(settle, 5));

test("a table is copied as text and as a table", async () => {
  const given = clipboard(true);
  const { buttons } = copies();
  buttons()[1]?.click();
  await done();
  assert.deepEqual(Object.keys(given[0] ?? {}), ["text/plain", "text/html"]);
  assert.equal(await (await given[0]?.["text/plain"])?.text(), tabbed(twin));
  assert.deepEqual(
    buttons().map((one) => one.textContent),
    ["copy as image", "copied", "save"],
  );
});

test("where a page may not copy, one sentence says so, and the file is offered", async (context) => {
  clipboard(false);
  const { find, saved, buttons } = copies();
  buttons()[0]?.click();
  await done();
  assert.ok(!find(".vmw-refused").hidden);
  assert.equal(find(".vmw-refused > span").textContent, "This page may not copy the image. Save it as a file:");
  context.mock.timers.enable({ apis: ["setTimeout"] }); // the file's address lasts for a minute
  find(".vmw-refused button").click();
  await new Promise((settle) => setImmediate(settle));
  assert.deepEqual(saved, ["map.png"]);
  assert.ok(find(".vmw-refused").hidden);
});

test("Escape takes the offered file away, and nothing else hears of it", async () => {
  clipboard(false);
  const { find, buttons } = copies();
  const heard: string[] = [];
  document.body.addEventListener("keydown", (event) => heard.push((event as KeyboardEvent).key));
  buttons()[0]?.click();
  await done();
  const pressed = () => Object.assign(new Event("keydown", { bubbles: true }), { key: "Escape" });
  find(".vmw-refused button").dispatchEvent(pressed());
  assert.ok(find(".vmw-refused").hidden);
  assert.deepEqual(heard, []);
  buttons()[0]?.dispatchEvent(pressed());
  assert.deepEqual(heard, ["Escape"]);
});

test("the texts of a table keep its cells apart, and are no formulas", () => {
  assert.equal(tabbed(twin), 'range\tobject\n0x1000–0x2000\ta "b", c\n=1+1\t<i> x\n\nwhat happened\nstep\n-5\n');
  assert.equal(separated(twin), 'range,object\n0x1000–0x2000,"a ""b"", c"\n\'=1+1,<i>\tx\n\nwhat happened\nstep\n-5\n');
  assert.ok(marked(twin).includes("<td>&lt;i&gt;\tx</td>"));
  assert.ok(marked(twin).includes("<caption>what happened</caption>"));
});
