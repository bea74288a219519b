// The page's side of Graphviz: one worker for all views, from code that is loaded when it is first needed.  Each client
// has one question under way, and one waiting.  If a worker can't run, pictures stay as they are.

import type { Answer, Question } from "./worker.ts";

/** The part of a Worker that `Router` needs. */
export interface Line {
  postMessage(question: Question): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Answer>) => unknown) | null;
  onerror?: ((event: ErrorEvent) => unknown) | null;
}

/** Picture `seq`, in Graphviz's language. */
interface Wish {
  seq: string;
  dot: string;
}

interface Asking {
  answered: (seq: string, svg: string) => void;
  refused: () => void;
  asked: number | null;
  waiting: Wish | null;
}

/** After this many failed workers, no other is tried. */
const MOST_LOST = 3;

/** A view's line to Graphviz. */
export interface Client {
  ask(seq: string, dot: string): void;
  /** Ends the line: the view is gone. */
  leave(): void;
}

export class Router {
  private readonly code: () => Promise<string>;
  private readonly open: (code: string) => Line;
  private loaded: string | null = null;
  private loading = false;
  private line: Line | null = null;
  private lost = 0;
  private reason: string;
  private key = 0;
  /** All clients. */
  private readonly connected = new Set<Asking>();
  private readonly waiting = new Set<Asking>();
  /** The questions in the order in which the worker answers. */
  private readonly clients = new Map<number, { client: Asking; wish: Wish }>();
  /** Whether this worker has answered: then it can run in this page. */
  private lives = false;

  /**
   * `code` loads Graphviz's code, and `open` starts the worker: both are called at the first question.  `reason` says
   * why no question is possible in this page.
   */
  constructor(code: () => Promise<string>, open: (code: string) => Line, reason = "") {
    this.code = code;
    this.open = open;
    this.reason = reason;
  }

  /** The reason why Graphviz can't run in this page; "" if it can, or has not been tried yet. */
  get why(): string {
    return this.reason;
  }

  /** Whether Graphviz's code is here. */
  get ready(): boolean {
    return this.loaded !== null;
  }

  /**
   * Returns a view's way to ask.  A newer question replaces a waiting one, whose answer would be out of date. `refused`
   * is called if no answer will come: to this question, or ever (`why`).
   */
  connect(answered: (seq: string, svg: string) => void, refused: () => void = () => {}): Client {
    const client: Asking = { answered, refused, asked: null, waiting: null };
    this.connected.add(client);
    return {
      ask: (seq, dot) => {
        client.waiting = { seq, dot };
        if (client.asked === null) this.next(client);
      },
      leave: () => this.leave(client),
    };
  }

  /** Ends the worker with the last client.  The code stays: the next question starts another worker. */
  private leave(client: Asking): void {
    this.connected.delete(client);
    this.waiting.delete(client);
    client.refused = client.answered = () => {}; // its question under way no longer matters
    if (!this.connected.size) this.end();
  }

  /** Notes that the hub is closed: no questions are asked any more. */
  close(): void {
    this.reason ||= "its Jupyter kernel is gone";
    this.end();
  }

  private end(): void {
    this.line?.terminate();
    this.line = null;
    this.lives = false;
    for (const { client } of this.clients.values()) client.asked = null;
    this.clients.clear();
    this.waiting.clear();
  }

  private next(client: Asking): void {
    const wish = client.waiting;
    client.asked = null;
    if (!wish || !this.connected.has(client)) return;
    if (!this.reason && this.loaded === null) {
      this.waiting.add(client);
      this.load();
      return;
    }
    client.waiting = null;
    const line = this.worker();
    if (!line) {
      client.refused();
      return;
    }
    client.asked = ++this.key;
    this.clients.set(this.key, { client, wish });
    line.postMessage({ key: this.key, dot: wish.dot });
  }

  private async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      this.loaded = await this.code();
    } catch (error) {
      this.reason = String(error);
    }
    const clients = [...this.waiting];
    this.waiting.clear();
    for (const client of clients) this.next(client);
  }

  /** Returns the worker; null if too many have failed. */
  private worker(): Line | null {
    while (!this.line && !this.reason && this.loaded !== null) {
      try {
        this.line = this.open(this.loaded);
        this.line.onmessage = (event) => this.receive(event.data);
        this.line.onerror = (event) => this.lose(event.message);
      } catch (error) {
        this.lose(error);
      }
    }
    return this.line;
  }

  /**
   * Handles the worker's end: its questions go to another worker, or are refused if too many have failed.  A worker
   * that has answered before can run here, so it died of its current question, which is refused immediately.
   */
  private lose(why: unknown): void {
    // a policy gives no words
    if (++this.lost >= MOST_LOST) this.reason = why ? String(why) : "its worker does not start";
    this.line?.terminate();
    this.line = null;
    const asked = [...this.clients.values()];
    this.clients.clear();
    const deadly = this.lives ? asked[0] : undefined;
    this.lives = false;
    for (const question of asked) {
      const { client, wish } = question;
      if (question === deadly) client.refused();
      else client.waiting ??= wish;
      this.next(client);
    }
  }

  private receive(answer: Answer): void {
    if (answer.dead !== undefined) {
      this.lost = MOST_LOST;
      this.lose(answer.dead);
      return;
    }
    const found = this.clients.get(answer.key);
    this.clients.delete(answer.key);
    if (!found) return;
    this.lives = true;
    const { client, wish } = found;
    if (answer.svg === undefined) {
      console.warn(`vmwidgets: Graphviz refused a picture: ${answer.error}`);
      client.refused();
    } else if (!client.waiting) client.answered(wish.seq, answer.svg);
    this.next(client);
  }
}

/** The reason why a page can't run Graphviz, as far as it is known before a trial; "" if it may. */
export function reasonAgainst(page: { Worker?: unknown; WebAssembly?: unknown } = globalThis): string {
  if (!page.Worker) return "this page allows no workers";
  return page.WebAssembly ? "" : "this page has no WebAssembly";
}

/** Returns a Worker that runs `code`, the text of a module. */
export function openWorker(code: string): Worker {
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const revoke = (): void => URL.revokeObjectURL(address); // it holds the code
  try {
    const worker = new Worker(address, { type: "module" });
    for (const event of ["message", "error"]) worker.addEventListener(event, revoke, { once: true });
    return worker;
  } catch (error) {
    revoke();
    throw error;
  }
}
