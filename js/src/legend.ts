// The contents of "?": the keys, and the meanings of looks.

import { Ruler } from "./fit.ts";
import { NodeElement } from "./node.ts";
import type { Run } from "./scene.ts";
import { html, svg } from "./svg.ts";

const KEYS: readonly (readonly [string, string])[] = [
  ["← → ↑ ↓", "to the next box in that direction"],
  ["Enter", "select, open, press"],
  ["Space", "play, pause"],
  ["[ ]", "a step back, forward"],
  ["{ }", "to the beginning of the operation, to now"],
  ["c", "as at this cell"],
  ["/", "find an address or a name; Enter finds the next"],
  ["m", "more: all that a picture offers"],
  ["s t f", "save, table, full screen"],
  ["Escape", "select nothing; if nothing is selected: back to the notebook"],
  ["n", "full screen: notes in a second window"],
  ["h", "full screen: hold this picture, or follow the newest"],
];

/** A state of a node, and its meaning. */
const LOOKS: readonly (readonly [string, string])[] = [
  ["new", "new"],
  ["changed", "changed"],
  ["path", "on the path of a search or a walk, or current"],
  ["selected", "selected, in all pictures of the machine"],
  ["shown", "shown in detail below"],
  ["leaving", "about to be removed"],
  ["folded", "folded: press it to open it"],
];

/**
 * A colour or a fill of a map's ranges, and its meaning; views/maps/runs.py gives each range one of both.  A list of
 * entries has the colours too, as the strip of each card.
 */
const RANGES: readonly (readonly [string, string])[] = [
  ["anonymous", "memory without a file"],
  ["heap", "heap"],
  ["stack", "stack"],
  ["code", "code"],
  ["file", "file, read only"],
  ["data", "file, written"],
  ["unknown", "file, rights unknown"],
  ["kernel", "the kernel's own"],
  ["submap", "a submap"],
  ["writes", "read and write"],
  ["reads", "read only"],
  ["nothing", "no access"],
];

/** Two lists, side by side if there is room: the keys, and the looks that the picture `has`. */
export function legend(has: (state: string) => boolean = () => true): HTMLElement[] {
  const keys = html("dl");
  for (const [what, means] of KEYS) keys.append(html("dt", "", what), html("dd", "", means));
  const looks = html("dl");
  for (const [state, means] of LOOKS.filter(([state]) => has(state))) {
    const term = html("dt");
    term.append(sample(state));
    looks.append(term, html("dd", "", means));
  }
  for (const [look, means] of RANGES.filter(
    ([look]) => has(`range.${look}`) || has(`entry.${look}`) || has(`descriptor.${look}`),
  )) {
    const term = html("dt");
    term.append(sample(look, "range"));
    looks.append(term, html("dd", "", means));
  }
  if (has("black"))
    looks.append(html("dt", "", "R, B"), html("dd", "", "nodes of a tree: red ones are round, black ones square"));
  looks.append(html("dt", "", "▬ ▬"), html("dd", "", "below the slider: the machine's operations; red: failed"));
  return [keys, looks];
}

/** A node of a kind, with its look in that state, whatever the theme. */
function sample(state: string, kind = "sample"): SVGSVGElement {
  const root = svg("svg", "vmw-scene vmw-sample still");
  root.setAttribute("viewBox", "0 0 34 22");
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", state);
  const selected = state === "selected";
  const text: Run[] = state === "folded" ? [[13, 11, "12", "label", "middle", 0]] : []; // a fold shows a number
  const look = FILLS.has(state) ? `anonymous ${state}` : state; // a fill has the colour of the thing that it fills
  const looks = { id: state, kind, x: 3, y: 3, w: 26, h: 14, state: selected ? "" : look, text };
  const node = new NodeElement(looks, new Ruler(root));
  node.choose(selected);
  root.append(node.root, node.over);
  return root;
}

const FILLS: ReadonlySet<string> = new Set(["writes", "reads", "nothing"]);
