// Two versions of the package on one page: each bundle is loaded for itself, and leaves the other alone.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { zlibSync } from "fflate";
import { node, now, Sight, scene } from "./dom.ts";

const memory = new Map<string, string>();
Object.assign(globalThis, {
  CSS: { escape: (text: string) => text },
  CSSStyleSheet: window.CSSStyleSheet,
  ShadowRoot: window.ShadowRoot,
  MutationObserver: window.MutationObserver,
  addEventListener: window.addEventListener.bind(window),
  getComputedStyle: window.getComputedStyle.bind(window),
  matchMedia: window.matchMedia.bind(window),
  requestAnimationFrame: (draw: () => void) => setTimeout(draw),
});
Object.defineProperty(globalThis, "localStorage", {
  value: {
    getItem: (name: string) => memory.get(name) ?? null,
    setItem: (name: string, text: string) => memory.set(name, text),
  },
  configurable: true,
});

const folder = await mkdtemp(join(tmpdir(), "vmwidgets-"));
after(() => rm(folder, { recursive: true }));

const bundle = (source: string, version: string): string => join(folder, `${source}-${version}.mjs`);

// biome-ignore lint/suspicious/noExplicitAny: what was bundled has no types
async function load(source: string, version: string): Promise<any> {
  const outfile = bundle(source, version);
  const entry = fileURLToPath(new URL(`../src/${source}.ts`, import.meta.url));
  const define = { BUNDLE: JSON.stringify(version) };
  const how = { bundle: true, format: "esm", target: "es2022", loader: { ".css": "text" } } as const;
  await build({ ...how, entryPoints: [entry], outfile, define, logLevel: "error" });
  return (await import(pathToFileURL(outfile).href)).default;
}

/** A picture of one version: what it is drawn in, and what takes it away. */
async function picture(version: string, text: string) {
  const hub = await load("hub", version);
  await load("controls", version);
  URL.createObjectURL = () => pathToFileURL(bundle("controls", version)).href; // Node imports no blobs
  const stop = new AbortController();
  const el = document.body.appendChild(document.createElement("div"));
  const drawn = {
    scene: scene([node("a", { lane: "x" })], [], { caption: { text, functions: [], reason: "", tone: "" } }),
  };
  const data = new DataView(zlibSync(new TextEncoder().encode(JSON.stringify({ ...drawn, when: now }))).slice().buffer);
  const traits: Record<string, unknown> = {
    frame: { seq: 1, data },
    twin_id: text,
    origin: "",
    status: "",
  };
  const get = (name: string) => traits[name];
  const model = { get, set: () => {}, save_changes: () => {}, on: () => {}, off: () => {}, send: () => {} };
  const deaf = { on: () => {}, off: () => {}, send: () => {} };
  const controls = Promise.resolve(new DataView(zlibSync(new Uint8Array()).slice().buffer));
  const exports = hub.initialize({ model: deaf, signal: stop.signal, controls });
  const host = { getModel: async () => ({ ...model, get: (name: string) => (name === "reached" ? [1, 0] : "") }) };
  await exports.mount({ model, el, signal: stop.signal, host });
  Sight.all.at(-1)?.say(true);
  while (!el.querySelector(".vmw-help")) await new Promise((done) => setTimeout(done, 5));
  return { el, stop };
}

test("pictures of two versions have their own styles, are both read out, and one leaves without the other", async () => {
  const before = Object.keys(globalThis);
  const [one, other] = [await picture("aaaa", "Old."), await picture("bbbb", "New.")];
  assert.deepEqual(Object.keys(globalThis), before, "nothing is left where others could find it");
  const classes = [one, other].map(({ el }) => ["vmw-aaaa", "vmw-bbbb"].filter((name) => el.classList.contains(name)));
  assert.deepEqual(classes, [["vmw-aaaa"], ["vmw-bbbb"]]);
  const sheets = () =>
    document.adoptedStyleSheets.map((sheet) => [...sheet.cssRules].map((rule) => rule.cssText).join("\n"));
  assert.deepEqual(
    sheets().map((text) => ["vmw-aaaa", "vmw-bbbb"].filter((name) => text.includes(name))),
    [["vmw-aaaa"], ["vmw-bbbb"]],
  );
  await new Promise((done) => setTimeout(done, 100));
  const spoken = () => [...document.querySelectorAll(".vmw-spoken")].map((region) => region.textContent);
  assert.deepEqual(spoken(), ["Old.", "New."]);
  one.stop.abort();
  assert.deepEqual(spoken(), ["New."]);
  assert.equal(sheets().length, 1);
  assert.equal(other.el.querySelectorAll(".node").length > 0, true);
  other.stop.abort();
  assert.deepEqual([spoken(), sheets()], [[], []]);
});

test("questions that were loaded one by one have radio buttons of their own", async () => {
  const traits: Record<string, unknown> = {
    question: "Which?",
    options: ["low", "high"],
    hint: "",
    given: "",
    status: "",
  };
  const model = { get: (name: string) => traits[name], on: () => {}, off: () => {}, send: () => {} };
  const names = [];
  for (const version of ["aaaa", "bbbb"]) {
    const el = document.body.appendChild(document.createElement("div"));
    (await load("answer", version)).render({ model, el });
    names.push([...el.querySelectorAll<HTMLInputElement>("input[type=radio]")].map((input) => input.name));
  }
  assert.equal(new Set(names.flat()).size, 2);
  assert.ok(names.every((own) => own[0] === own[1]));
});

test("Graphviz's file listens for questions where there is no page", async () => {
  const page = globalThis.document;
  const asked: string[] = [];
  Object.assign(globalThis, { addEventListener: (event: string) => asked.push(event), self: globalThis });
  Reflect.deleteProperty(globalThis, "document");
  try {
    await load("graphviz", "worker");
  } finally {
    Object.assign(globalThis, { document: page });
  }
  assert.deepEqual(asked, ["message"]);
});
