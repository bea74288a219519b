// The check of the browser in the site's lab: an old browser can read it, and is told what it is.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { transform } from "esbuild";

const SCRIPT = readFileSync(new URL("../../tools/website/lab/checking.js", import.meta.url), "utf8");

/** What a page says that has today's parts, except those that `without` takes away. */
function said(without: string): string {
  const words: string[] = [];
  const element = () => ({ style: {}, setAttribute: () => {}, appendChild: (text: string) => words.push(text) });
  const page = {
    localStorage: {},
    indexedDB: {},
    ResizeObserver: class {},
    Blob,
    URL: { createObjectURL: () => "blob:" },
    words,
    document: { createElement: element, createTextNode: (text: string) => text, body: { appendChild: () => {} } },
  };
  const worker = "class Worker { constructor(_, { type }) { this.type = type; } terminate() {} }";
  runInNewContext(`globalThis.window = globalThis; globalThis.Worker = ${worker}; ${without};\n${SCRIPT}`, page);
  return words.join("");
}

const denied = (name: string) =>
  `delete window.${name}; Object.defineProperty(window, "${name}", { get() { throw new Error("denied"); } })`;

const LACKING: Record<string, RegExp> = {
  "delete window.Worker": /^Python can't start/,
  "delete window.WebAssembly": /^Python can't start/,
  [denied("localStorage")]: /lets this page store nothing/,
  [denied("indexedDB")]: /lets this page store nothing/,
  "delete Array.prototype.at": /too old/,
  "delete Object.hasOwn": /too old/,
  "delete String.prototype.replaceAll": /too old/,
  "delete window.ResizeObserver": /too old/,
  "window.Worker = class { terminate() {} }": /too old/,
  "window.Worker = class { constructor(_, { type }) { if (type) throw new TypeError(); } }": /too old/,
};

for (const [without, words] of Object.entries(LACKING)) {
  test(`it is said what is lacking after ${without.slice(0, 60)}`, () => assert.match(said(without), words));
}

test("a browser that has everything is told nothing", () => assert.equal(said(""), ""));

test("a browser of 2012 can read the check", async () => {
  await transform(SCRIPT, { target: "es5" }); // it refuses what it would have to write otherwise
  await assert.rejects(transform(SCRIPT.replace("var ", "const "), { target: "es5" }));
  assert.doesNotMatch(SCRIPT, /=>|\?\.|\?\?|`|catch \{/); // this it would write otherwise without a word
});
