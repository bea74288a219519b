// All that the hub's model carries: it waits for the drawing code, which Python sends in a message of its own.  What a
// message brings is in no model's state, so no notebook is saved with it.

import { arriving, started, unpacked } from "./code.ts";
import type { HubArguments, HubExports, Model, RenderArguments } from "./model.ts";

/** The code's module. */
interface Code {
  default: { initialize(hub: HubArguments): HubExports };
}

interface LoaderArguments {
  model: HubArguments["model"] & Model<{ coming: boolean }>;
  signal: AbortSignal;
}

function initialize({ model, signal }: LoaderArguments): HubExports {
  const packed = arriving(model, "code");
  // A page that was opened later has missed both messages.  Without a kernel nobody answers, and static pictures are seen.
  const coming = model.get("coming");
  const controls = coming ? arriving(model, "controls") : undefined;
  if (!coming) model.send({ type: "code" });
  let hub: Promise<HubExports> | undefined;
  return {
    mount: async (view: RenderArguments) => {
      hub ??= packed
        .then(unpacked)
        .then((text) => started<Code>(text))
        .then((code) => code.default.initialize({ model, signal, controls }));
      const ready = await hub;
      if (!view.signal.aborted) await ready.mount(view);
    },
  };
}

export default { initialize };
