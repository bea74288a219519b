// The operations of a machine below a slider: what is known of them, and how they are drawn.
//
// The strip of a slider: a piece for each operation, with groups, failures and names of moments.  Pointing at the strip
// shows which operation is there, and a press goes to it.

import { html, put, say, svg } from "./svg.ts";
import type { Send } from "./wire.ts";

/** Pixels of a strip from top to bottom, of a mark from left to right, and of a strip that has no layout yet. */
const HIGH = 4;
const NARROWEST = 3;
const UNKNOWN = 300;

interface TimelineCalls {
  /** Called when an operation was pressed, this far into it. */
  go: (number: number, share: number) => void;
  /** Returns an operation's name; an unknown name is requested. */
  name: (number: number) => string | undefined;
}

export class Timeline {
  readonly root = html("div", "vmw-timeline");
  /** The label for the operation under the pointer: it covers the parts below, so that nothing moves. */
  readonly tip = html("div", "vmw-tip");
  private readonly calls: TimelineCalls;
  private readonly drawing = svg("svg", "vmw-strip");
  private readonly shapes = svg("g");
  private readonly here = svg("rect", "here");
  private readonly pointer = svg("rect", "pointed");
  private readonly least: number;
  private past = NO_PAST;
  private pieces: Piece[] = [];
  private edge: number[] = [0];
  private width = 0;
  private moment: [number: number, share: number] = [0, 1];
  private pointed: [number: number, share: number] | null = null;

