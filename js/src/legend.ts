// What "?" shows: the keys, and what the looks of things mean.

import { html } from "./svg.ts";

type Rows = readonly (readonly [string, string])[];

const KEYS: Rows = [
  ["← → ↑ ↓", "from thing to thing"],
  ["Enter, Space", "select, open, press"],
  ["[ ]", "a step back, on"],
  ["{ }", "to the first operation, to now"],
  ["c", "as at this cell"],
  ["/", "find an address"],
  ["+ -", "zoom the ribbon"],
  ["p s t", "pin, save, table"],
  ["Escape", "select nothing"],
];

const LOOKS: Rows = [
  ["thick, green", "new"],
  ["dashed, amber", "changed"],
  ["thick, blue", "on the path of a search or a walk"],
  ["shadow", "selected, in all pictures of the machine"],
  ["dotted box", "folded: press it to open it"],
  ["round, R", "a red node of a tree; black ones are square, with B"],
];

/** Two lists, side by side where there is room. */
export function legend(): HTMLElement[] {
  return [KEYS, LOOKS].map((rows) => {
    const list = html("dl");
    for (const [what, means] of rows) list.append(html("dt", "", what), html("dd", "", means));
    return list;
  });
}
