import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import "./dom.ts";
import { Presenting } from "../src/presenting.ts";

const all: Presenting[] = [];
afterEach(() => {
  for (const one of all.splice(0)) one.close();
  press("Escape");
  sessionStorage.clear();
});
Object.assign(globalThis, { sessionStorage: window.sessionStorage });

/** A picture that a cell has put on the page. */
function picture(id: string, cell: number) {
  const root = document.createElement("div");
  document.body.append(root);
  const presenting = new Presenting(root, {
    step: () => {},
    key: () => false,
    noted: () => ({ where: "", marks: [], next: "" }),
  });
  all.push(presenting);
  presenting.arrive(id, `cell [${cell}]`);
  return { presenting, filled: () => root.classList.contains("vmw-filled") };
}

function press(key: string): void {
  const event = new window.KeyboardEvent("keydown", {
    key,
    bubbles: true,
    cancelable: true,
  }) as unknown as KeyboardEvent;
  for (const one of all) if (one.key(event)) return;
}

test("a picture of a newer cell takes the place of the one that is presented, and none of an older cell does", () => {
  const first = picture("a", 4);
  assert.equal(first.filled(), false);
  first.presenting.present({});
  const older = picture("b", 3);
  assert.deepEqual([first.filled(), older.filled()], [true, false]);
  const newer = picture("c", 5);
  assert.deepEqual([first.filled(), newer.filled()], [false, true]);
});

test("after a reload the same picture is presented, though a newer one was on the page", () => {
  const first = picture("a", 4);
  const later = picture("b", 7);
  first.presenting.present({});
  const kept = sessionStorage.getItem("vmwidgets: presented") ?? "";
  for (const one of [first, later]) one.presenting.close();
  sessionStorage.setItem("vmwidgets: presented", kept); // as a page that is loaded again finds it
  assert.deepEqual(
    [picture("b", 7), picture("a", 4)].map((one) => one.filled()),
    [false, true],
  );
});

test("one that is held stays, until it is no longer", () => {
  const first = picture("a", 1);
  first.presenting.present({});
  press("h");
  assert.equal(picture("b", 2).filled(), false);
  press("h");
  assert.equal(picture("c", 3).filled(), true);
});

test("a cell that runs again, or a page that is loaded again, goes on; what was left does not come back", () => {
  const first = picture("a", 1);
  first.presenting.present({});
  first.presenting.close();
  const again = picture("a", 2);
  assert.equal(again.filled(), true);
  press("Escape");
  assert.equal(again.filled(), false);
  again.presenting.close();
  assert.equal(picture("a", 3).filled(), false);
  assert.equal(picture("z", 9).filled(), false);
});
