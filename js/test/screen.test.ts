import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Screen } from "../src/screen.ts";

function setUp() {
  const steps: number[] = [];
  const root = document.createElement("div");
  document.body.append(root);
  const screen = new Screen(root, { step: (by) => steps.push(by) });
  return { steps, root, screen };
}

/** Presses a key where the focus is; true if it meant something. */
function press(key: string, target: EventTarget = document.body, more: KeyboardEventInit = {}): boolean {
  const event = new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event as unknown as Event);
  return event.defaultPrevented;
}

test("a clicker's keys step while it fills the screen, wherever the focus is, and at no other time", () => {
  const { steps, screen } = setUp();
  assert.equal(press("PageDown"), false);
  screen.fill();
  assert.deepEqual([press("PageDown"), press("ArrowUp"), press("F5")], [true, true, true]);
  assert.deepEqual(steps, [1, -1]);
  press("Escape");
  assert.equal(screen.filled, false);
  assert.equal(press("F5"), false);
  screen.close();
});

test("a key with Ctrl, Meta or Alt is the browser's, and one in a field is the field's", () => {
  const { steps, screen, root } = setUp();
  screen.fill();
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }])
    for (const key of ["PageDown", "b", "F5", "Escape"]) assert.equal(press(key, document.body, more), false, key);
  for (const name of ["select", "input", "textarea"]) {
    const field = document.createElement(name);
    document.body.append(field);
    for (const key of ["PageDown", "b", "."]) assert.equal(press(key, field), false, `${name}: ${key}`);
  }
  assert.deepEqual([steps, root.className], [[], "vmw-filled"]);
  const slider = document.createElement("input");
  slider.type = "range";
  document.body.append(slider);
  assert.equal(press("PageDown", slider), true, "after a drag a clicker steps on");
  screen.close();
});

test("one fills the screen: another that does takes its place, and keys are that one's", () => {
  const [one, other] = [setUp(), setUp()];
  one.screen.fill();
  other.screen.fill();
  assert.deepEqual([one.screen.filled, other.screen.filled], [false, true]);
  press("PageDown");
  assert.deepEqual([one.steps, other.steps], [[], [1]]);
  one.screen.fill();
  assert.deepEqual([one.screen.filled, other.screen.filled], [true, false]);
  for (const { screen } of [one, other]) screen.close();
});

test("a window that is filled says so, and what is blank is seen again with the next step", async () => {
  const { screen, root } = setUp();
  screen.fill();
  await new Promise((done) => setTimeout(done));
  const told = root.querySelector(".vmw-told") as HTMLElement;
  assert.deepEqual([told.hidden, told.textContent?.includes("Press f")], [false, true]);
  press("b");
  assert.equal(root.classList.contains("vmw-blank"), true);
  press("PageUp");
  assert.equal(root.classList.contains("vmw-blank"), false);
  screen.close();
});
