// Code that comes from the kernel in a message, and is run as a module.

import type { HubModel } from "./model.ts";

/** The message of this type that comes next; it carries code. */
export function arriving(model: HubModel, type: string): Promise<DataView> {
  return new Promise((resolve) => {
    const hear = (message: { type: string }, buffers: DataView[]): void => {
      if (message.type !== type || !buffers[0]) return;
      model.off("msg:custom", hear);
      resolve(buffers[0]);
    };
    model.on("msg:custom", hear);
  });
}

/** Milliseconds that code may take that comes by itself: then it was lost, or the kernel sends it when it is idle. */
const PATIENCE = 5000;

/** The code that `comes` by itself; where it does not, it is asked for. */
export async function asked(comes: Promise<DataView>, ask: () => Promise<DataView>): Promise<DataView> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<DataView>((resolve) => {
    timer = setTimeout(() => resolve(ask()), PATIENCE);
  });
  try {
    return await Promise.race([comes, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The text of code that was packed as zlib, which browsers know. */
export function unpacked(code: DataView): Promise<string> {
  const plain = new Blob([code as DataView<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(plain).text();
}

/** The module whose text this is. */
export async function started<Module>(text: string): Promise<Module> {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return await import(address);
  } finally {
    URL.revokeObjectURL(address);
  }
}
