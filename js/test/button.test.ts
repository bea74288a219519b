import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { button } from "../src/svg.ts";

test("a button names its key to who points at it and to a screen reader, and no key that it has not", () => {
  const save = button("save", "save this picture as a file", "s");
  assert.deepEqual([save.title, save.getAttribute("aria-keyshortcuts")], ["save this picture as a file (s)", "s"]);
  const quiet = button("go", "show the operation");
  assert.deepEqual([quiet.title, quiet.getAttribute("aria-keyshortcuts")], ["show the operation", null]);
});
