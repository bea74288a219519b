// Builds vmwidgets/static/: hub.js (the drawing code and the style sheet, one file), loader.js (what waits for it in the
// page), controls.js (what a reader presses, which comes behind the first picture), graphviz.js (which pages load when a
// picture needs it), view.js (the few lines that every view carries), answer.js (the control of predictions),
// handout.js (the player of handouts) and saved.js (the player of saved notebooks), and the letters of pictures; bundle.txt has their hash.  Runs through esbuild's API: its command-line launcher fails under some packaged Nodes.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import subset from "subset-font";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "vmwidgets", "static");
const functions = join(here, "..", "vmwidgets", "views", "story", "functions");
const sheets = ["style.css", "live.css"].map((name) => join(here, "..", "vmwidgets", "views", "scene", name));

/** What kernel functions do, by name: the package's own text files. */
async function pseudocode() {
  const names = (await readdir(functions)).sort();
  const texts = names.map(async (name) => [name.replace(/\.txt$/, ""), await readFile(join(functions, name), "utf8")]);
  return Object.fromEntries(await Promise.all(texts));
}

/** What pictures have in common, as vmwidgets/widgets/host/packing.py reads it. */
async function dictionary() {
  const text = await readFile(join(here, "..", "vmwidgets", "widgets", "host", "dictionary.txt"), "utf8");
  return text.split(/\r?\n/).join("");
}

/** The characters that pictures are written in; all others come from the page's own letters. */
const LETTERS = `${String.fromCharCode(...Array.from({ length: 95 }, (_, at) => 32 + at))}·×–—’‘“”…←→↑↓▲▼◀▶≤≥≠−½±µ°ΔΣ●○■□✓✗‖`;

const packages = join(here, "node_modules");
const INTER = join(packages, "inter-ui", "variable", "InterVariable.woff2");
const mono = (weight) => join(packages, "jetbrains-mono", "fonts", "webfonts", `JetBrainsMonoNL-${weight}.woff2`);

/** The faces: of pages, with all their weights; and of programs that draw files, each with one weight. */
const FACES = [
  { family: "Inter", weights: "400 700", font: INTER, axes: { opsz: 14, wght: { min: 400, max: 700 } } },
  { family: "JetBrains Mono", weights: "400", font: mono("Regular") },
];
const FILES = {
  "inter-400": { font: INTER, axes: { opsz: 14, wght: 400 } },
  "inter-600": { font: INTER, axes: { opsz: 14, wght: 600 } },
  "jetbrains-mono-400": { font: mono("Regular") },
  "jetbrains-mono-600": { font: mono("SemiBold") },
};

/** A face with these letters alone, in a format. */
async function face({ font, axes }, targetFormat) {
  const kept = { keepFeatures: ["kern"], preserveNameIds: [16, 17] }; // with the name of its family
  return subset(await readFile(font), LETTERS, { targetFormat, variationAxes: axes, ...kept });
}

/** Writes the faces for files, with their licence; returns those for pages: family, weights, base 64. */
async function faces() {
  const folder = join(out, "letters");
  await mkdir(folder, { recursive: true });
  for (const [name, one] of Object.entries(FILES))
    await writeFile(join(folder, `${name}.ttf`), await face(one, "truetype"));
  for (const name of ["inter-ui.txt", "jetbrains-mono-typeface.txt"])
    await copyFile(join(here, "licenses", name), join(folder, name));
  const found = [];
  for (const one of FACES)
    found.push([one.family, one.weights, Buffer.from(await face(one, "woff2")).toString("base64")]);
  const rule = ([family, weights, file]) =>
    `@font-face{font-family:"${family}";font-weight:${weights};src:url(data:font/woff2;base64,${file}) format("woff2")}`;
  await writeFile(join(out, "letters.css"), found.map(rule).join(""));
  return found;
}

/** A hash of everything that is drawn with: it names the class that the style sheet's rules hold under. */
async function fingerprint() {
  const names = (await readdir(join(here, "src"))).sort().map((name) => join(here, "src", name));
  const sum = createHash("sha256");
  for (const path of [...names, join(here, "package-lock.json"), ...sheets]) sum.update(await readFile(path));
  sum.update(JSON.stringify([await pseudocode(), await dictionary()]));
  return sum.digest("hex").slice(0, 8);
}

/** The rules of a style sheet, without what only people read. */
async function rules(path) {
  return (await transform(await readFile(path, "utf8"), { loader: "css", minify: true })).code;
}

/** Style sheets as text, without what only people read. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => ({ contents: await rules(path), loader: "text" }));
  },
};

const NAMES = ["hub", "loader", "controls", "graphviz", "view", "answer", "handout"];

/** What a page runs as a script of its own, and not as a module. */
const SCRIPTS = ["saved"];

const texts = await pseudocode();
const bundle = await fingerprint();

await mkdir(out, { recursive: true });
const letters = await faces();
for (const [names, format] of [
  [NAMES, "esm"],
  [SCRIPTS, "iife"],
])
  await build({
    entryPoints: names.map((name) => join(here, "src", `${name}.ts`)),
    outdir: out,
    bundle: true,
    minify: true,
    format,
    target: "es2022",
    platform: "browser",
    charset: "utf8",
    legalComments: "none",
    plugins: [styles],
    define: {
      BUNDLE: JSON.stringify(bundle),
      DICTIONARY: JSON.stringify(await dictionary()),
      FACES: JSON.stringify(letters),
      LIVE: JSON.stringify(await rules(sheets[1])),
      FUNCTIONS: JSON.stringify(Object.keys(texts)),
      TEXTS: JSON.stringify(texts),
    },
    logLevel: "warning",
  });
await writeFile(join(out, "bundle.txt"), bundle);
for (const name of [...NAMES, ...SCRIPTS]) {
  const { size } = await stat(join(out, `${name}.js`));
  console.log(`vmwidgets/static/${name}.js: ${size.toLocaleString("en")} bytes`);
}
