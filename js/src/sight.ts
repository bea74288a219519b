// Makes sure that the changes of a step are seen: on a telephone, most of a picture is below the window's edge.

import type { Renderer } from "./renderer.ts";
import type { Scene, SceneLink, SceneNode } from "./scene.ts";

/** The width in pixels below which a window counts as narrow. */
const SMALL = 640;

/** Pixels at the top of the window that controls and words cover. */
const COVERED = 120;

/** The states that tell something at this step: a mark that only disappears (of new or changed things) does not. */
export function changedIn({ nodes, links }: Scene, before: Scene): (SceneNode | SceneLink)[] {
  const old = new Map([...before.nodes, ...before.links].map((one) => [one.id, one]));
  return [...nodes, ...links].filter((one) => {
    const was = old.get(one.id);
    if (!was || JSON.stringify({ ...one, state: undefined }) !== JSON.stringify({ ...was, state: undefined }))
      return true;
    const states = was.state?.split(" ") ?? [];
    return one.state?.split(" ").some((state) => state && !states.includes(state)) ?? false;
  });
}

/** Whether a picture tells something at this step. */
export function tells(now: Scene, before: Scene): boolean {
  const isLess = now.nodes.length + now.links.length < before.nodes.length + before.links.length;
  return isLess || changedIn(now, before).length > 0;
}

/**
 * On a telephone, scrolls to the first thing that has changed, if it is out of sight.  Returns true if it is in this
 * picture.
 */
export function bringIntoSight(renderer: Renderer, now: Scene, before: Scene): boolean {
  // Reading the window's width in pixels would make the browser lay out the page, here and again after this step.
  if (!globalThis.matchMedia?.(`(max-width: ${SMALL - 1}px)`).matches) return false;
  const first = changedIn(now, before)
    .map(({ id }) => renderer.nodes.get(id)?.root)
    .find((root) => root !== undefined);
  if (!first) return false;
  const { top, bottom } = first.getBoundingClientRect();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (top < COVERED || bottom > document.documentElement.clientHeight)
    first.scrollIntoView({ block: "center", inline: "nearest", behavior: still ? "auto" : "smooth" });
  return true;
}
