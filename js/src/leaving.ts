// The way back to the notebook: Tab from the last control of a cell moves the focus to the next element that can have
// it, maybe many cells further down.  This module moves the focus to the control's own cell instead, from which Shift
// and Enter, and the arrows, continue.

/** Gives the focus to the notebook's cell that contains `from`; returns false if there is none. */
export function leave(from: Element): boolean {
  const { host } = from.getRootNode() as ShadowRoot;
  const cell = (host ?? from).closest<HTMLElement>(".jp-Cell");
  cell?.focus();
  return cell !== null;
}
