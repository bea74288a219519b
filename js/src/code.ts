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