  /** `least`: the fewest pixels of a mark; 0 if marks are under the steps of a slider. */
  constructor(calls: TimelineCalls, least = NARROWEST) {
    this.calls = calls;
    this.least = least;
    this.drawing.setAttribute("preserveAspectRatio", "none");
    this.drawing.setAttribute("aria-hidden", "true");
    this.drawing.append(this.shapes, this.pointer, this.here);
    this.root.append(this.drawing);
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "slider");
    this.root.setAttribute("aria-label", "operations: arrows point, Enter goes there");
    this.root.setAttribute("aria-valuemin", "0");
    this.tip.hidden = true;
    this.tip.setAttribute("aria-hidden", "true");
    this.root.addEventListener("pointermove", (event) => this.point(this.under(event)));
    this.root.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault(); // the focus stays in place
      this.point(this.under(event));
    });
    this.root.addEventListener("pointerup", (event) => {
      if (event.button !== 0) return;
      this.calls.go(...this.under(event));
      if (event.pointerType !== "mouse") this.point(null);
    });
    for (const left of ["pointerleave", "pointercancel", "blur"])
      this.root.addEventListener(left, () => this.point(null));
    this.root.addEventListener("focus", () => {
      if (this.root.matches(":focus-visible")) this.point(this.moment);
    });
    this.root.addEventListener("keydown", (event) => this.key(event));
    if (typeof ResizeObserver === "function") new ResizeObserver(() => this.lay()).observe(this.root);
  }

  /** Sets the operations. */
  draw(past: Past): void {
    this.past = past;
    this.width = 0;
    put(this.root, "aria-valuemax", Math.max(past.kinds.length - 1, 0));
    this.lay();
  }

  /** Notes that the picture is at this operation, this far into it. */
  stand(number: number, share: number): void {
    this.moment = [number, share];
    this.mark(this.here, this.moment);
    if (!this.pointed) this.tell(this.moment);
  }

  /** Notes that more names are known. */
  named(): void {
    if (this.pointed) this.point(this.pointed);
    else this.tell(this.moment);
  }

  /** The number of marks on the strip, for tests. */
  get count(): number {
    return this.pieces.length;
  }

  private lay(): void {
    const width = this.root.clientWidth || UNKNOWN;
    if (width === this.width) return;
    this.width = width;
    this.pieces = fold(this.past, Math.floor(width / NARROWEST));
    this.edge = edges(this.pieces, width, this.least);
    put(this.drawing, "viewBox", `0 0 ${width} ${HIGH}`);
    put(this.root, "data-marks", this.pieces.length);
    this.shape();
    this.mark(this.here, this.moment);
  }

  /** Draws one path for each look; below them lines under groups, above them flags of named moments. */
  private shape(): void {
    const paths = new Map<string, string>();
    const add = (look: string, path: string): void => void paths.set(look, (paths.get(look) ?? "") + path);
    for (const [index, piece] of this.pieces.entries()) {
      const [from = 0, to = 0] = this.edge.slice(index, index + 2);
      const gap = to - from > 2 * NARROWEST ? 1 : to - from > 2 ? 0.5 : 0;
      const taller = look(piece) === "failed" ? 1.5 : 0; // so that no colour alone says it
      add(look(piece), box(from, to - gap, -taller, HIGH + taller));
    }
    const x = (number: number, share: number): number => place(this.pieces, this.edge, number, share);
    for (const [first, last] of this.past.groups) add("group", box(x(first, 0), x(last, 1) - 1, HIGH + 1, HIGH + 2));
    for (const [number] of this.past.marks) {
      const end = x(number, 1);
      add("moment", `${box(end - 1, end + 1, -2, HIGH)}M${end + 1},-2l4,2l-4,2z`);
    }
    this.shapes.replaceChildren(
      ...[...paths].map(([look, path]) => {
        const element = svg("path", look);
        element.setAttribute("d", path);
        return element;
      }),
    );
  }

  private mark(element: SVGRectElement, [number, share]: readonly [number, number]): void {
    put(element, "x", Math.max(Math.min(place(this.pieces, this.edge, number, share), this.width) - 1.5, 0).toFixed(1));
    put(element, "y", -2);
    put(element, "width", 3);
    put(element, "height", HIGH + 4);
  }

  private under(event: PointerEvent): [number, number] {
    const { left, width } = this.root.getBoundingClientRect();
    return at(this.pieces, this.edge, (this.width * (event.clientX - left)) / Math.max(width, 1));
  }

  /** Shows the name of the operation there; null: none. */
  private point(where: [number, number] | null): void {
    this.pointed = where;
    this.tip.hidden = !where || !this.pieces.length;
    put(this.pointer, "visibility", this.tip.hidden ? "hidden" : "visible");
    if (!where) {
      this.tell(this.moment);
      return;
    }
    this.mark(this.pointer, [where[0], 0.5]);
    say(this.tip, this.tell(where));
    const [own, around] = [this.root, this.tip.parentElement ?? this.root].map((one) => one.getBoundingClientRect());
    const x = (place(this.pieces, this.edge, where[0], 0.5) / Math.max(this.width, 1)) * (own?.width ?? 0);
    const share = ((own?.left ?? 0) + x - (around?.left ?? 0)) / Math.max(around?.width ?? 0, 1);
    // far from its left edge, the label is to the left of the pointer
    this.tip.style.setProperty("--vmw-at", share.toFixed(3));
  }

  /** Describes the operation there in words, for readers of any kind. */
  private tell([number]: readonly [number, number]): string {
    const letter = this.past.kinds[number] ?? "";
    const name = this.calls.name(number) ?? `${number.toLocaleString("en")} · ${KINDS[letter] ?? ""}`;
    const failed = ENDS[this.past.ends[number] ?? ""];
    const group = this.past.groups.find(([first, last]) => first <= number && number <= last);
    const piece = this.pieces.find(({ last }) => last >= number);
    const count = piece ? piece.last - piece.first + 1 : 1;
    const text = [
      name,
      !name.includes("✗") && failed ? failed : "",
      group ? `in the group ${group[2]}` : "",
      count > 1 ? `one piece for ${count.toLocaleString("en")}` : "",
      ...this.past.marks.filter(([one]) => one === number).map(([, mark]) => `mark ${mark}`),
    ]
      .filter(Boolean)
      .join(" · ");
    put(this.root, "aria-valuenow", number);
    put(this.root, "aria-valuetext", text);
    return text;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [number] = this.pointed ?? this.moment;
    const index = this.pieces.findIndex(({ last }) => last >= number);
    const last = this.past.kinds.length - 1;
    const wanted: Record<string, number | undefined> = {
      ArrowLeft: this.pieces[index]?.first === number ? this.pieces[index - 1]?.first : this.pieces[index]?.first,
      ArrowRight: this.pieces[index + 1]?.first,
      ArrowDown: Math.max(number - 1, 0),
      ArrowUp: Math.min(number + 1, last),
      Home: 0,
      End: last,
    };
    const to = wanted[event.key];
    if (to !== undefined) this.point([to, 1]);
    else if ((event.key === "Enter" || event.key === " ") && this.pointed) this.calls.go(number, 1);
    else if (!(event.key in wanted)) return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function box(left: number, right: number, top: number, bottom: number): string {
  const [x, wide] = [left.toFixed(1), Math.max(right - left, 0.5).toFixed(1)];
  return `M${x},${top}h${wide}v${bottom - top}h-${wide}z`;
}

/** The look of an operation on the strip. */
function look({ end }: Piece): string {
  return end === "e" || end === "p" ? "failed" : "done";
}

// ---- past
// The operations of a machine as a strip shows them: in columns, combined into as many marks as there is room for.

/** All operations, each with its kind, its outcome, and the width that it needs. */
export interface Past {
  /** A letter for each operation: see {@link KINDS}. */
  kinds: string;
  /** A letter for each outcome: see {@link ENDS}; "." is done. */
  ends: string;
  /** The width that each needs, in any unit. */
  weights: readonly number[];
  /** The effects of one call: the first and the last operation, and the group's name. */
  groups: readonly (readonly [first: number, last: number, name: string])[];
  /** The names given to moments, each with the operation before it. */
  marks: readonly (readonly [number: number, name: string])[];
}

/** The kinds of operations in words, by letter; "s" are several kinds in one mark. */
const KINDS: Readonly<Record<string, string>> = {
  n: "new",
  g: "freed",
  a: "access",
  f: "fault",
  t: "threads",
  c: "change",
  s: "several",
};

/** The outcomes of operations that did not end as done. */
const ENDS: Readonly<Record<string, string>> = { e: "failed", p: "panic", i: "stopped" };

/** One mark of the strip: operations from `first` to `last`. */
interface Piece {
  first: number;
  last: number;
  kind: string;
  end: string;
  weight: number;
  /** The name of the group that the mark stands for; "" if it is not a group. */
  group: string;
}

const NO_PAST: Past = { kinds: "", ends: "", weights: [], groups: [], marks: [] };

/**
 * Returns at most `most` marks: each operation, if they fit; otherwise groups are combined, then runs of similar
 * operations, then neighbours.
 */
export function fold(past: Past, most: number): Piece[] {
  let pieces = [...past.kinds].map(
    (kind, at): Piece => ({
      first: at,
      last: at,
      kind,
      end: past.ends[at] ?? ".",
      weight: past.weights[at] ?? 1,
      group: "",
    }),
  );
  if (pieces.length > most) pieces = grouped(pieces, past);
  if (pieces.length > most)
    pieces = joined(pieces, (a, b) => a.kind === b.kind && a.end === b.end && !a.group && !b.group);
  if (pieces.length > most) {
    const share = pieces.length / Math.max(most, 1);
    const bucket = new Map(pieces.map((piece, at) => [piece.first, Math.floor(at / share)]));
    pieces = joined(pieces, (a, b) => bucket.get(a.first) === bucket.get(b.first));
  }
  return pieces;
}

function grouped(pieces: readonly Piece[], past: Past): Piece[] {
  const made: Piece[] = [];
  let at = 0;
  for (const [first, last, name] of past.groups) {
    if (first < at || last >= pieces.length) continue;
    made.push(...pieces.slice(at, first));
    const [one, ...others] = pieces.slice(first, last + 1);
    if (one) made.push({ ...others.reduce(both, one), group: name });
    at = last + 1;
  }
  return [...made, ...pieces.slice(at)];
}

/** Combines neighbours, from the first of a run on, as long as the run and the next operation belong together. */
function joined(pieces: readonly Piece[], together: (first: Piece, next: Piece) => boolean): Piece[] {
  const made: Piece[] = [];
  for (const piece of pieces) {
    const before = made.at(-1);
    if (before && together(before, piece)) made[made.length - 1] = both(before, piece);
    else made.push(piece);
  }
  return made;
}

/** The worst outcome is the visible one. */
const WORST = ".iep";

function both(a: Piece, b: Piece): Piece {
  const end = WORST.indexOf(a.end) >= WORST.indexOf(b.end) ? a.end : b.end;
  const kind = a.kind === b.kind ? a.kind : "s";
  return { first: a.first, last: b.last, kind, end, weight: a.weight + b.weight, group: "" };
}

/**
 * Returns where each mark begins, and at the end where the last ends: each is at least `least` wide, and the rest is
 * divided by weight.
 */
export function edges(pieces: readonly Piece[], width: number, least: number): number[] {
  const total = pieces.reduce((sum, { weight }) => sum + weight, 0);
  const rest = Math.max(width - least * pieces.length, 0);
  const room = Math.min(least, width / Math.max(pieces.length, 1));
  let x = 0;
  return [0, ...pieces.map(({ weight }) => (x += room + (rest * weight) / Math.max(total, 1e-9)))];
}

/**
 * Returns the operation at `x` of the strip, and the part of it that is to the left; in a mark for several operations,
 * in proportion.
 */
export function at(pieces: readonly Piece[], edge: readonly number[], x: number): [number: number, share: number] {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edge[middle] ?? 0) <= x) low = middle;
    else high = middle - 1;
  }
  const piece = pieces[low];
  if (!piece) return [0, 0];
  const [from = 0, to = 0] = edge.slice(low, low + 2);
  const share = Math.min(Math.max((x - from) / Math.max(to - from, 1e-9), 0), 1 - 1e-9);
  const operations = share * (piece.last - piece.first + 1);
  return [piece.first + Math.floor(operations), operations % 1];
}

