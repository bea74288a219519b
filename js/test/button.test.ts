import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { button } from "../src/button.ts";

test("a button names its key to who points at it and to a screen reader, and no key that it has not", () => {
  const pin = button("pin", "keep this picture below", "p");
  assert.deepEqual([pin.title, pin.getAttribute("aria-keyshortcuts")], ["keep this picture below (p)", "p"]);
  const unpin = button("unpin", "remove this picture");
  assert.deepEqual([unpin.title, unpin.getAttribute("aria-keyshortcuts")], ["remove this picture", null]);
});
