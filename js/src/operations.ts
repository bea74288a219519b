// A page's knowledge of a machine's operations.  It requests missing data: all operations in columns, which only grow,
// and their names piece by piece, the nearest first.

import { NO_PAST, type Past } from "./past.ts";
import type { Send } from "./requests.ts";

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
}

/** The names of operations from `first` on. */
export interface Names {
  first: number;
  names: string[];
}

export class Operations {
  past: Past = NO_PAST;
  private readonly send: Send;
  private readonly changed: () => void;
  private readonly named: () => void;
  private readonly names = new Map<number, string>();
  /** The pieces of names that were requested. */
  private readonly pieces = new Set<number>();
  private stamp = 0;
  private wanted = 0;
  /** The stamp at the time of the last request. */
  private meant = 0;
  private serial = -1;
  private asked = false;
  private naming = false;
  private near = 0;

  /** `changed`: the operations have changed; `named`: more names are known. */
  constructor(send: Send, changed: () => void, named: () => void) {
    this.send = send;
    this.changed = changed;
    this.named = named;
  }

  /** Notes that the machine's operations have this stamp now. */
  reach(stamp: number): void {
    this.wanted = stamp;
    this.ask();
  }

  /** Notes that somebody else answers now: earlier requests get no answer. */
  again(): void {
    this.asked = this.naming = false;
    this.ask();
  }

  take({ stamp, first, serial, kinds, ends, sizes, groups, marks }: Told): void {
    const { past } = this;
    const fits = first <= past.kinds.length; // otherwise it answers an older question
    if (first < past.kinds.length) this.forget(first);
    this.pieces.delete(Math.floor(first / NAMES)); // it was incomplete
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
    this.asked = false;
    if (!fits || this.wanted !== this.meant) this.ask(); // the machine has continued meanwhile
    this.changed();
  }

  /** Adds names that a picture has brought. */
  learn(named: readonly (readonly [number, string])[]): void {
    for (const [number, name] of named) this.names.set(number, name);
  }

  takeNames({ first, names }: Names): void {
    this.naming = false;
    this.learn(names.map((name, at) => [first + at, name]));
    this.named();
    this.askNames();
  }

  /** An operation's name; an unknown name is requested, and then the names around it. */
  name(number: number): string | undefined {
    this.near = number;
    const name = this.names.get(number);
    if (name === undefined) this.askNames();
    return name;
  }

  /** Notes that the reader is about to point: names are requested, the nearest to an operation first. */
  fetch(number: number): void {
    this.near = number;
    this.askNames();
  }

  private ask(): void {
    if (this.asked || this.wanted === this.stamp) return;
    this.asked = true;
    this.meant = this.wanted;
    this.send({ type: "timeline", have: this.past.kinds.length, serial: this.serial });
  }

  private askNames(): void {
    if (this.naming) return;
    const all = Math.ceil(this.past.kinds.length / NAMES);
    const here = Math.floor(this.near / NAMES);
    let next = -1;
    if (here < all && !this.pieces.has(here)) next = here;
    for (let far = 1; next < 0 && far < all && this.pieces.size < MOST_AHEAD; far++)
      next = [here - far, here + far].find((one) => one >= 0 && one < all && !this.pieces.has(one)) ?? -1;
    if (next < 0) return;
    this.naming = true;
    this.pieces.add(next);
    this.send({ type: "names", first: next * NAMES });
  }

  /** Notes that operations from `first` on are new, or have changed. */
  private forget(first: number): void {
    for (const number of [...this.names.keys()]) if (number >= first) this.names.delete(number);
    for (const piece of [...this.pieces]) if ((piece + 1) * NAMES > first) this.pieces.delete(piece);
  }
}

/** The width of an operation with this many events: an eighth more events are not visible, eight times as many are. */
function wide(events: number): number {
  return 1 + Math.log2(1 + events);
}
