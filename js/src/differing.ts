// Short names of operations: the words by which each differs from its neighbours.

/** `"3 · enter 16 KiB rw at 0x14_1000, of kernel_map"`, divided into its parts. */
function parts(name: string): { verb: string; rest: string; place: string; end: string } {
  const [, verb = "", words = ""] = /^(?:[\d,.]+ · )?([^\s,]*) ?(.*)$/s.exec(name) ?? [];
  const [said = "", end = ""] = words.split(/(?= ✗)/);
  const [, place = ""] = /\b(?:at|to) (0x[\da-f_]+)/.exec(said) ?? [];
  const rest = said.replace(/,? of [^,]*$/, "").replace(/ ?\b(?:at|to) (?:0x[\da-f_]*…?|…)/g, "");
  return { verb, rest: rest.trim(), place: short(place), end };
}

/** The end of an address, by which it differs from other addresses of its map. */
function short(place: string): string {
  return place.length > 11 ? `…${place.slice(-9)}` : place;
}

/**
 * The words by which each name differs from the previous and the next name; "" for an unknown name.  Among several
 * operations with the same verb, the verb is left out; an operation that is like its neighbour has its place as its
 * name.
 */
export function differing(names: readonly (string | undefined)[]): string[] {
  const all = names.map((name) => (name === undefined ? null : parts(name)));
  return all.map((one, at) => {
    if (!one) return "";
    const beside = [all[at - 1], all[at + 1]].filter((other) => other?.verb === one.verb);
    const alike = beside.some((other) => other?.rest === one.rest);
    const words = beside.length && one.rest ? one.rest : [one.verb, one.rest].filter(Boolean).join(" ");
    return `${words}${alike && one.place ? ` ${one.place}` : ""}${one.end}`;
  });
}
