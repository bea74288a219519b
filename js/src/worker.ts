// Graphviz in a Worker: DOT with all positions given comes in, routes go out.

import { Graphviz } from "@hpcc-js/wasm-graphviz";
import type { Placed } from "./route.ts";
import { readPlaced } from "./route.ts";

// Known to Graphviz but not to the library's types: positions only, a quarter of the bytes of "json".
const JSON_WITHOUT_DRAWING = "json0" as "json";

export interface Question {
  key: number;
  dot: string;
  height: number;
}

export interface Answer {
  key: number;
  placed?: Placed;
  error?: string;
}

/** Serves questions for as long as the worker lives. */
export function serve(): void {
  const graphviz = Graphviz.load();
  addEventListener("message", async (event: MessageEvent<Question>) => {
    const { key, dot, height } = event.data;
    let answer: Answer;
    try {
      answer = { key, placed: readPlaced((await graphviz).layout(dot, JSON_WITHOUT_DRAWING, "nop"), height) };
    } catch (error) {
      answer = { key, error: String(error) };
    }
    postMessage(answer);
  });
}
