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
export const KINDS: Readonly<Record<string, string>> = {
  n: "new",
  g: "freed",
  a: "access",
  f: "fault",
  t: "threads",
  c: "change",
  s: "several",
};

/** The outcomes of operations that did not end as done. */
export const ENDS: Readonly<Record<string, string>> = { e: "failed", p: "panic", i: "stopped" };

/** One mark of the strip: operations from `first` to `last`. */
export interface Piece {
  first: number;
  last: number;
  kind: string;
  end: string;
  weight: number;
  /** The name of the group that the mark stands for; "" if it is not a group. */
  group: string;
}

export const NO_PAST: Past = { kinds: "", ends: "", weights: [], groups: [], marks: [] };

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
