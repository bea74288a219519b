// The code that comes from the kernel, and the pictures that wait for it.
//
// Code that comes from the kernel in a message, and is run as a module.

import type { Equip } from "./controls.ts";
import type { Figure } from "./figure.ts";
import { type HubModel, isExported } from "./host.ts";

/**
 * The kinds of code that the hub of vmwidgets/widgets/host/hub.py sends: the drawing code, the controls, Graphviz.  A
 * page asks for one with a message of this type.  The code comes in a message of the same type, or else the reason why
 * there is none.
 */
export type CodeType = "code" | "controls" | "graphviz";

/** Milliseconds without the code after which it is requested again; they double each time. */
export const PATIENCE = 5000;

interface Fetching {
  /** Whether the code follows without a request. */
  coming?: boolean;
  /** Fires when the hub's model is destroyed. */
  signal?: AbortSignal | undefined;
}

/**
 * Returns the code of this type.  A Jupyter server drops messages while a cell prints much, code among them, so code
 * that does not come is requested again.  Fails if nobody is left to ask, or if the hub is closed.
 */
export function fetched(model: HubModel, type: CodeType, { coming = false, signal }: Fetching = {}): Promise<DataView> {
  return new Promise((resolve, reject) => {
    let patience = PATIENCE;
    let asked = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (): void => {
      clearTimeout(timer);
      model.off("msg:custom", hear);
      signal?.removeEventListener("abort", close);
    };
    const hear = (message: { type: string; reason?: string }, [code]: DataView[]): void => {
      if (message.type !== type || !(code || message.reason)) return;
      end();
      if (code) resolve(code);
      else reject(new Error(message.reason));
    };
    const close = (): void => {
      end();
      reject(new Error("its Jupyter kernel has closed it: run this cell again"));
    };
    const ask = (): void => {
      asked = true;
      try {
        model.send({ type });
      } catch (cause) {
        end();
        reject(new Error("its Jupyter kernel is gone: run all", { cause }));
        return;
      }
      wait();
    };
    const wait = (): void => {
      timer = setTimeout(again, patience);
      patience *= 2;
    };
    const again = (): void => {
      // A busy kernel has not read the last request yet: it would answer each request, with megabytes of Graphviz.
      if (asked && model.widget_manager?.kernel?.status === "busy") timer = setTimeout(again, PATIENCE);
      else ask();
    };
    if (signal?.aborted) {
      close();
      return;
    }
    signal?.addEventListener("abort", close);
    model.on("msg:custom", hear);
    if (coming) wait();
    else ask();
  });
}

/** Returns the text of code packed with zlib, which browsers can unpack. */
export function unpacked(code: DataView): Promise<string> {
  const plain = new Blob([code as DataView<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(plain).text();
}

/** Returns the module with this text.  If the page forbids such scripts, the error says so. */
export async function started<Module>(text: string): Promise<Module> {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  let forbidden = false;
  const hear = (event: Event): void => {
    forbidden ||= (event as SecurityPolicyViolationEvent).blockedURI.startsWith("blob");
  };
  document.addEventListener("securitypolicyviolation", hear);
  try {
    return await import(address);
  } catch (cause) {
    await new Promise((done) => setTimeout(done)); // the page reports it in a task of its own
    if (!forbidden) throw cause;
    throw new Error(
      "this page forbids scripts at blob: addresses; ask for script-src blob: in its Content-Security-Policy",
      { cause },
    );
  } finally {
    document.removeEventListener("securitypolicyviolation", hear);
    URL.revokeObjectURL(address);
  }
}

// ---- equipping
// The pictures that wait for their controls, whose code comes after the first picture, and the message for pictures
// that wait long.

const LATE = "The controls come as soon as the Jupyter kernel is idle.";

export class Equipping {
  private readonly start: () => Promise<Equip>;
  private put: Equip | null = null;
  private starts = false;
  /** The pictures without controls, each with the timer after which it is told why. */
  private readonly waiting = new Map<Figure, ReturnType<typeof setTimeout>>();

  /** `start` requests the controls' code, and starts it. */
  constructor(start: () => Promise<Equip>) {
    this.start = start;
  }

  /** Gives the picture its controls: now, or once their code is here, unless `signal` says that it is gone. */
  give(figure: Figure, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (isExported()) {
      figure.lack("", true); // no kernel will ever send the code
      return;
    }
    const late = setTimeout(() => figure.lack(LATE), PATIENCE);
    this.waiting.set(figure, late);
    signal.addEventListener("abort", () => this.forget(figure));
    if (this.put) this.equip(this.put);
    else if (!this.starts) this.begin();
  }

  /** Gives controls to all waiting pictures.  If that fails, the next picture tries again, for all. */
  private async begin(): Promise<void> {
    this.starts = true;
    try {
      this.put = await this.start();
      this.equip(this.put);
    } catch (error) {
      for (const [figure, late] of this.waiting) {
        clearTimeout(late);
        figure.lack(`The controls of this picture could not be loaded. (${error})`, true);
      }
    } finally {
      this.starts = false;
    }
  }

  private equip(put: Equip): void {
    for (const figure of [...this.waiting.keys()]) {
      this.forget(figure);
      try {
        put(figure);
      } catch (error) {
        figure.lack(`The controls of this picture have failed. (${error})`, true);
      }
    }
  }

  private forget(figure: Figure): void {
    clearTimeout(this.waiting.get(figure));
    this.waiting.delete(figure);
  }
}
