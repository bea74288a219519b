// The hub: one model a kernel holds all of this code; every view reaches it through its host.  The same file, started
// as a Worker, is Graphviz: so the library travels once.

import stylesheet from "../../vmwidgets/views/scene/style.css";
import type { HubExports, RenderArguments } from "./model.ts";
import { mount } from "./mount.ts";
import { openWorker, Router } from "./router.ts";
import { serve } from "./worker.ts";

if (typeof document === "undefined") serve();

interface HubArguments {
  model: { get(name: "_esm"): string };
  signal?: AbortSignal;
}

function initialize({ model, signal }: HubArguments): HubExports {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(stylesheet);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const router = new Router(() => openWorker(model.get("_esm")));
  signal?.addEventListener("abort", () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    router.close();
  });
  return { mount: (view: RenderArguments) => mount(view, router) };
}

export default { initialize };
