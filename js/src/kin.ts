// The things on a page that are the same: an entry, its node in the tree, the descriptors of its pages, and their
// frames.  A thing is at places (an entry's pages, a run of frames) and leads to others (a descriptor to a frame, an
// entry to its object).  Python sends both with each scene; vmwidgets/views/scene/relations.py is the other half.

import { marksOf } from "./marks.ts";
import type { Kinship, Scene, Span } from "./scene.ts";

/** The space of physical memory: its pages are frames. */
const FRAMES = "";

/**
 * In a picture of two sides, the space in which the two sides of a thing are at one page: it is valid in that picture
 * alone.
 */
const BESIDE = "beside";

/** A thing with all known facts about it. */
export interface Kin {
  thing: string;
  at: readonly Span[];
  to: readonly (Span | string)[];
}

const known = new WeakMap<Scene, Kin[]>();

/** All things of a scene. */
export function kinOf(scene: Scene): readonly Kin[] {
  let kin = known.get(scene);
  if (!kin) {
    const things = new Set(scene.nodes.map(({ thing }) => thing ?? "").filter(Boolean));
    kin = [...things].map((thing) => kinNamed(scene, thing));
    for (const marks of marksOf(scene)) {
      const { of, space } = marks.data;
      const { number, page, pages } = marks;
      number.forEach((one, place) => {
        const span: Span = [space ?? "", page[place] ?? 0, pages[place] ?? 1];
        kin?.push({ thing: `${of}:${one}`, at: space ? [span] : [], to: [] });
      });
    }
    known.set(scene, kin);
  }
  return kin;
}

/** The facts in a scene about a thing; a frame is at the place of its number. */
function kinNamed(scene: Scene, thing: string): Kin {
  const said: Kinship | undefined = scene.about?.[thing];
  const frame = /^frame:(\d+)$/.exec(thing)?.[1];
  const at: readonly Span[] = frame && !said ? [[FRAMES, Number(frame), 1]] : (said?.[0] ?? []);
  return { thing, at: at.filter(([space]) => space !== BESIDE), to: said?.[1] ?? [] };
}

/** The thing on the other side of a picture of two that is the same as `thing`. */
export function opposite({ about }: Scene, thing: string): string[] {
  const own = about?.[thing]?.[0].find(([space]) => space === BESIDE);
  if (!own) return [];
  const isThere = ([, [at]]: [string, Kinship]): boolean =>
    at.some(([space, first]) => space === BESIDE && first === own[1]);
  return Object.entries(about ?? {})
    .filter(isThere)
    .map(([one]) => one);
}

/**
 * Which of `all` are the same thing, are at its place, or are things that it leads to: directly, or by one thing
 * between (an entry leads to frames by the descriptors of its pages).
 */
export function related(thing: string, all: readonly Kin[]): Set<string> {
  const own = all.filter((kin) => kin.thing === thing); // one picture may know more about it than another
  const one: Kin = { thing, at: own.flatMap(({ at }) => at), to: own.flatMap(({ to }) => to) };
  const things = new Set([thing]);
  const spans: Span[] = [...one.at];
  const add = (leads: readonly (Span | string)[]): void => {
    for (const to of leads) typeof to === "string" ? things.add(to) : spans.push(to);
  };
  add(one.to);
  for (const between of all) {
    if (between.thing === thing) continue;
    for (const place of between.at) for (const part of one.at) add(followed(part, place, between.to));
    spans.push(...backed(one, between));
  }
  const found = all.filter(
    (kin) => things.has(kin.thing) || kin.at.some((span) => hits(span, spans)) || meets(one, kin.to),
  );
  return new Set([thing, ...found.map((kin) => kin.thing)]);
}

/** Whether some of `leads` lead to `one`. */
function meets(one: Kin, leads: readonly (Span | string)[]): boolean {
  return leads.some((to) => (typeof to === "string" ? to === one.thing : hits(to, one.at)));
}

function hits(span: Span, spans: readonly Span[]): boolean {
  return spans.some((other) => common(span, other) !== null);
}

/** The common part of two ranges; null if there is none. */
function common([space, first, count]: Span, [other, begin, length]: Span): Span | null {
  const [from, end] = [Math.max(first, begin), Math.min(first + count, begin + length)];
  return space === other && from < end ? [space, from, end - from] : null;
}

/** The target of the part of `place` that is in `own`: adjacent pages lead to adjacent frames. */
function followed(own: Span, place: Span, leads: readonly (Span | string)[]): (Span | string)[] {
  const part = common(own, place);
  if (!part) return [];
  return leads.map((to): Span | string => {
    if (typeof to === "string" || to[2] !== place[2]) return to;
    return [to[0], to[1] + part[1] - place[1], part[2]];
  });
}

/** The places from which `between` leads to `one`. */
function backed(one: Kin, between: Kin): Span[] {
  const [place] = between.at;
  return between.to.flatMap((to): readonly Span[] => {
    if (typeof to === "string") return to === one.thing ? between.at : [];
    return one.at.flatMap((own): readonly Span[] => {
      const part = common(own, to);
      if (!part) return [];
      if (!place || to[2] !== place[2]) return between.at;
      return [[place[0], place[1] + part[1] - to[1], part[2]]];
    });
  });
}
