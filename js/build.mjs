// Builds vmwidgets/static/: hub.js (the drawing code, Graphviz and the style sheet, one file), view.js (the few lines
// that every view carries) and answer.js (the control of predictions).  Runs through esbuild's API: its command-line
// launcher fails under some packaged Nodes.
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "vmwidgets", "static");

await mkdir(out, { recursive: true });
await build({
  entryPoints: ["hub.ts", "view.ts", "answer.ts"].map((name) => join(here, "src", name)),
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  charset: "utf8",
  legalComments: "none",
  loader: { ".css": "text" },
  logLevel: "warning",
});
for (const name of ["hub.js", "view.js", "answer.js"]) {
  const { size } = await stat(join(out, name));
  console.log(`vmwidgets/static/${name}: ${size.toLocaleString("en")} bytes`);
}
