// The page's side of Graphviz: one worker for all views; each view has one question under way and one waiting.  Without a
// worker (a page may forbid them, or it dies) pictures keep the straight links that they came with.

import type { Placed } from "./route.ts";
import type { Answer, Question } from "./worker.ts";

/** What `Router` needs of a Worker. */
export interface Line {
  postMessage(question: Question): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Answer>) => unknown) | null;
  onerror?: ((event: ErrorEvent) => unknown) | null;
}

interface Client {
  answered: (seq: number, placed: Placed) => void;
  refused: () => void;
  asked: number | null;
  waiting: { seq: number; dot: string; height: number } | null;
}

/** So many workers that fail, and no other is tried. */
const MOST_LOST = 3;

export type Ask = (seq: number, dot: string, height: number) => void;

export class Router {
  private readonly open: () => Line;
  private line: Line | null = null;
  private lost = 0;
  private key = 0;
  private readonly clients = new Map<number, { client: Client; seq: number }>();

  /** `open` starts the worker; it is called at the first question. */
  constructor(open: () => Line) {
    this.open = open;
  }

  /** A view's way to ask.  A newer question replaces one that still waits: its answer would be stale.
   * `refused` is called where nothing will be answered. */
  connect(answered: Client["answered"], refused: Client["refused"] = () => {}): Ask {
    const client: Client = { answered, refused, asked: null, waiting: null };
    return (seq, dot, height) => {
      client.waiting = { seq, dot, height };
      if (client.asked === null) this.next(client);
    };
  }

  close(): void {
    this.line?.terminate();
    this.line = null;
    this.clients.clear();
  }

  private next(client: Client): void {
    const question = client.waiting;
    client.waiting = null;
    client.asked = null;
    const line = question && this.worker();
    if (question && this.lost >= MOST_LOST) client.refused();
    if (!question || !line) return;
    client.asked = ++this.key;
    this.clients.set(this.key, { client, seq: question.seq });
    line.postMessage({ key: this.key, dot: question.dot, height: question.height });
  }

  /** The worker; null where there have been enough that did not live. */
  private worker(): Line | null {
    if (this.line || this.lost >= MOST_LOST) return this.line;
    try {
      this.line = this.open();
      this.line.onmessage = (event) => this.receive(event.data);
      this.line.onerror = (event) => this.lose(event.message);
    } catch (error) {
      this.lose(error);
    }
    return this.line;
  }

  /** The worker is dead: what was asked is asked no longer, what waits is asked of another one. */
  private lose(why: unknown): void {
    this.lost++;
    console.warn(`vmwidgets: links stay straight, since Graphviz does not run here: ${why}`);
    this.line?.terminate();
    this.line = null;
    const asked = [...this.clients.values()];
    this.clients.clear();
    for (const { client } of asked) this.next(client);
  }

  private receive(answer: Answer): void {
    const found = this.clients.get(answer.key);
    this.clients.delete(answer.key);
    if (!found) return;
    if (answer.error) console.warn(`vmwidgets: Graphviz refused a picture: ${answer.error}`);
    else if (answer.placed && !found.client.waiting) found.client.answered(found.seq, answer.placed);
    this.next(found.client);
  }
}

/** A Worker that runs `code`, an ES module given as its text or its address. */
export function openWorker(code: string): Worker {
  const isAddress = /^(https?:|\.{0,2}\/|blob:|data:)/.test(code) && !code.includes("\n");
  if (isAddress) return new Worker(code, { type: "module" });
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  worker.addEventListener("message", () => URL.revokeObjectURL(address), { once: true });
  return worker;
}
