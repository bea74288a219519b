// Bytes as vmwidgets/widgets/host/packing.py packs them: zlib over UTF-8 text, JSON for a picture.

import { unzlibSync } from "fflate";
import type { Picture } from "./scene.ts";

/** The text that was packed; `dictionary` is a text with which it has much in common. */
export function textOf(data: DataView, dictionary?: string): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const known = dictionary === undefined ? {} : { dictionary: new TextEncoder().encode(dictionary).slice(-WINDOW) };
  return new TextDecoder().decode(unzlibSync(bytes, known));
}

/** Bytes that zlib looks back. */
const WINDOW = 1 << 15;

export function unpack<Data = Picture>(data: DataView): Data {
  return JSON.parse(textOf(data)) as Data;
}