/** Returns the place of a moment on the strip: this far into an operation. */
export function place(pieces: readonly Piece[], edge: readonly number[], number: number, share: number): number {
  const index = pieces.findIndex((piece) => piece.last >= number);
  const piece = pieces[index];
  if (!piece) return edge.at(-1) ?? 0;
  const [from = 0, to = 0] = edge.slice(index, index + 2);
  return from + ((to - from) * (number - piece.first + share)) / (piece.last - piece.first + 1);
}

// ---- operations
// A page's knowledge of a machine's operations.  It requests missing data: all operations in columns, which only grow,
// and their names piece by piece, the nearest first.

/** The number of names that come at a time: see vmwidgets/pictures/timeline.py. */
export const NAMES = 500;

/** The number of pieces of names that are requested before anybody points at them. */
const MOST_AHEAD = 40;

/** Python's data about the operations from `first` on. */
export interface Told {
  stamp: number;
  first: number;
  /** The stamp of the latest operation. */
  serial: number;
  kinds: string;
  ends: string;
  /** The number of events of each operation. */
  sizes: number[];
  groups: [number, number, string][];
  marks: [number, string][];
  /** The names of operations from this number on, if they were requested. */
  names: [first: number, names: string[]];
}

export class Operations {
  past: Past = NO_PAST;
  private readonly send: Send;
  private readonly changed: () => void;
  private readonly names = new Map<number, string>();
  /** The pieces of names that were requested. */
  private readonly pieces = new Set<number>();
  private stamp = 0;
  private serial = -1;
  /** Whether the operations have changed since the last request, whether names are wanted, and around which. */
  private due = false;
  private pointed = false;
  private near = 0;
  private asked = false;

