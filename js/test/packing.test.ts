import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, type ZlibOptions } from "node:zlib";
import { node, scene } from "./dom.ts";

const DICTIONARY = '{"scene":{"nodes":[{"id":"…","kind":"tree-node"';
Object.assign(globalThis, { DICTIONARY });
const { textOf, unpack } = await import("../src/film.ts");

const picture = { scene: scene([node("ä🙂\u0000<b>")]), dot: 'digraph { n0 [label="→"] }' };
const text = JSON.stringify(picture);

/** Packed, in the middle of a longer buffer. */
function packed(plain: string, dictionary?: Buffer): DataView {
  const options: ZlibOptions = dictionary ? { dictionary } : {};
  const bytes = deflateSync(Buffer.from(plain), options);
  const buffer = new Uint8Array(bytes.length + 16);
  buffer.set(bytes, 8);
  return new DataView(buffer.buffer, 8, bytes.length);
}

const known = (...texts: string[]): Buffer => Buffer.from(texts.join("")).subarray(-(1 << 15));

test("a picture is read whatever it says, with the dictionary of all pictures and without", () => {
  assert.deepEqual(unpack(packed(text, known(DICTIONARY))), picture);
  assert.deepEqual(unpack(packed(text)), picture);
});

test("a film is read with the frame that it is around, however long that is, and with no other", () => {
  for (const frame of [text, JSON.stringify(Array.from({ length: 9000 }, (_, place) => place))]) {
    const film = packed("[film]", known(DICTIONARY, frame));
    for (const own of [packed(frame), packed(frame, known(DICTIONARY))]) assert.equal(textOf(film, own), "[film]");
    assert.throws(() => textOf(film, packed("{}")), /another dictionary/);
    assert.throws(() => textOf(film), /another dictionary/);
  }
});

test("what was packed with another dictionary is refused", () => {
  assert.throws(() => unpack(packed(text, known("another"))), /another dictionary/);
});
