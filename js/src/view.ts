// The whole code of a view: it finds the hub, and lets the hub draw.

import { type HubExports, hear, type RenderArguments } from "./host.ts";

async function render(view: RenderArguments): Promise<void> {
  const say = (sentence: string): void => {
    view.el.textContent = sentence;
  };
  if (!view.host) {
    say("This picture needs anywidget 0.11 or newer in the page: update it, and load the page again.");
    return;
  }
  let hub: HubExports;
  try {
    await hear(view.model.widget_manager, view.model.get("hub"), { type: "code" });
    hub = (await view.host.getWidget(`anywidget:${view.model.get("hub")}`)).exports as HubExports;
  } catch (error) {
    say(`This picture has lost its drawing code: run this cell again. (${error})`);
    return;
  }
  try {
    await hub.mount(view);
  } catch (error) {
    say(`This picture could not be drawn. (${error})`);
  }
}

export default { render };
