// All that the hub's model carries: it waits for the drawing code, which Python sends in a message of its own.  What a
// message brings is in no model's state, so no notebook is saved with it.

import type { HubExports, Model, RenderArguments } from "./model.ts";

/** The code's module; `_esm` is where it finds its own text. */
interface Code {
  default: { initialize(hub: { model: { get(name: "_esm"): string }; signal: AbortSignal }): HubExports };
}

interface HubArguments {
  model: Model<{ coming: boolean }>;
  signal: AbortSignal;
}

function initialize({ model, signal }: HubArguments): HubExports {
  const text = new Promise<string>((resolve) => {
    model.on("msg:custom", (message: { type: string }, buffers: DataView[]) => {
      if (message.type === "code" && buffers[0]) resolve(new TextDecoder().decode(buffers[0]));
    });
  });
  // A page that was opened later has missed the message.  Without a kernel nobody answers, and static pictures are seen.
  if (!model.get("coming")) model.send({ type: "code" });
  let hub: Promise<HubExports> | undefined;
  return {
    mount: async (view: RenderArguments) => {
      hub ??= text.then((code) => start(code, signal));
      const ready = await hub;
      if (!view.signal.aborted) await ready.mount(view);
    },
  };
}

async function start(text: string, signal: AbortSignal): Promise<HubExports> {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    const code: Code = await import(address);
    return code.default.initialize({ model: { get: () => text }, signal });
  } finally {
    URL.revokeObjectURL(address);
  }
}

export default { initialize };
