// The hub: one model a kernel holds all of this code; every view reaches it through its host.  Graphviz is not in it: it
// comes from the kernel when a picture needs it.

import live from "../../vmwidgets/views/scene/live.css";
import stylesheet from "../../vmwidgets/views/scene/style.css";
import type { HubExports, HubModel, RenderArguments } from "./model.ts";
import { mount } from "./mount.ts";
import { textOf } from "./packing.ts";
import { openWorker, Router, reasonAgainst } from "./router.ts";
import { Styles } from "./styles.ts";
import { followTheme } from "./theme.ts";

/** A hash of what this bundle is made of; the build puts it in. */
declare const BUNDLE: string;

interface HubArguments {
  model: HubModel;
  signal?: AbortSignal;
}

const styles = new Styles(stylesheet + live, `vmw-${BUNDLE}`);

function initialize({ model, signal }: HubArguments): HubExports {
  const router = new Router(() => graphviz(model), openWorker, reasonAgainst());
  signal?.addEventListener("abort", () => router.close());
  return {
    mount: (view: RenderArguments) => {
      styles.dress(view.el, view.signal);
      followTheme(view.el, view.signal);
      return mount(view, router);
    },
  };
}

/** Graphviz's code, which the kernel sends; what is on the page is painted first. */
async function graphviz(model: HubModel): Promise<string> {
  await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
  return new Promise((resolve) => {
    const hear = (message: { type: string }, buffers: DataView[]): void => {
      if (message.type !== "graphviz" || !buffers[0]) return;
      model.off("msg:custom", hear);
      resolve(textOf(buffers[0]));
    };
    model.on("msg:custom", hear);
    model.send({ type: "graphviz" });
  });
}

export default { initialize };
