// A picture's bytes, as vmwidgets/widgets/packing.py packs them: zlib over UTF-8 JSON.

import { unzlibSync } from "fflate";
import type { Picture } from "./scene.ts";

export function unpack<Data = Picture>(data: DataView): Data {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return JSON.parse(new TextDecoder().decode(unzlibSync(bytes))) as Data;
}
