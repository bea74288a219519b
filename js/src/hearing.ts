// anywidget 0.11 gives a model two seconds to load its code (packages/anywidget/src/runtime.ts, `ready`).  On a busy
// page, that may be too little.  The picture is drawn all the same, but from then on each message of the kernel is
// refused silently.  This module makes such a model hear again, past anywidget, and requests the messages that it has
// missed.

import type { Model, WidgetModel } from "./model.ts";

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
