// Bytes as vmwidgets/widgets/host/packing.py packs them: zlib over UTF-8 text; for a picture, the text is JSON.

import { unzlibSync } from "fflate";
import type { Picture } from "./scene.ts";

/** The text that pictures have in common: vmwidgets/widgets/host/dictionary.txt, which the build inserts. */
declare const DICTIONARY: string;

const COMMON = new TextEncoder().encode(typeof DICTIONARY === "undefined" ? "" : DICTIONARY);

/** The number of bytes that zlib looks back. */
const WINDOW = 1 << 15;

/**
 * Returns the text that was packed; `frame` is the packed frame around which a film was made.  Throws if the text was
 * packed with another dictionary.
 */
export function textOf(data: DataView, frame?: DataView): string {
  return new TextDecoder().decode(unpacked(data, frame ? joined(COMMON, unpacked(frame, COMMON)) : COMMON));
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
