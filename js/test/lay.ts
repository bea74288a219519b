// Lays DOT out as a page does, for tests in Python: a list of [text, format, engine] comes in, what Graphviz says goes out.

import { readFileSync } from "node:fs";
import { Graphviz } from "@hpcc-js/wasm-graphviz";

const graphviz = await Graphviz.load();
const asked = JSON.parse(readFileSync(0, "utf8")) as [dot: string, format: "svg", engine: "nop"][];
process.stdout.write(JSON.stringify(asked.map(([dot, format, engine]) => graphviz.layout(dot, format, engine))));
