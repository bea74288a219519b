// The hub: one model a kernel holds all of this code; every view reaches it through its host.  The same file, started
// as a Worker, is Graphviz: so the library travels once.

import live from "../../vmwidgets/views/scene/live.css";
import stylesheet from "../../vmwidgets/views/scene/style.css";
import type { HubExports, RenderArguments } from "./model.ts";
import { mount } from "./mount.ts";
import { openWorker, Router } from "./router.ts";
import { Styles } from "./styles.ts";
import { followTheme } from "./theme.ts";
import { serve } from "./worker.ts";

/** A hash of what this bundle is made of; the build puts it in. */
declare const BUNDLE: string;

if (typeof document === "undefined") serve();

interface HubArguments {
  model: { get(name: "_esm"): string | undefined };
  signal?: AbortSignal;
}

const styles = new Styles(stylesheet + live, `vmw-${BUNDLE}`);

function initialize({ model, signal }: HubArguments): HubExports {
  // marimo keeps a widget's code beside its model: there it has an address of its own.
  const router = new Router(() => openWorker(model.get("_esm") ?? import.meta.url));
  signal?.addEventListener("abort", () => router.close());
  return {
    mount: (view: RenderArguments) => {
      styles.dress(view.el, view.signal);
      followTheme(view.el, view.signal);
      return mount(view, router);
    },
  };
}

export default { initialize };
