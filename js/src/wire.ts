// What Python and a page say to each other: the scene, and the requests with their replies.
//
// The wire format of a scene: the browser's half of vmwidgets/views/scene/wire.py.  Fields with their default values
// are left out.

/**
 * One run of text: x, y of the baseline, the text, its style classes, its anchor. `room`: the pixels for the text, if
 * it may need more; negative if it is cut in its middle.
 */
export type Run = [
  x: number,
  y: number,
  text: string,
  style: string,
  anchor: "start" | "middle" | "end",
  room?: number,
];

/** A filled strip: x, y, width, height, its style class. */
export type Strip = [x: number, y: number, w: number, h: number, style: string];

export type Point = [x: number, y: number];

export interface SceneNode {
  id: string;
  kind: string;
  x: number;
  y: number;
  w: number;
  h: number;
  text?: Run[];
  bars?: Strip[];
  shape?: "box" | "round" | "none" | "triangle";
  /** Words separated by spaces: "new", "changed", "path", "red" … */
  state?: string;
  /** The thing that is drawn, in the engine's words; all views share it, for selection. */
  thing?: string;
  title?: string;
  action?: string;
  lane?: string;
  /** The gesture on it: "turn" turns the node with a value above it, "switch". */
  role?: "turn" | "switch";
  /** The number of a node that can be turned. */
  value?: number;
}

export interface SceneLink {
  id: string;
  kind: string;
  source: string;
  target: string;
  points: Point[];
  state?: string;
  arrow?: boolean;
  /** How the ends of the curves lie: each piece that is neither level nor upright is one. */
  bend?: "level" | "upright";
  /** Whether the link leads from a parent to a child: arrow keys follow it. */
  branch?: boolean;
}

/**
 * Many small things of one lane, as columns: all but `look` are differences, and `x`, `y` and `w` are in tenths of a
 * pixel.
 */
export interface SceneMarks {
  lane: string;
  kind: string;
  /** The kind of each: "entry". */
  of: string;
  number: number[];
  x: number[];
  y: number[];
  w: number[];
  h: number;
  /** `words` are in the titles of all things of a look. */
  looks: [shape: "box" | "round", state: string, words: string][];
  look: number[];
  page: number[];
  /** The number of pages of each. */
  pages?: number[];
  /** The short name of each. */
  names?: string[];
  /** The place of each one's parent; -1 if it has none. */
  parent?: number[];
  title: string;
  /** The node behind them. */
  on?: string;
  /** The address space whose pages they represent. */
  space?: string;
}

/** Pages of an address space; in the space "", they are frames. */
export type Span = [space: string, first: number, count: number];

/** The place of a thing, and its targets: pages, or a thing by its name. */
export type Kinship = [at: Span[], to: (Span | string)[]];

/** The nature of a lane, if it is more than a row of things from left to right. */
export interface SceneLane {
  name: string;
  /** "tree": links that are branches lead from parents to children. */
  role?: "tree";
  /** Whether it goes downwards, and the next such lane is to its right. */
  down?: boolean;
  /** Its name for a screen reader. */
  label?: string;
}

export interface SceneTable {
  header: string[];
  rows: string[][];
}

export interface SceneTableTwin extends SceneTable {
  more?: (SceneTable & { title: string })[];
}

export interface Scene {
  version: number;
  view: string;
  machine: string;
  title: string;
  subtitle: string;
  width: number;
  height: number;
  caption: { text: string; functions: string[]; reason: string; tone: string };
  nodes: SceneNode[];
  links: SceneLink[];
  /** The beginning of the table: its rows are sent when it is opened. */
  table: SceneTableTwin;
  /**
   * `places`: the number of finished events at each step; -1 is after the operation. `functions`: the steps, by index,
   * at which another kernel function begins. `every`: the places if runs that count as one step are unfolded.
   */
  steps: {
    index: number;
    count: number;
    operation: number;
    places: number[];
    functions: number[];
    every?: number[];
  };
  notes: string[];
  /** Whether the title says the answer; otherwise it is a name, and the caption's text is large. */
  answers?: boolean;
  lanes: SceneLane[];
  marks?: SceneMarks[];
  /** The facts about things, by their names: see pointing.ts. */
  about?: Readonly<Record<string, Kinship>>;
}

/** Python's message for each picture: `seq` only rises, `data` is a packed {@link Picture}. */
export interface Frame {
  seq: number;
  data: DataView;
  /** The packed text for Graphviz, and the place in the operation that it shows: of a picture that Graphviz lays out. */
  dot?: DataView;
  place?: number;
}

/** The moment that a picture shows. */
export interface When {
  /** The operation's number in the journal; -1: the picture has no history. */
  number: number;
  /** The number of its finished events; -1: all. */
  place: number;
  /** Whether it follows the machine. */
  now: boolean;
  /** Whether it stays, whatever moment the machine's other pictures show. */
  kept: boolean;
  /** Whether addresses can be found in it. */
  finds: boolean;
  /** The scale of the picture: 1 as it is, 2 for a lecture room. */
  scale: number;
  /** The latest operation when the picture's cell had ended; -1: the cell has not ended. */
  cell: number;
  /** The operations around it, by number and name, with the first and the latest. */
  operations: [number: number, name: string][];
  /** The operation that creates the picture's subject, if that does not exist yet. */
  made?: number;
}

/** The place of the kernel's picture in the film of frame `seq`. */
export interface Spot {
  seq: number;
  when: Partial<When>;
}

/** A scene and its moment. */
export interface Picture {
  scene: Scene;
  when: When;
}

export const SUPPORTED_VERSION = 3;

/** The place of a node in its tree; `level` and `position` count from 1. */
export interface Place {
  level: number;
  position: number;
  size: number;
  /** Whether there is something below it. */
  parent: boolean;
}

// ---- requests
// The browser's requests to Python; vmwidgets/widgets/host/messages.py checks each, and refuses requests that do not
// fit.

export type Request =
  | { type: "hello"; seq: number; visible: boolean; width: number; height: number; nth: number }
  | { type: "bye"; cleared: boolean }
  | { type: "open"; id: string }
  | { type: "seek"; operation: number; place: number; latest: number; stays: boolean }
  | { type: "jump"; to: string; way: number }
  | { type: "turn"; id: string; by: number }
  | { type: "find"; text: string; way: 1 | -1 }
  | { type: "export"; form: Form; operation: number; place: number }
  | { type: "operations"; have: number; serial: number; first: number }
  | { type: "laid"; key: number; svg: string };

/** A picture in another form: an SVG file in a theme, the rows of its table, or its text for Graphviz. */
export type Form = "light" | "dark" | "table" | "dot";

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
 * Python's messages outside the frame: why a request was refused, that nothing has changed, requested data, the
 * question which pages exist, or a text that Graphviz shall lay out.
 */
export type Reply =
  | { type: "refused"; reason: string }
  | { type: "unchanged" }
  | { type: "export"; form: Form; seq: number; operation: number; place: number }
  | { type: "operations" }
  | { type: "layout"; key: number }
  | ({ type: "found" } & Found)
  | { type: "who" }
  | { type: "present"; notes: Readonly<Record<string, string>> };

/** All views of a model receive each message, in all pages: a reply to one page names it, and the others ignore it. */
export type Heard = Reply & { page?: string };

export type Send = (request: Request) => void;
