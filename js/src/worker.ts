// Graphviz in a Worker: DOT with all positions given comes in; ways around boxes, or a drawing, go out.

import { Graphviz } from "@hpcc-js/wasm-graphviz";
import type { Placed } from "./route.ts";
import { readPlaced } from "./route.ts";

// Known to Graphviz but not to the library's types: positions only, a quarter of the bytes of "json".
const JSON_WITHOUT_DRAWING = "json0" as "json";

/** "ways": those of the graph's edges; "drawing": all of it as SVG. */
export type Wanted = "ways" | "drawing";

export interface Question {
  key: number;
  wanted: Wanted;
  dot: string;
  height: number;
}

export interface Answer {
  key: number;
  placed?: Placed;
  svg?: string;
  /** Why this picture was refused. */
  error?: string;
  /** Why none will ever be answered. */
  dead?: string;
}

/** Serves questions for as long as the worker lives. */
export function serve(): void {
  const graphviz = Graphviz.load();
  graphviz.catch((error) => postMessage({ key: 0, dead: String(error) } satisfies Answer));
  addEventListener("message", async (event: MessageEvent<Question>) => {
    const { key, wanted, dot, height } = event.data;
    const loaded = await graphviz; // where it fails, that was said
    let answer: Answer;
    try {
      if (wanted === "ways")
        answer = { key, placed: readPlaced(loaded.layout(dot, JSON_WITHOUT_DRAWING, "nop"), height) };
      else answer = { key, svg: loaded.layout(dot, "svg", "nop2") };
    } catch (error) {
      answer = { key, error: String(error) };
    }
    postMessage(answer);
  });
}
