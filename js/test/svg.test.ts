import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { arrange } from "../src/svg.ts";

/** A parent whose children are named, and the names of those that were inserted since. */
function parentOf(names: string): { parent: Element; child: (name: string) => Element; inserted: string[] } {
  const parent = document.createElement("div");
  const made = new Map<string, Element>();
  const inserted: string[] = [];
  const child = (name: string): Element => {
    const known = made.get(name) ?? document.createElement("i");
    known.id = name;
    made.set(name, known);
    return known;
  };
  parent.append(...[...names].map(child));
  const insert = parent.insertBefore.bind(parent);
  parent.insertBefore = (node, before) => {
    inserted.push((node as unknown as Element).id);
    return insert(node, before);
  };
  return { parent, child, inserted };
}

for (const [before, after, moved] of [
  ["abcdef", "acdef", ""],
  ["abcdef", "abxcdef", "x"],
  ["abcdef", "bcdefx", "x"],
  ["abc", "cab", "c"],
  ["", "ab", "ab"],
  ["ab", "", ""],
] as const) {
  test(`from "${before}" to "${after}" nothing moves but "${moved}"`, () => {
    const { parent, child, inserted } = parentOf(before);
    arrange(parent, [...after].map(child));
    assert.equal([...parent.children].map((element) => element.id).join(""), after);
    assert.equal(inserted.join(""), moved);
  });
}

test("what has the focus is not moved: the others go around it", () => {
  const { parent, child, inserted } = parentOf("abcdf");
  document.body.replaceChildren(parent);
  const inner = document.createElement("input");
  child("f").append(inner);
  inner.focus();
  arrange(parent, [..."afbxcd"].map(child));
  assert.equal([...parent.children].map((element) => element.id).join(""), "afbxcd");
  assert.ok(document.activeElement === inner);
  assert.ok(!inserted.includes("f"));
});
