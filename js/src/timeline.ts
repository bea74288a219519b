// The strip of a slider: a piece for each operation, with groups, failures and names of moments.  Pointing at the strip
// shows which operation is there, and a press goes to it.

import { at, ENDS, edges, fold, KINDS, NO_PAST, type Past, type Piece, place } from "./past.ts";
import { html, put, say, svg } from "./svg.ts";

/** Pixels of a strip from top to bottom, of a mark from left to right, and of a strip that has no layout yet. */
const HIGH = 4;
const NARROWEST = 3;
const UNKNOWN = 300;

export interface TimelineCalls {
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
