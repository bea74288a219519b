// The services that a host's widget model (JupyterLab, Notebook, marimo) offers: anywidget's contract, as far as we use
// it.

import type { Frame, Spot } from "./scene.ts";

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
  /** Whether Graphviz lays the picture out from the beginning (vmwidgets/widgets/host/structure.py). */
  structure?: boolean;
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
export interface Kernel {
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

/** The host's own model behind anywidget's; `hearing.ts` makes it hear. */
export interface WidgetModel {
  comm_live?: boolean;
  comm?: { on_msg(hear: (message: unknown) => unknown): void; send(data: unknown): void };
  _handle_comm_msg?: (message: unknown) => Promise<unknown>;
}

/**
 * The state that all pictures of a machine share: the selection, the latest operation, and a number that changes with
 * them.
 */
export type SelectionModel = Model<{ selection: string; latest: number; stamp: number }>;

/** anywidget 0.11: other widgets of the same kernel, by reference. */
export interface Host {
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