  /** `changed`: the operations have changed, or more names are known. */
  constructor(send: Send, changed: () => void) {
    this.send = send;
    this.changed = changed;
  }

  /** Notes that the machine's operations have this stamp now. */
  reach(stamp: number): void {
    this.due ||= stamp !== this.stamp;
    this.ask();
  }

  /** Notes that somebody else answers now: earlier requests get no answer. */
  again(): void {
    this.due ||= this.asked;
    this.asked = false;
    this.ask();
  }

  take({ stamp, first, serial, kinds, ends, sizes, groups, marks, names }: Told): void {
    const { past } = this;
    const fits = first <= past.kinds.length; // otherwise it answers an older question
    if (first < past.kinds.length) for (const one of [...this.names.keys()]) if (one >= first) this.names.delete(one);
    if (kinds || first < past.kinds.length)
      for (const one of [...this.pieces]) if ((one + 1) * NAMES > first) this.pieces.delete(one); // it was incomplete
    this.past = {
      kinds: past.kinds.slice(0, first) + kinds,
      ends: past.ends.slice(0, first) + ends,
      weights: [...past.weights.slice(0, first), ...sizes.map(wide)],
      groups,
      marks,
    };
    if (!fits) this.past = NO_PAST;
    this.serial = fits ? serial : -1;
    this.stamp = fits ? stamp : 0;
    this.due ||= !fits;
    this.asked = false;
    this.learn(names[1].map((name, at) => [names[0] + at, name]));
    this.ask(); // the machine has continued meanwhile, or there are more names
    this.changed();
  }

  /** Adds names that a picture has brought. */
  learn(named: readonly (readonly [number, string])[]): void {
    for (const [number, name] of named) this.names.set(number, name);
  }

  /** An operation's name; an unknown name is requested, and then the names around it. */
  name(number: number): string | undefined {
    const name = this.names.get(number);
    if (name === undefined) this.fetch(number);
    else this.near = number;
    return name;
  }

  /** Notes that the reader is about to point: names are requested, the nearest to an operation first. */
  fetch(number: number): void {
    this.near = number;
    this.pointed = true;
    this.ask();
  }

  private ask(): void {
    if (this.asked) return;
    const piece = this.pointed ? this.missing() : -1;
    this.pointed = piece >= 0;
    if (!this.due && !this.pointed) return;
    this.asked = true;
    this.due = false;
    if (this.pointed) this.pieces.add(piece);
    const first = this.pointed ? piece * NAMES : -1;
    this.send({ type: "operations", have: this.past.kinds.length, serial: this.serial, first });
  }

  /** The nearest piece of names that was not requested; -1 if there is none. */
  private missing(): number {
    const all = Math.ceil(this.past.kinds.length / NAMES);
    const here = Math.floor(this.near / NAMES);
    if (here < all && !this.pieces.has(here)) return here;
    for (let far = 1; far < all && this.pieces.size < MOST_AHEAD; far++) {
      const next = [here - far, here + far].find((one) => one >= 0 && one < all && !this.pieces.has(one));
      if (next !== undefined) return next;
    }
    return -1;
  }
}

/** The width of an operation with this many events: an eighth more events are not visible, eight times as many are. */
function wide(events: number): number {
  return 1 + Math.log2(1 + events);
}
