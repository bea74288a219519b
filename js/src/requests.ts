// What the browser may ask of Python; vmwidgets/widgets/messages.py checks each and refuses what does not fit.

export type Request =
  | { type: "hello"; page: string; seq: number }
  | { type: "bye"; page: string; cleared: boolean }
  | { type: "select"; thing: string }
  | { type: "open"; id: string }
  | { type: "step"; index: number }
  | { type: "zoom"; factor: number; at: number }
  | { type: "pan"; by: number }
  | { type: "turn"; id: string; by: number }
  | { type: "find"; text: string }
  | { type: "pin" }
  | { type: "unpin"; index: number };

/** What Python sends outside the frame. */
export type Reply = { type: "refused"; reason: string };

export type Send = (request: Request) => void;
