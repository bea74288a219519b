import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { unpack } from "../src/packing.ts";
import { node, scene } from "./dom.ts";

test("a picture is read from the middle of a longer buffer, whatever it says", () => {
  const picture = { scene: scene([node("ä🙂\u0000<b>")]), dot: 'digraph { n0 [label="→"] }' };
  const packed = deflateSync(Buffer.from(JSON.stringify(picture)));
  const buffer = new Uint8Array(packed.length + 16);
  buffer.set(packed, 8);
  assert.deepEqual(unpack(new DataView(buffer.buffer, 8, packed.length)), picture);
});
