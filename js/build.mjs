// Builds vmwidgets/static/: hub.js (the drawing code, Graphviz and the style sheet, one file) and view.js (the few lines
// that every view carries).  Runs through esbuild's API: its command-line launcher fails under some packaged Nodes.
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "vmwidgets", "static");

await mkdir(out, { recursive: true });
await build({
  entryPoints: [join(here, "src", "hub.ts"), join(here, "src", "view.ts")],
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
for (const name of ["hub.js", "view.js"]) {
  const { size } = await stat(join(out, name));
  console.log(`vmwidgets/static/${name}: ${size.toLocaleString("en")} bytes`);
}
