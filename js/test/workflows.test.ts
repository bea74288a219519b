// The workflow files, and that a mistake in one is found.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { problemsOf } from "./workflows.ts";

const FOLDER = new URL("../../.github/workflows/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER), "utf8");

test("no workflow has a problem", () => {
  const names = readdirSync(FOLDER);
  assert.ok(names.includes("release.yml"));
  assert.deepEqual(
    names.flatMap((name) => problemsOf(read(name), name)),
    [],
  );
});

const MISTAKES: [file: string, right: string, wrong: string, said: RegExp][] = [
  ["tests.yml", "matrix.python }}", "matrix.version }}", /"version" is not defined/],
  ["tests.yml", "timeout-minutes: 90", "timeout: 90", /unexpected key "timeout"/],
  ["release.yml", "needs: [tests, build]", "needs: [tests, wheel]", /"wheel"/],
  ["release.yml", "id-token: write", "id-tokens: write", /unknown permission scope "id-tokens"/],
  ["site.yml", "runs-on: ubuntu-latest", "runs-on: ubuntu", /label "ubuntu" is unknown/],
];

for (const [file, right, wrong, said] of MISTAKES) {
  test(`${file} with ${wrong.trim()} is refused`, () => {
    const text = read(file);
    assert.ok(text.includes(right));
    const problems = problemsOf(text.replace(right, wrong), file);
    assert.match(problems.join("\n"), said);
  });
}
