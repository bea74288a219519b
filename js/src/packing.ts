// Bytes as vmwidgets/widgets/host/packing.py packs them: zlib over UTF-8 text, JSON for a picture.

import { unzlibSync } from "fflate";
import type { Picture } from "./scene.ts";

/** The text that was packed. */
export function textOf(data: DataView): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new TextDecoder().decode(unzlibSync(bytes));
}

export function unpack<Data = Picture>(data: DataView): Data {
  return JSON.parse(textOf(data)) as Data;
}
