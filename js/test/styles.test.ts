// Where the style sheet goes, and what its rules are for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Styles, scoped } from "../src/room.ts";
import "./dom.ts";

Object.assign(globalThis, {
  CSSStyleSheet: window.CSSStyleSheet,
  requestAnimationFrame: (callback: () => void) => setTimeout(callback),
});

function picture(parent: Node): { el: HTMLElement; gone: AbortController } {
  const el = document.createElement("div");
  parent.appendChild(el);
  return { el, gone: new AbortController() };
}

function shadow(): ShadowRoot {
  const host = document.createElement("div");
  document.body.append(host);
  return host.attachShadow({ mode: "open" });
}

test("every rule holds inside the bundle's class only", () => {
  const css =
    ".vmwidgets, .vmw-scene { --a: 1 } .x .vmw-scene:not(.vmw-standalone) text.mono { } .vmwidgets .vmw-bar {}";
  assert.equal(
    scoped(css, "vmw-1f"),
    ".vmwidgets:where(.vmw-1f *), .vmw-scene:where(.vmw-1f *) { --a: 1 } " +
      ".x .vmw-scene:where(.vmw-1f *):not(.vmw-standalone) text.mono { } .vmwidgets:where(.vmw-1f *) .vmw-bar {}",
  );
});

test("a picture in a shadow root has the sheet there, and the document has none", () => {
  const styles = new Styles(".vmwidgets { color: red }", "vmw-1f");
  const root = shadow();
  const { el, gone } = picture(root);
  styles.dress(el, gone.signal);
  assert.ok(el.classList.contains("vmw-1f"));
  assert.equal(root.adoptedStyleSheets.length, 1);
  assert.equal(document.adoptedStyleSheets.length, 0);
});

test("the sheet is adopted once a root, and goes with the last picture", () => {
  const styles = new Styles(".vmwidgets { color: red }", "vmw-1f");
  const root = shadow();
  const [one, two] = [picture(root), picture(root)];
  styles.dress(one.el, one.gone.signal);
  styles.dress(two.el, two.gone.signal);
  assert.equal(root.adoptedStyleSheets.length, 1);
  one.gone.abort();
  assert.equal(root.adoptedStyleSheets.length, 1);
  two.gone.abort();
  assert.equal(root.adoptedStyleSheets.length, 0);
});

test("a picture that is not on the page yet gets its sheet when it is", async () => {
  const styles = new Styles(".vmwidgets { color: red }", "vmw-1f");
  const { el, gone } = picture(document.createElement("div"));
  styles.dress(el, gone.signal);
  const root = shadow();
  root.append(el);
  await new Promise((done) => setTimeout(done, 10));
  assert.equal(root.adoptedStyleSheets.length, 1);
});

test("two versions on a page keep their own sheets", () => {
  const root = shadow();
  const [one, two] = [picture(root), picture(root)];
  new Styles(".vmwidgets { color: red }", "vmw-1f").dress(one.el, one.gone.signal);
  new Styles(".vmwidgets { color: blue }", "vmw-2f").dress(two.el, two.gone.signal);
  one.gone.abort();
  const rules = root.adoptedStyleSheets.flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText));
  assert.match(rules.join(), /vmw-2f/);
  assert.doesNotMatch(rules.join(), /vmw-1f/);
});
