// The whole code in the hub's model: it waits for the drawing code, which Python sends in a message of its own.  The
// contents of a message are in no model's state, so no notebook is saved with them.

import { fetched, PATIENCE, started, unpacked } from "./code.ts";
import type { HubArguments, HubExports, Model, RenderArguments } from "./host.ts";

/** The code's module. */
interface Code {
  default: { initialize(hub: HubArguments): HubExports };
}

interface LoaderArguments {
  model: HubArguments["model"] & Model<{ coming: boolean }>;
  signal: AbortSignal;
}

const LATE = "The Jupyter kernel sends the code of this picture as soon as it is idle.";

function initialize({ model, signal }: LoaderArguments): HubExports {
  const coming = model.get("coming");
  // A page that was opened later has missed both messages, and its hub requests the controls once a picture is painted.
  const controls = coming ? fetched(model, "controls", { coming, signal }) : undefined;
  let packed: Promise<DataView> | undefined = fetched(model, "code", { coming, signal });
  let graphviz: DataView | undefined; // it comes by itself if a cell shows a picture that Graphviz lays out
  model.on("msg:custom", ({ type }: { type: string }, [code]: DataView[]) => {
    if (type === "graphviz" && code) graphviz = code;
  });
  for (const part of [packed, controls]) part?.catch(() => {}); // views report it; without a view, nobody has to know
  let hub: Promise<HubExports> | undefined;
  const begin = async (): Promise<HubExports> => {
    try {
      packed ??= fetched(model, "code", { signal });
      const code = await started<Code>(await unpacked(await packed));
      return code.default.initialize({ model, signal, controls, graphviz: () => graphviz });
    } catch (error) {
      hub = packed = undefined; // the next view tries again
      throw error;
    }
  };
  return {
    mount: async (view: RenderArguments) => {
      const { el, model: shown } = view;
      const late = setTimeout(() => {
        // an exported page has no kernel: only its static picture is shown
        if (shown.widget_manager?.kernel) el.textContent = LATE;
      }, PATIENCE);
      view.signal.addEventListener("abort", () => clearTimeout(late));
      hub ??= begin();
      const ready = await hub.finally(() => clearTimeout(late));
      if (el.textContent === LATE) el.textContent = "";
      if (!view.signal.aborted) await ready.mount(view);
    },
  };
}

export default { initialize };
