// The film of a picture: the differences of its drawings at the other steps of an operation from the drawing on the
// page.  The browser's half of vmwidgets/pictures/film.py.

import { textOf } from "./packing.ts";
import { type Picture, type Scene, SUPPORTED_VERSION } from "./scene.ts";

type Fields = Record<string, unknown>;

/** A run of things that are kept, or something new; for a kept thing, its `id` and the fields that differ. */
type Part = [first: number, count: number] | Fields;

interface Packed {
  version: number;
  /** The operation. */
  number: number;
  /** The number of its finished events at each frame; -1 is after all of them. */
  places: number[];
  /** The frame that is on the page. */
  base: number;
  /** For each frame, the difference from the neighbour that is nearer to the base. */
  frames: Fields[];
}

const LISTS = new Set(["nodes", "links", "marks"]);

export class Film {
  readonly number: number;
  readonly places: readonly number[];
  private readonly base: Picture;
  private readonly from: number;
  private readonly changes: readonly Fields[];
  /** The frames that were shown, and the frames between them and the base. */
  private readonly scenes: (Scene | undefined)[];
  private readonly pictures = new Map<number, Picture>();

  /** The film around the picture `base`.  Throws if it is cut, of another version, or of another picture. */
  constructor({ version, number, places, base: from, frames }: Packed, base: Picture) {
    if (version !== SUPPORTED_VERSION) throw new Error(`this film is of version ${version}, not ${SUPPORTED_VERSION}`);
    if (number !== base.when.number)
      throw new Error(`this film is of operation ${number}, and the picture of operation ${base.when.number}`);
    if (places.length !== frames.length) throw new Error(`this film has ${frames.length} frames of ${places.length}`);
    if (places[from] !== base.when.place) throw new Error("this film begins at another step than the picture");
    this.number = number;
    this.places = places;
    this.base = base;
    this.from = from;
    this.changes = frames;
    this.scenes = places.map((_, index) => (index === from ? base.scene : undefined));
  }

  has(place: number): boolean {
    return this.places.includes(place);
  }

  /** The last of its places that is not after `place`: this is shown while another picture is on screen. */
  before(place: number): number {
    const known = this.places.filter((one) => after(place) >= after(one));
    return known.at(-1) ?? this.places[0] ?? place;
  }

  /** The picture at one of its places. */
  picture(place: number): Picture {
    const known = this.pictures.get(place);
    if (known) return known;
    const index = this.places.indexOf(place);
    if (index < 0) throw new RangeError(`this film has no step after ${place} events`);
    const scene = this.scene(index);
    const steps = { ...this.base.scene.steps, index: Math.max(this.base.scene.steps.places.indexOf(place), 0) };
    const made = { scene: { ...scene, steps }, when: { ...this.base.when, place } };
    this.pictures.set(place, made);
    return made;
  }

  /** The same; undefined if it can't be made, so that the kernel has to be asked. */
  made(place: number): Picture | undefined {
    try {
      return this.picture(place);
    } catch {
      return undefined;
    }
  }

  /**
   * Makes the drawings at this distance in steps from the present one, on both sides.  Returns false if there are none.
   */
  prepare(far: number): boolean {
    const there = [this.from - far, this.from + far].filter((index) => this.changes[index]);
    for (const index of there) this.made(this.places[index] ?? 0);
    return there.length > 0;
  }

  private scene(index: number): Scene {
    const known = this.scenes[index];
    if (known) return known;
    const nearer = this.scene(index < this.from ? index + 1 : index - 1);
    const made = changed(nearer as unknown as Fields, this.changes[index] ?? {}) as unknown as Scene;
    this.scenes[index] = made;
    return made;
  }
}

/** The film that Python sent around the picture `base`, which came in `frame`. */
export function openFilm(data: DataView, base: Picture, frame: DataView): Film {
  return new Film(JSON.parse(textOf(data, frame)) as Packed, base);
}

/** Compares places: -1, which is after the operation, comes last. */
export function after(place: number): number {
  return place < 0 ? Number.POSITIVE_INFINITY : place;
}

function changed(before: Fields, change: Fields): Fields {
  const found: Fields = { ...before };
  for (const [name, value] of Object.entries(change)) {
    const old = before[name];
    if (value === null) delete found[name];
    else if (LISTS.has(name) && old) found[name] = merged(old as Fields[], value as Part[]);
    else if (hasFields(value) && hasFields(old)) found[name] = changed(old, value);
    else found[name] = value;
  }
  return found;
}

function hasFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merged(before: readonly Fields[], parts: readonly Part[]): Fields[] {
  const known = new Map(before.filter((one) => "id" in one).map((one) => [one.id, one]));
  return parts.flatMap((part) => {
    if (!Array.isArray(part)) return [changed(known.get(part.id) ?? {}, part)];
    const [first, count] = part;
    if (first < 0 || first + count > before.length) throw new Error("this film is of another picture");
    return before.slice(first, first + count);
  });
}
