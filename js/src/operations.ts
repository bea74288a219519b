// What a page knows of a machine's operations.  What it lacks it asks for: all of them in columns, which only grow, and
// their names piece by piece, the nearest first.

import { NO_PAST, type Past } from "./past.ts";
import type { Send } from "./requests.ts";

/** So many names come at a time: see vmwidgets/pictures/timeline.py. */
export const NAMES = 500;

/** So many pieces of names are asked for before anybody points at them. */
const MOST_AHEAD = 40;

/** What Python tells of the operations from `first` on. */
export interface Told {
  stamp: number;
  first: number;
  /** Of the latest operation. */
  serial: number;
  kinds: string;
  ends: string;
  /** Of each the number of its events. */
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
  /** The pieces of names that were asked for. */
  private readonly pieces = new Set<number>();
  private stamp = 0;
  private wanted = 0;
  /** The stamp that the last question was asked for. */
  private meant = 0;
  private serial = -1;
  private asked = false;
  private naming = false;
  private near = 0;

  /** `changed`: there are other operations; `named`: more names are known. */
  constructor(send: Send, changed: () => void, named: () => void) {
    this.send = send;
    this.changed = changed;
    this.named = named;
  }

  /** The machine's operations have this stamp now. */
  reach(stamp: number): void {
    this.wanted = stamp;
    this.ask();
  }

  /** Whoever answers is another one: what was asked for does not come. */
  again(): void {
    this.asked = this.naming = false;
    this.ask();
  }

  take({ stamp, first, serial, kinds, ends, sizes, groups, marks }: Told): void {
    const { past } = this;
    const fits = first <= past.kinds.length; // else it answers an older question
    if (first < past.kinds.length) this.forget(first);
    this.pieces.delete(Math.floor(first / NAMES)); // it was not whole
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
    if (!fits || this.wanted !== this.meant) this.ask(); // it has gone on meanwhile
    this.changed();
  }

  /** Names that a picture has brought. */
  learn(named: readonly (readonly [number, string])[]): void {
    for (const [number, name] of named) this.names.set(number, name);
  }

  takeNames({ first, names }: Names): void {
    this.naming = false;
    this.learn(names.map((name, at) => [first + at, name]));
    this.named();
    this.askNames();
  }

  /** An operation's name, if it is known. */
  known(number: number): string | undefined {
    return this.names.get(number);
  }

  /** An operation's name; one that is not known is asked for, and then those around it. */
  name(number: number): string | undefined {
    this.near = number;
    const name = this.names.get(number);
    if (name === undefined) this.askNames();
    return name;
  }

  /** The reader is about to point: names are fetched, the nearest to an operation first. */
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

  /** Operations from `first` on are others than they were, or new ones. */
  private forget(first: number): void {
    for (const number of [...this.names.keys()]) if (number >= first) this.names.delete(number);
    for (const piece of [...this.pieces]) if ((piece + 1) * NAMES > first) this.pieces.delete(piece);
  }
}

/** How wide an operation of so many events is: an eighth more events are not seen, eight times as many are. */
function wide(events: number): number {
  return 1 + Math.log2(1 + events);
}
