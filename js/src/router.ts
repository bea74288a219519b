// The page's side of Graphviz: one worker for all views, of code that comes when it is needed for the first time; each
// client has one question under way and one waiting.  Where a worker can't run, pictures stay as they came.

import type { Answer, Question } from "./worker.ts";

/** What `Router` needs of a Worker. */
export interface Line {
  postMessage(question: Question): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Answer>) => unknown) | null;
  onerror?: ((event: ErrorEvent) => unknown) | null;
}

/** Picture `seq`, and what it is in Graphviz's language. */
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

/** So many workers that fail, and no other is tried. */
const MOST_LOST = 3;

/** A view's line to Graphviz. */
export interface Client {
  ask(seq: string, dot: string): void;
  /** Asks no longer: the view is gone. */
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
  /** All that may ask. */
  private readonly connected = new Set<Asking>();
  private readonly waiting = new Set<Asking>();
  /** What is asked, in the order in which the worker answers. */
  private readonly clients = new Map<number, { client: Asking; wish: Wish }>();
  /** Whether this worker has answered: then it can run in this page. */
  private lives = false;

  /** `code` brings Graphviz's code, and `open` starts the worker: both are called at the first question.  `reason` is why
   * nothing can be asked in this page. */
  constructor(code: () => Promise<string>, open: (code: string) => Line, reason = "") {
    this.code = code;
    this.open = open;
    this.reason = reason;
  }

  /** Why Graphviz can't run in this page; "" where it does, or was not tried yet. */
  get why(): string {
    return this.reason;
  }

  /** Whether Graphviz's code is here. */
  get ready(): boolean {
    return this.loaded !== null;
  }

  /** A view's way to ask.  A newer question replaces one that still waits: its answer would be stale.
   * `refused` is called where nothing will be answered: of this question, or ever (`why`). */
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

  /** The last one ends the worker.  The code stays: the next question starts another. */
  private leave(client: Asking): void {
    this.connected.delete(client);
    this.waiting.delete(client);
    client.refused = client.answered = () => {}; // what is under way is no matter of it any more
    if (!this.connected.size) this.end();
  }

  /** The hub is closed: nothing is asked any more. */
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

  /** The worker; null where there have been enough that did not live. */
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

  /** The worker is dead: what it was asked is asked of another one, and refused where there have been enough.  One that has
   * answered before can run here: it died of the question that it was at, which is refused at once. */
  private lose(why: unknown): void {
    if (++this.lost >= MOST_LOST) this.reason = why ? String(why) : "its worker does not start"; // a policy gives no words
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

/** Why a page can't run Graphviz, as far as that can be known before it is tried; "" if it may. */
export function reasonAgainst(page: { Worker?: unknown; WebAssembly?: unknown } = globalThis): string {
  if (!page.Worker) return "this page allows no workers";
  return page.WebAssembly ? "" : "this page has no WebAssembly";
}

/** A Worker that runs `code`, a module given as its text. */
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
