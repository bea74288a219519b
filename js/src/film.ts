// What a page reads of its kernel: pictures and films, unpacked, and the moment that each picture shows.
//
// The film of a picture: the differences of its drawings at the other steps of an operation from the drawing on the
// page.  The browser's half of vmwidgets/pictures/film.py.

import { unzlibSync } from "fflate";
import { type Frame, type Picture, type Request, type Scene, type Spot, SUPPORTED_VERSION, type When } from "./wire.ts";

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

class Film {
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

  /** The picture at one of its places; undefined if it can't be made, so that the kernel has to be asked. */
  made(place: number): Picture | undefined {
    const known = this.pictures.get(place);
    if (known) return known;
    const { scene, when } = this.base;
    const steps = { ...scene.steps, index: Math.max(scene.steps.places.indexOf(place), 0) };
    try {
      const made = { scene: { ...this.scene(this.places.indexOf(place)), steps }, when: { ...when, place } };
      this.pictures.set(place, made);
      return made;
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

/** Compares places: -1, which is after the operation, comes last. */
function after(place: number): number {
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

// ---- reel
// The moment that a picture shows: the kernel's moment, or for a while a moment to which the page has gone by itself,
// with the film of the operation.  The pictures of a machine go together, and the kernel is informed when it is idle.

/** The kernel's messages about a picture: see vmwidgets/widgets/host/view.py. */
interface Said {
  frame: Partial<Frame>;
  film?: Partial<Frame> | undefined;
  spot?: Partial<Spot> | undefined;
}

/** The number of drawings of a film that are made before anybody requests them. */
const MOST_PREPARED = 32;

interface ReelCalls {
  /** Draws a picture of frame `seq`. */
  draw: (seq: number, picture: Picture) => void;
  /** Notes whether there is a film of the shown operation. */
  filmed?: (has: boolean) => void;
  /** The kernel shows a step of a film that the page does not have: it has to send the drawing. */
  lost?: () => void;
  send: (request: Request) => void;
}

export class Reel {
  /** Whether the page has gone to another step, and the kernel may not know yet. */
  ahead = false;
  /** Whether a reader may see the picture; and whether the others went somewhere while it was out of sight. */
  seen = true;
  missed = false;
  private readonly calls: ReelCalls;
  private company: Company | null = null;
  private seq = -1;
  /** The frame's picture, and the film around it, both also as they came; and the moment that the kernel shows. */
  private base: Picture | null = null;
  private packed: DataView | undefined;
  film: Film | null = null;
  private filmed: DataView | undefined;
  private kernels: When | null = null;
  private spot = "";

  constructor(calls: ReelCalls) {
    this.calls = calls;
  }

  /** Goes with the others of its machine from now on. */
  join(company: Company): void {
    if (this.company === company) return;
    this.company?.leave(this);
    this.company = company;
    company.members.add(this);
  }

  leave(): void {
    this.company?.leave(this);
    this.company = null;
  }

  /** Notes that the picture is in sight, or out of sight. */
  see(seen: boolean): void {
    this.seen = seen;
    if (seen) this.company?.seen(this);
  }

  /**
   * Takes the kernel's message, all of it or its changes.  A message that is late or about another frame changes
   * nothing.
   */
  take({ frame, film, spot }: Said): void {
    const { seq = 0, data } = frame;
    if (data && seq > this.seq) {
      const picture = unpack(data);
      this.seq = seq;
      this.packed = data;
      this.base = picture;
      this.kernels = picture.when;
      this.film = null;
      this.filmed = undefined;
      this.spot = "";
      this.ahead = this.missed = false;
      this.calls.filmed?.(false);
      this.calls.draw(seq, picture);
    }
    if (!this.base || !this.packed) return;
    if (film?.data && film.seq === this.seq && film.data !== this.filmed) {
      this.filmed = film.data; // a film that can't be read is not tried again
      this.film = new Film(JSON.parse(textOf(film.data, this.packed)), this.base);
      this.calls.filmed?.(true);
      this.prepare(this.film);
    }
    if (spot?.when && spot.seq === this.seq) this.move(spot.when);
  }

  /**
   * Makes the drawings of a film while the page is idle, those near the present one first, so that a press finds them.
   */
  private prepare(film: Film, made = 1): void {
    if (this.film !== film || made > MOST_PREPARED || !film.prepare(made)) return;
    globalThis.requestIdleCallback?.(() => this.prepare(film, made + 1));
  }

  /** Notes that the kernel's picture is at another step of the film. */
  private move(spot: Partial<When>): void {
    const words = JSON.stringify(spot);
    if (!this.base || words === this.spot) return;
    const when = { ...this.base.when, ...spot };
    const picture = when.place === this.base.when.place ? this.base : this.made(when.place);
    if (!picture) {
      this.calls.lost?.();
      return;
    }
    this.spot = words;
    this.kernels = when;
    if (this.ahead && this.company?.waits) return; // the kernel does not know all steps yet
    this.ahead = this.missed = false;
    this.calls.draw(this.seq, { ...picture, when });
  }

  /** Goes to a step, with the others.  Returns false if the page does not have it: then the kernel has to be asked. */
  go(number: number, place: number): boolean {
    if (this.film?.number !== number || !this.kernels || !this.made(place)) return false;
    if (this.kept || !this.company) {
      this.stand(number, place, -1);
      this.tell(number, place, this.company?.latest ?? number);
    } else this.company.go(this, number, place);
    return true;
  }

  /** The film's picture at a place, if it has one; a film whose drawing can't be made is given up. */
  private made(place: number): Picture | undefined {
    if (!this.film?.has(place)) return undefined;
    const made = this.film.made(place);
    if (!made) this.film = null;
    return made;
  }

  /** Tells the kernel where the page stands. */
  tell(operation: number, place: number, latest: number): void {
    this.calls.send({ type: "seek", operation, place, latest: Math.max(latest, operation), stays: false });
  }

  get kept(): boolean {
    return this.kernels?.kept ?? false;
  }

  /** Shows a moment of the film, or the nearest before it; nothing if the film is of another operation. */
  stand(number: number, place: number, latest: number): void {
    if (this.film?.number !== number || !this.kernels) return;
    const here = this.film.before(place);
    const picture = this.made(here);
    if (!picture) return;
    const now = here < 0 && number === latest && !this.kept;
    this.ahead = true;
    this.calls.draw(this.seq, { ...picture, when: { ...this.kernels, place: here, now } });
  }

  /**
   * Notes that the kernel is about to be asked for another moment.  A moment that is named takes all pictures there, so
   * earlier steps are of no matter; other requests count from the last step, which the kernel has to know.  A picture
   * that stays goes alone.
   */
  asks(request: Request): void {
    if (this.kept) return;
    const { type } = request;
    if (type === "jump" || type === "find" || (type === "seek" && request.stays)) this.company?.settle(this);
    else if (type === "seek" && request.latest < 0) this.company?.forget();
  }

  /** Notes that the kernel has answered: it knows where the page is. */
  heard(): void {
    this.company?.heard(this);
  }
}

/** The pictures of one machine on a page. */
export class Company {
  readonly members = new Set<Reel>();
  /** The number of the machine's latest operation. */
  latest = 0;
  private here: [number: number, place: number] | null = null;
  private told: [number: number, place: number] | null = null;
  private by: Reel | null = null;
  private waiting = false;
  /** The picture that went last. */
  private leader: Reel | null = null;
  private readonly ended: () => void;

  /** `ended` is called when it has no pictures any more. */
  constructor(ended: () => void = () => {}) {
    this.ended = ended;
  }

  /** Whether the kernel has yet to be informed of a step. */
  get waits(): boolean {
    return this.by !== null;
  }

  go(by: Reel, number: number, place: number): void {
    this.here = [number, place];
    this.leader = by;
    by.stand(number, place, this.latest);
    this.later();
    if (!this.by) this.tell(by);
  }

  /**
   * The others follow with the screen's next frame: of the steps that a drag passes between two frames, they draw the
   * newest.
   */
  private later(): void {
    if (this.waiting) return;
    this.waiting = true;
    nextFrame(() => {
      this.waiting = false;
      for (const one of this.members) if (one !== this.leader && !one.kept) this.call(one);
    });
  }

  /** Makes a picture show where the page is; a picture out of sight does so when it is seen. */
  private call(one: Reel): void {
    if (!this.here) return;
    const [number, place] = this.here;
    if (one.seen) one.stand(number, place, this.latest);
    else one.missed = true;
  }

  /** Notes that a picture is seen again. */
  seen(one: Reel): void {
    if (one.missed) this.call(one);
    one.missed = false;
  }

  /** Notes that the pictures are about to go elsewhere. */
  forget(): void {
    this.here = this.told = null;
  }

  /** Informs the kernel of the last step now, even if it has not answered yet. */
  settle(by: Reel): void {
    if (String(this.here) !== String(this.told)) this.tell(by);
    this.forget();
  }

  heard(by: Reel): void {
    if (by === this.by) this.next(by);
  }

  /**
   * Notes that no answer is awaited any more; if the page has moved on since, the kernel is informed of the last step.
   */
  private next(by: Reel | undefined): void {
    this.by = null;
    if (by && String(this.here) !== String(this.told)) this.tell(by);
  }

  leave(one: Reel): void {
    this.members.delete(one);
    if (this.leader === one) this.leader = null;
    if (this.by === one) this.next([...this.members].find((other) => !other.kept));
    if (!this.members.size) this.ended();
  }

  private tell(by: Reel): void {
    if (!this.here) return;
    const [number, place] = this.here;
    this.by = by;
    this.told = this.here;
    by.tell(number, place, this.latest);
  }
}

/** Before the screen's next frame; a hidden page has none. */
function nextFrame(act: () => void): void {
  const frame = globalThis.requestAnimationFrame;
  if (document.hidden || !frame) act();
  else frame(act);
}

const companies = new Map<string, Company>();

/** The pictures of the machine whose selection has this ID. */
export function companyOf(id: string): Company {
  let company = companies.get(id);
  if (!company) {
    company = new Company(() => companies.delete(id));
    companies.set(id, company);
  }
  return company;
}

// ---- packing
// Bytes as vmwidgets/widgets/host/packing.py packs them: zlib over UTF-8 text; for a picture, the text is JSON.

/** The text that pictures have in common: vmwidgets/widgets/host/dictionary.txt, which the build inserts. */
declare const DICTIONARY: string;

const common = () => new TextEncoder().encode(typeof DICTIONARY === "undefined" ? "" : DICTIONARY);

/** The number of bytes that zlib looks back. */
const WINDOW = 1 << 15;

/**
 * Returns the text that was packed; `frame` is the packed frame around which a film was made.  Throws if the text was
 * packed with another dictionary.
 */
export function textOf(data: DataView, frame?: DataView): string {
  return new TextDecoder().decode(unpacked(data, frame ? joined(common(), unpacked(frame, common())) : common()));
}

export function unpack<Data = Picture>(data: DataView): Data {
  return JSON.parse(textOf(data)) as Data;
}

/** A text packed without a dictionary is read too: its header says so. */
function unpacked(data: DataView, known: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (!((bytes[1] ?? 0) & 32)) return unzlibSync(bytes);
  const dictionary = known.slice(-WINDOW);
  if (data.getUint32(2) !== adler32(dictionary)) throw new Error("this picture was packed with another dictionary");
  return unzlibSync(bytes, { dictionary });
}

/** The number by which zlib identifies a dictionary.  The sums of so few bytes are exact. */
function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low += byte;
    high += low;
  }
  return (high % 65521) * 65536 + (low % 65521);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
