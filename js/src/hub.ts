// The hub: one model in each kernel holds the drawing code, and every view reaches it through its host.  The hub has
// neither the controls nor Graphviz: the kernel sends the controls after the first picture, and Graphviz when it is
// needed.

import stylesheet from "../../vmwidgets/views/scene/style.css";
import { type CodeType, Equipping, fetched, started, unpacked } from "./code.ts";
import type { Equip, Given } from "./controls.ts";
import type { HubArguments, HubExports, RenderArguments } from "./host.ts";
import { mount } from "./mount.ts";
import { followTheme, Styles } from "./room.ts";
import { speaker } from "./words.ts";

/** A hash of the contents of this bundle; the build inserts it. */
declare const BUNDLE: string;

/** The module of the controls. */
interface Code {
  default: { initialize(given: Given): Equip };
}

const styles = new Styles(stylesheet, `vmw-${BUNDLE}`);

function initialize({ model, signal, controls, graphviz: sent }: HubArguments): HubExports {
  const ask = async (type: CodeType): Promise<DataView> => {
    await painted(); // everything on the page comes first
    return fetched(model, type, { signal });
  };
  const graphviz = async (): Promise<string> => unpacked(sent?.() ?? (await ask("graphviz")));
  let coming = controls; // only once: if the code that came by itself fails, it is requested
  const equipping = new Equipping(async (): Promise<Equip> => {
    const packed = coming ?? ask("controls");
    coming = undefined;
    const code = await started<Code>(await unpacked(await packed));
    return code.default.initialize({ graphviz, signal, speaker, style: (css) => styles.add(css) });
  });
  return {
    mount: async (view: RenderArguments) => {
      if (view.signal.aborted) return; // a fired signal notifies no new listener, so later listeners would stay
      styles.dress(view.el, view.signal);
      followTheme(view.el, view.signal);
      const figure = await mount(view);
      if (figure) equipping.give(figure, view.signal);
    },
  };
}

function painted(): Promise<void> {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

export default { initialize };
