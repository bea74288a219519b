// Graphviz in a Worker: DOT comes in, and a drawing goes out.

import { Graphviz } from "@hpcc-js/wasm-graphviz";

export interface Question {
  key: number;
  dot: string;
}

export interface Answer {
  key: number;
  svg?: string;
  /** The reason why this picture was refused. */
  error?: string;
  /** The reason why no picture will ever be answered. */
  dead?: string;
}

/** Answers questions for as long as the worker lives. */
function serve(): void {
  const graphviz = Graphviz.load();
  graphviz.catch((error) => postMessage({ key: 0, dead: String(error) } satisfies Answer));
  addEventListener("message", async (event: MessageEvent<Question>) => {
    const { key, dot } = event.data;
    const loaded = await graphviz; // a failure was reported above
    let answer: Answer;
    try {
      answer = { key, svg: loaded.layout(dot, "svg", "dot") };
    } catch (error) {
      answer = { key, error: String(error) };
    }
    postMessage(answer);
  });
}

// ---- graphviz
// Graphviz, as a file of its own: a page loads it when a picture needs it, and starts it as a Worker.

serve();
