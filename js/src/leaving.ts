// The way back to the notebook: Tab from the last control of a cell leads to whatever can have the focus below it, maybe
// many cells further.  From here Shift and Enter, and the arrows, go on with the cell that the control is in.

/** Gives the focus to the notebook's cell that `from` is in; false where there is none. */
export function leave(from: Element): boolean {
  const { host } = from.getRootNode() as ShadowRoot;
  const cell = (host ?? from).closest<HTMLElement>(".jp-Cell");
  cell?.focus();
  return cell !== null;
}
