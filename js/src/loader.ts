// All that the hub's model carries: it waits for the drawing code, which Python sends in a message of its own.  What a
// message brings is in no model's state, so no notebook is saved with it.

import type { HubExports, HubModel, Model, RenderArguments } from "./model.ts";

/** The code's module. */
interface Code {
  default: { initialize(hub: { model: HubModel; signal: AbortSignal }): HubExports };
}

interface HubArguments {
  model: HubModel & Model<{ coming: boolean }>;
  signal: AbortSignal;
}

function initialize({ model, signal }: HubArguments): HubExports {
  const packed = new Promise<DataView>((resolve) => {
    model.on("msg:custom", (message: { type: string }, buffers: DataView[]) => {
      if (message.type === "code" && buffers[0]) resolve(buffers[0]);
    });
  });
  // A page that was opened later has missed the message.  Without a kernel nobody answers, and static pictures are seen.
  if (!model.get("coming")) model.send({ type: "code" });
  let hub: Promise<HubExports> | undefined;
  return {
    mount: async (view: RenderArguments) => {
      hub ??= packed.then(unpacked).then((code) => start(code, model, signal));
      const ready = await hub;
      if (!view.signal.aborted) await ready.mount(view);
    },
  };
}

/** The code comes as zlib, which browsers know. */
function unpacked(code: DataView): Promise<string> {
  const plain = new Blob([code as DataView<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(plain).text();
}

async function start(text: string, model: HubModel, signal: AbortSignal): Promise<HubExports> {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    const code: Code = await import(address);
    return code.default.initialize({ model, signal });
  } finally {
    URL.revokeObjectURL(address);
  }
}

export default { initialize };
