import assert from "node:assert/strict";
import { test } from "node:test";
import { asked } from "../src/code.ts";

const code = new DataView(new ArrayBuffer(1));

test("code that comes by itself is not asked for", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let asks = 0;
  const ask = async () => {
    asks++;
    return code;
  };
  assert.equal(await asked(Promise.resolve(code), ask), code);
  context.mock.timers.tick(60_000);
  assert.equal(asks, 0);
});

test("code whose message was lost is asked for, once", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let asks = 0;
  const ask = async () => {
    asks++;
    return code;
  };
  const found = asked(new Promise(() => {}), ask);
  context.mock.timers.tick(60_000);
  context.mock.timers.tick(60_000);
  assert.equal(await found, code);
  assert.equal(asks, 1);
});
