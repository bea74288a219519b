// What a picture offers, and does not always show: the rows of "…", the field that finds, the table, the legend.
//
// The contents of "…": all offers of a picture that are not always in sight, in rows, in the flow of the page.

import { NodeElement, Ruler } from "./node.ts";
import { button, html, keepFocus, say, svg } from "./svg.ts";
import type { Found, Run, Scene, SceneTable, SceneTableTwin } from "./wire.ts";

/** Elements that have their own meanings for keys. */
const FIELDS = "input, select";

export class More {
  readonly press = button("…", "more for this picture", "m");
  readonly root = html("div", "vmw-more");

  /** Rows, each with its name. */
  constructor(rows: Readonly<Record<string, readonly HTMLElement[]>>) {
    this.press.classList.add("vmw-opens");
    this.root.setAttribute("role", "toolbar");
    this.root.setAttribute("aria-label", "more for this picture");
    for (const [name, items] of Object.entries(rows)) {
      const row = html("div", `vmw-row vmw-row-${name}`);
      row.setAttribute("role", "group");
      row.setAttribute("aria-label", name);
      const label = html("span", "vmw-of", name);
      label.setAttribute("aria-hidden", "true");
      const room = html("div", "vmw-items");
      room.append(...items);
      row.append(label, room);
      this.root.append(row);
    }
    this.press.addEventListener("click", () => this.open(!this.opened));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.open(false);
  }

  get opened(): boolean {
    return !this.root.hidden;
  }

  /** Shows it with the focus in it, or hides it: the focus then returns to the button that opens it. */
  open(open: boolean): void {
    const held = this.root.contains((this.root.getRootNode() as Document).activeElement);
    this.root.hidden = !open;
    this.press.setAttribute("aria-expanded", String(open));
    if (open) this.items[0]?.focus();
    else if (held) this.press.focus();
  }

  /** The elements that can have the focus now. */
  private get items(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>(`button, ${FIELDS}`)].filter(
      (one) => !one.matches(":disabled") && !one.closest("[hidden]"),
    );
  }

  private key(event: KeyboardEvent): void {
    const { items } = this;
    const target = event.target as HTMLElement;
    const at = items.indexOf(target);
    const to: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: -1,
    };
    const next = to[event.key];
    if (event.key === "Escape") this.open(false);
    else if (target.matches(FIELDS)) {
      event.stopPropagation(); // keys typed there have no other meaning
      return;
    } else if (next !== undefined) items.at(next % items.length)?.focus();
    else return; // a letter means the same as elsewhere in the picture
    event.preventDefault();
    event.stopPropagation();
  }
}

// ---- finder
// The field that finds addresses and names, the number of finds, and the way from one find to the next.

const FINDS = "find an address or a name";

interface FinderCalls {
  find: (text: string, way: 1 | -1) => void;
  /** Called to move the focus back to the picture. */
  leave: () => void;
}

export class Finder {
  readonly root = html("span", "vmw-finder");
  readonly field = html("input", "vmw-find");
  private readonly count = html("span", "vmw-found");
  private readonly back = button("‹", "the previous match", "Shift+Enter");
  private readonly forward = button("›", "the next match", "Enter");
  private readonly calls: FinderCalls;
  /** The text that was searched last. */
  private sought = "";

  constructor(calls: FinderCalls) {
    this.calls = calls;
    this.field.type = "search";
    this.field.placeholder = FINDS;
    this.field.title = `${FINDS}: 0x14_1000, a file, an object, a thread, rw-, a kernel function (/)`;
    this.field.setAttribute("aria-label", FINDS);
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("input", () => this.clear());
    this.back.addEventListener("click", () => this.find(-1));
    this.forward.addEventListener("click", () => this.find(1));
    this.root.append(this.field, this.count, this.back, this.forward);
    this.clear();
  }

  /** Shows the find; `hidden`: the picture does not show it.  Returns the same as a sentence. */
  take({ at, count, words, folded }: Found, hidden: boolean): string {
    if (!count) {
      this.clear();
      return "";
    }
    const where = `${(at + 1).toLocaleString("en")} of ${count.toLocaleString("en")}`;
    say(this.count, where);
    this.count.title = words;
    this.turns(count >= 2);
    return `${where}: ${words}${folded || hidden ? ". It is in a part of the picture that is folded." : ""}`;
  }

  private clear(): void {
    say(this.count, "");
    this.turns(false);
  }

  /** Shows the two buttons to other matches, or hides them: the field then gets their focus. */
  private turns(shown: boolean): void {
    const set = (): void => {
      for (const one of [this.back, this.forward]) one.hidden = !shown;
    };
    keepFocus(this.root, set, this.field);
  }

  private find(way: 1 | -1): void {
    const { value } = this.field;
    if (!value.trim()) return;
    if (value !== this.sought) this.clear(); // the old sentence is about another search
    this.sought = value;
    this.calls.find(value, way);
  }

  private key(event: KeyboardEvent): void {
    event.stopPropagation(); // keys typed here have no other meaning
    if (event.key === "Enter") this.find(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") this.calls.leave();
  }
}

// ---- table
// The table twin: the contents of a picture, as rows.

/** The table twin: real HTML.  While it is open, its rows are requested with each picture. */
export class TableTwin {
  readonly root = html("details", "vmw-table");
  readonly summary = html("summary", "", "table");
  private readonly box = html("div", "vmw-table-box");
  private readonly ask: () => void;
  private title = "";
  private filled = "";

  constructor(ask: () => void) {
    this.ask = ask;
    this.box.tabIndex = 0; // keys scroll it
    this.box.setAttribute("role", "region");
    this.box.setAttribute("aria-label", "table");
    this.box.addEventListener("keydown", (event) => event.stopPropagation());
    this.root.append(this.summary, this.box);
    this.root.addEventListener("toggle", () => this.root.open && ask());
  }

  draw(scene: Scene): void {
    this.title = scene.title;
    this.root.hidden = scene.table.header.length === 0;
    if (this.root.open) this.ask();
  }

  fill(table: SceneTableTwin): void {
    const filled = JSON.stringify(table);
    if (filled === this.filled) return;
    this.filled = filled;
    this.box.replaceChildren(drawn(this.title, table), ...(table.more ?? []).map((other) => drawn(other.title, other)));
  }
}

function drawn(title: string, { header, rows }: SceneTable): HTMLTableElement {
  const table = html("table");
  table.createCaption().textContent = title;
  const head = table.createTHead().insertRow();
  for (const word of header) {
    const cell = html("th", "", word);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const word of row) line.insertCell().textContent = word;
  }
  return table;
}

// ---- legend
// The contents of "?": the keys, and the meanings of looks.

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
