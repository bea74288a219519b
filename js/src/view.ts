// All that a view carries: find the hub, and let it draw.

import type { HubExports, RenderArguments } from "./model.ts";

async function render(view: RenderArguments): Promise<void> {
  try {
    if (!view.host) throw new Error("anywidget 0.11 or newer is needed");
    const hub = await view.host.getWidget(`anywidget:${view.model.get("hub")}`);
    await (hub.exports as HubExports).mount(view);
  } catch (error) {
    view.el.textContent = `This picture has lost its kernel's drawing code: run this cell again. (${error})`;
  }
}

export default { render };
