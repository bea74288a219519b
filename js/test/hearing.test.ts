import assert from "node:assert/strict";
import { test } from "node:test";
import { hear, type WidgetModel } from "../src/host.ts";

/** A model as ipywidgets and anywidget make it: `ready` fails where its code was loaded too late. */
function setUp(ready: Promise<void>) {
  const heard: string[] = [];
  const sent: unknown[] = [];
  let listener: (message: unknown) => unknown = () => {};
  class Base {
    comm = {
      on_msg: (hear: typeof listener) => {
        listener = hear;
      },
      send: (data: unknown) => sent.push(data),
    };
    constructor() {
      this.comm.on_msg((message) => this._handle_comm_msg(message));
    }
    async _handle_comm_msg(message: unknown): Promise<void> {
      const { method } = (message as { content: { data: { method: string } } }).content.data;
      if (method === "update") heard.push(method);
    }
  }
  class AnyModel extends Base {
    override async _handle_comm_msg(message: unknown): Promise<void> {
      await ready;
      return super._handle_comm_msg(message);
    }
  }
  const model = new AnyModel() as unknown as WidgetModel;
  const manager = {
    get_model: async (id: string) => (id === "one" ? model : Promise.reject(new Error("no such model"))),
  };
  const say = async () => listener({ content: { data: { method: "update" } } });
  return { heard, sent, manager, say };
}

test("a model that was loaded too late hears again, once, and asks for what it has missed", async () => {
  const late = Promise.reject(new Error("Failed to initialize model."));
  const { heard, sent, manager, say } = setUp(late);
  await assert.rejects(say());
  await Promise.all([hear(manager, "one", { type: "code" }), hear(manager, "one", { type: "code" })]);
  await say();
  assert.deepEqual(heard, ["update"]);
  assert.deepEqual(sent, [{ method: "request_state" }, { method: "custom", content: { type: "code" } }]);
});

test("a model that was loaded in time is left alone, and one that is not there is no error", async () => {
  const { heard, sent, manager, say } = setUp(Promise.resolve());
  await hear(manager, "one", { type: "code" });
  await hear(manager, "two");
  await hear(undefined, "one");
  await say();
  assert.deepEqual(heard, ["update"]);
  assert.deepEqual(sent, []);
});
