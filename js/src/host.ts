// What the host of a picture is to it: its models and their kernel, the notebook around it, the static twin.
//
// The services that a host's widget model (JupyterLab, Notebook, marimo) offers: anywidget's contract, as far as we use
// it.

import { html } from "./svg.ts";
import type { Frame, Spot } from "./wire.ts";

export interface ViewTraits {
  /** Empty until the first picture. */
  frame: Partial<Frame>;
  /** The film, and the picture's place in it: empty until there is a film. */
  film: Partial<Frame>;
  spot: Partial<Spot>;
  hub: string;
  selection_model: string;
  twin_id: string;
  origin: string;
  status: string;
}

/** The hub's model, as far as the drawing code uses it: requested code comes in a message. */
export type HubModel = Pick<Model<object>, "on" | "off" | "send" | "widget_manager">;

export interface HubArguments {
  model: HubModel;
  signal?: AbortSignal;
  /** The controls' code, if it comes by itself. */
  controls?: Promise<DataView> | undefined;
  /** Graphviz's code, if it has come by itself. */
  graphviz?: () => DataView | undefined;
}

/**
 * JupyterLab's connection to a kernel: `disposed` fires when the kernel is shut down; `status` is "busy" while it runs.
 */
interface Kernel {
  status?: string;
  disposed?: { connect(listener: () => void): boolean; disconnect(listener: () => void): boolean };
}

export interface Model<Traits> {
  get<K extends keyof Traits & string>(name: K): Traits[K];
  set<K extends keyof Traits & string>(name: K, value: Traits[K]): void;
  save_changes(): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string | null, callback?: ((...args: never[]) => void) | null): void;
  send(content: unknown): void;
  widget_manager?: { get_model(id: string): Promise<WidgetModel>; kernel?: Kernel | null };
}

/** The host's own model behind anywidget's; `hear` makes it hear. */
export interface WidgetModel {
  comm_live?: boolean;
  comm?: { on_msg(hear: (message: unknown) => unknown): void; send(data: unknown): void };
  _handle_comm_msg?: (message: unknown) => Promise<unknown>;
}

/**
 * The state that all pictures of a machine share: the selection, and what the machine has reached. The stamp changes with
 * operations, groups and marks.
 */
export type SelectionModel = Model<{ selection: string; reached: [latest: number, stamp: number] }>;

/** anywidget 0.11: other widgets of the same kernel, by reference. */
interface Host {
  getModel(reference: string): Promise<SelectionModel>;
  getWidget(reference: string): Promise<{ exports: unknown }>;
}

export interface RenderArguments {
  model: Model<ViewTraits>;
  el: HTMLElement;
  signal: AbortSignal;
  host?: Host;
}

/** The services of the hub to views. */
export interface HubExports {
  mount(view: RenderArguments): Promise<void>;
}

// ---- hearing
// anywidget 0.11 gives a model two seconds to load its code (packages/anywidget/src/runtime.ts, `ready`).  On a busy
// page, that may be too little.  The picture is drawn all the same, but from then on each message of the kernel is
// refused silently.  This module makes such a model hear again, past anywidget, and requests the messages that it has
// missed.

/** A message that changes nothing: a model that hears takes it, and a deaf model fails. */
const NOTHING = { content: { data: { method: "nothing" } }, buffers: [], metadata: {} };

/** Makes the model with this ID hear its kernel; if it was deaf, it requests `missed` in addition to its state. */
export async function hear(
  manager: Model<object>["widget_manager"],
  id: string,
  missed?: { type: string },
): Promise<void> {
  const model = await found(manager?.get_model(id));
  if (!model?._handle_comm_msg || !model.comm) return; // a host with other models
  try {
    await model._handle_comm_msg(NOTHING);
  } catch {
    if (Object.hasOwn(model, "_handle_comm_msg")) return; // another picture was faster
    const above: Required<WidgetModel> = Object.getPrototypeOf(Object.getPrototypeOf(model));
    const handle = above._handle_comm_msg;
    model._handle_comm_msg = (message) => handle.call(model, message);
    model.comm.on_msg((message) => model._handle_comm_msg?.(message));
    model.comm.send({ method: "request_state" });
    if (missed) model.comm.send({ method: "custom", content: missed });
  }
}

/** Returns the result of a promise; undefined if it fails, or if there is none. */
export async function found<T>(promise: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}

/** Whether the page is a file that marimo has exported: it has the widgets' state, and no kernel. */
export function isExported(): boolean {
  return "__MARIMO_STATIC__" in globalThis;
}

// ---- leaving
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

// ---- twin
// The static twin of a view: a second output of the same cell, which is shown where there is no live view.

/**
 * A style element that hides the twin called `id` for as long as it is on the page.
 *
 * In JupyterLab, only a twin inside the output area that also contains the view is hidden: the same saved notebook,
 * opened next to this one, has a twin of the same name that must stay.  An output that itself contains the view stays
 * too: an `Output` widget or `interact` shows it, with an output area of its own.  In other hosts, the twin is hidden,
 * with the box around it.
 */
export function hideTwin(id: string, inOutputArea: boolean): HTMLStyleElement {
  const twin = `[data-vmwidgets-twin="${CSS.escape(id)}"]`;
  const view = `[data-vmwidgets-view="${CSS.escape(id)}"]`;
  const rule = inOutputArea
    ? `.jp-OutputArea:has(${view}) > .jp-OutputArea-child:has(${twin}):not(:has(${view})) { display: none }`
    : `${twin}, [data-vmwidgets-box]:has(${twin}) { display: none }`;
  return html("style", "", rule);
}

/** A live picture's message on its page, with its ID: a saved picture that plays in its place ends. */
export const LIVE = "vmwidgets-live";

/** Writes a sentence below the twins of a view that is gone for good. */
export function markTwins(within: Element, id: string, sentence: string): void {
  for (const twin of within.querySelectorAll(`[data-vmwidgets-twin="${CSS.escape(id)}"]`)) {
    twin.append(html("div", "vmw-gone", sentence));
  }
}
