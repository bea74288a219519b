import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Finder } from "../src/offers.ts";
import type { Found } from "../src/wire.ts";

function finder(): { finder: Finder; asked: [string, number][]; press: (key: string, more?: object) => void } {
  const asked: [string, number][] = [];
  const made = new Finder({ find: (text, way) => asked.push([text, way]), leave: () => asked.push(["left", 0]) });
  const press = (key: string, more: object = {}): void => {
    made.field.dispatchEvent(Object.assign(new Event("keydown"), { key, shiftKey: false, ...more }));
  };
  return { finder: made, asked, press };
}

const found = (more: Partial<Found> = {}): Found => ({
  count: 5,
  at: 1,
  words: "entry 3: rw-",
  node: "",
  thing: "entry:3",
  folded: false,
  ...more,
});

const said = ({ root }: Finder): string => root.querySelector(".vmw-found")?.textContent ?? "";

const ways = ({ root }: Finder): boolean[] => [...root.querySelectorAll("button")].map((one) => !one.hidden);

test("Enter finds, and goes on; with Shift it goes back; nothing typed is nothing asked", () => {
  const { finder: one, asked, press } = finder();
  press("Enter");
  one.field.value = "  ";
  press("Enter");
  assert.deepEqual(asked, []);
  one.field.value = "rw-";
  press("Enter");
  press("Enter", { shiftKey: true });
  press("Escape");
  assert.deepEqual(asked, [
    ["rw-", 1],
    ["rw-", -1],
    ["left", 0],
  ]);
});

test("it says how many there are, and which one is shown; of one there is no next", () => {
  const { finder: one, asked } = finder();
  assert.deepEqual([said(one), ways(one)], ["", [false, false]]);
  assert.equal(one.take(found(), false), "2 of 5: entry 3: rw-");
  assert.deepEqual([said(one), ways(one)], ["2 of 5", [true, true]]);
  one.field.value = "rw-";
  for (const button of one.root.querySelectorAll("button")) button.click();
  assert.deepEqual(asked, [
    ["rw-", -1],
    ["rw-", 1],
  ]);
  one.take(found({ count: 1, at: 0 }), false);
  assert.deepEqual([said(one), ways(one)], ["1 of 1", [false, false]]);
});

test("what is folded is said; another text, or an address, counts nothing", () => {
  const { finder: one } = finder();
  for (const [folded, hidden] of [
    [true, false],
    [false, true],
  ] as const)
    assert.ok(one.take(found({ folded }), hidden).endsWith("It is in a part of the picture that is folded."));
  one.field.dispatchEvent(new Event("input"));
  assert.equal(said(one), "");
  one.take(found(), false);
  assert.equal(one.take(found({ count: 0, at: -1 }), false), "");
  assert.deepEqual([said(one), ways(one)], ["", [false, false]]);
});

test("what is said of an older search goes with the next one, and stays while one goes on", () => {
  const { finder: one, press } = finder();
  one.field.value = "rw-";
  press("Enter");
  one.take(found(), false);
  press("Enter");
  assert.equal(said(one), "2 of 5");
  one.field.value = "nowhere"; // its answer came after the field was written anew
  press("Enter");
  assert.deepEqual([said(one), ways(one)], ["", [false, false]]);
});
