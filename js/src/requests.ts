// What the browser may ask of Python; vmwidgets/widgets/host/messages.py checks each and refuses what does not fit.

export type Request =
  | { type: "hello"; page: string; seq: number }
  | { type: "bye"; page: string; cleared: boolean }
  | { type: "sight"; page: string; visible: boolean; nth: number }
  | { type: "room"; page: string; width: number; height: number; nth: number }
  | { type: "open"; id: string }
  | { type: "seek"; operation: number; place: number }
  | { type: "stand"; operation: number; place: number; latest: number }
  | { type: "seek_pin"; index: number; operation: number; place: number }
  | { type: "jump"; to: string; way: number }
  | { type: "stay" }
  | { type: "zoom"; factor: number; at: number }
  | { type: "pan"; by: number }
  | { type: "turn"; id: string; by: number }
  | { type: "find"; text: string; way: 1 | -1 }
  | { type: "pin" }
  | { type: "save" }
  | { type: "table" }
  | { type: "dot"; operation: number; place: number }
  | { type: "timeline"; have: number; serial: number }
  | { type: "names"; first: number }
  | { type: "unpin"; index: number };

/** What a search has found: `count` things, of which one is shown; none are counted where it was an address. */
export interface Found {
  count: number;
  at: number;
  words: string;
  /** The node and the thing that is shown; "" for a step. */
  node: string;
  thing: string;
  folded: boolean;
}

/** What Python sends outside the frame: why it did not do what was asked, or that it changed nothing; who is there. */
export type Reply =
  | { type: "refused"; reason: string }
  | { type: "unchanged" }
  | { type: "heard" }
  | { type: "table"; seq: number }
  | { type: "dot"; seq: number; place: number }
  | { type: "timeline" }
  | { type: "names" }
  | { type: "saved"; name: string; svg: string }
  | ({ type: "found" } & Found)
  | { type: "who" }
  | { type: "present"; notes: Readonly<Record<string, string>> };

/** All views of a model hear what is said to one, in all pages: a reply to one has its page, and is no matter of the others. */
export type Heard = Reply & { page?: string };

export type Send = (request: Request) => void;
