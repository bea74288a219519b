// The browser's requests to Python; vmwidgets/widgets/host/messages.py checks each, and refuses requests that do not
// fit.

export type Request =
  | { type: "hello"; page: string; seq: number }
  | { type: "bye"; page: string; cleared: boolean }
  | { type: "sight"; page: string; visible: boolean; nth: number }
  | { type: "room"; page: string; width: number; height: number; nth: number }
  | { type: "open"; id: string }
  | { type: "seek"; operation: number; place: number }
  | { type: "stand"; operation: number; place: number; latest: number }
  | { type: "jump"; to: string; way: number }
  | { type: "stay" }
  | { type: "turn"; id: string; by: number }
  | { type: "find"; text: string; way: 1 | -1 }
  | { type: "save"; theme: "light" | "dark" }
  | { type: "table" }
  | { type: "dot"; operation: number; place: number }
  | { type: "timeline"; have: number; serial: number }
  | { type: "names"; first: number };

/** The result of a search: `count` things, one of which is shown; none are counted if it was an address. */
export interface Found {
  count: number;
  at: number;
  words: string;
  /** The shown node and thing; "" for a step. */
  node: string;
  thing: string;
  folded: boolean;
}

/**
 * Python's messages outside the frame: why a request was refused, that nothing has changed, requested data, or the
 * question which pages exist.
 */
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

/** All views of a model receive each message, in all pages: a reply to one page names it, and the others ignore it. */
export type Heard = Reply & { page?: string };

export type Send = (request: Request) => void;
