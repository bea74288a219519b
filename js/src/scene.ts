// The wire format of a scene: the browser's half of vmwidgets/views/scene/wire.py.  Fields at their defaults are left out.

/** One run of text: x, y of the baseline, the text, its style classes, its anchor.
 * `room`: the pixels that it has, where it may need more; negative, if it is cut in its middle. */
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
  /** Words with spaces between: "new", "changed", "path", "red" … */
  state?: string;
  /** What is drawn, in the engine's words; shared by all views, for selection. */
  thing?: string;
  title?: string;
  action?: string;
  lane?: string;
  /** What a hand does with it: "pan" what lies on it, "turn" the node with a value above it, "switch". */
  role?: "pan" | "turn" | "switch";
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
  /** From a parent to a child: arrow keys follow it. */
  branch?: boolean;
}

/** Many small things of one lane, as columns: all but `look` are differences, `x`, `y` and `w` in tenths of a pixel. */
export interface SceneMarks {
  lane: string;
  kind: string;
  /** What each is of: "entry". */
  of: string;
  number: number[];
  x: number[];
  y: number[];
  w: number[];
  h: number;
  /** `words` are what all of a look have in their titles. */
  looks: [shape: "box" | "round", state: string, words: string][];
  look: number[];
  page: number[];
  /** How many pages each is about. */
  pages?: number[];
  /** The place of each one's parent; -1: none. */
  parent?: number[];
  title: string;
  /** The node that they lie on. */
  on?: string;
  /** The address space whose pages they are about. */
  space?: string;
}

/** Pages of an address space; of the space "" they are frames. */
export type Span = [space: string, first: number, count: number];

/** Where a thing is, and what it leads to: pages, or a thing by its name. */
export type Kinship = [at: Span[], to: (Span | string)[]];

/** What a lane is, where it is more than a row of things from left to right. */
export interface SceneLane {
  name: string;
  /** "tree": links that are branches lead from parents to children. */
  role?: "tree";
  /** It goes downwards, and the next such lane is at its right. */
  down?: boolean;
  /** What a screen reader calls it. */
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
  /** How the table begins: its rows are sent when it is opened. */
  table: SceneTableTwin;
  /** `places`: how many events are done at each step; -1 is after the operation.
   * `functions`: the steps, by index, at which another kernel function begins.
   * `every`: the places with runs opened that are one step. */
  steps: {
    index: number;
    count: number;
    operation: number;
    places: number[];
    functions: number[];
    every?: number[];
  };
  notes: string[];
  /** The title says the answer; else it is a name, and the caption's text is large. */
  answers?: boolean;
  lanes: SceneLane[];
  marks?: SceneMarks[];
  /** What is known of things, by their names: see kin.ts. */
  about?: Readonly<Record<string, Kinship>>;
}

/** What Python sends for each picture: `seq` only rises, `data` is a packed {@link Picture}. */
export interface Frame {
  seq: number;
  data: DataView;
}

/** Which moment a picture shows. */
export interface When {
  /** The operation's number in the journal; -1: the picture has no history. */
  number: number;
  /** How many of its events are done; -1: all. */
  place: number;
  /** It moves on with the machine. */
  now: boolean;
  /** It stays, whatever moment the machine's other pictures show. */
  kept: boolean;
  /** Addresses can be found in it. */
  finds: boolean;
  /** How large the picture is drawn: 1 as it is, 2 for a lecture room. */
  scale: number;
  /** The operation that was the latest when the picture's cell was done; -1: it is not done. */
  cell: number;
  /** The operations around it, by number and name, with the first and the latest. */
  operations: [number: number, name: string][];
  /** The call of the operation that is shown, as a line of Python. */
  line: string;
  /** The operation that makes what the picture shows, where that does not exist yet. */
  made?: number;
}

/** Where in the film of frame `seq` the kernel's picture is. */
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

/** Where a node is in its tree; `level` and `position` count from 1. */
export interface Place {
  level: number;
  position: number;
  size: number;
  /** Whether there is something below it. */
  parent: boolean;
}
