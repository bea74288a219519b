import assert from "node:assert/strict";
import { test } from "node:test";
import { differing } from "../src/differing.ts";

test("operations are named by what differs from their neighbours", () => {
  const names = [
    "0 · boot x86-64 64 MiB",
    "1 · enter 16 KiB rw at 0xffff_8080_0014_1000, of kernel_map",
    "2 · enter 16 KiB r at 0xffff_8080_0014_5000, of kernel_map",
    "3 · enter 16 KiB rw at 0xffff_8080_0014_9000, of kernel_map",
    "4 · write 1 byte at 0x1000, of init",
    "5 · write 1 byte at 0x2000, of init ✗",
    undefined,
    "1,007 · exit, of init",
  ];
  assert.deepEqual(differing(names), [
    "boot x86-64 64 MiB",
    "16 KiB rw",
    "16 KiB r",
    "16 KiB rw",
    "1 byte 0x1000",
    "1 byte 0x2000 ✗",
    "",
    "exit",
  ]);
});

test("what is alike but for its place has the end of its place, and a name that is cut has none", () => {
  const at = (end: string) => `7 · enter 16 KiB rw at 0xffff_8080_${end}, of kernel_map`;
  assert.deepEqual(differing([at("0014_1000"), at("0014_5000")]), ["16 KiB rw …0014_1000", "16 KiB rw …0014_5000"]);
  assert.deepEqual(differing(["7 · enter 16 KiB rw at 0xffff_80…"]), ["enter 16 KiB rw"]);
});
