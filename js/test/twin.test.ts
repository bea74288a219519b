import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { hideTwin } from "../src/host.ts";

Object.assign(globalThis, { CSS: { escape: (name: string) => name } });

test("a live view hides its twin, and outside of JupyterLab the box that the twin is in", () => {
  const selectors = (rule: HTMLStyleElement): string[] => (rule.textContent ?? "").split("{")[0]?.split(", ") ?? [];
  assert.deepEqual(
    selectors(hideTwin("t-1", false)).map((one) => one.trim()),
    ['[data-vmwidgets-twin="t-1"]', '[data-vmwidgets-box]:has([data-vmwidgets-twin="t-1"])'],
  );
  const inNotebook = (hideTwin("t-1", true).textContent ?? "").split("{")[0]?.split(",") ?? [];
  for (const one of inNotebook) assert.match(one, /^\s*\.jp-/, "another notebook may have a twin of the same name");
});
