// The wire format of a scene: the browser's half of vmwidgets/views/wire.py.  Fields at their defaults are left out.

/** One run of text: x, y of the baseline, the text, its style classes, its anchor. */
export type Run = [x: number, y: number, text: string, style: string, anchor: "start" | "middle" | "end"];

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
  graph?: boolean;
  /** What is drawn, in the engine's words; shared by all views, for selection. */
  thing?: string;
  title?: string;
  action?: string;
  lane?: string;
}

export interface SceneLink {
  id: string;
  kind: string;
  source: string;
  target: string;
  points: Point[];
  state?: string;
  graph?: boolean;
  arrow?: boolean;
  label?: string;
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
  table: { header: string[]; rows: string[][] };
  steps: { index: number; count: number; operation: number };
  notes: string[];
}

/** What Python sends for each picture: `seq` only rises, `data` is a packed {@link Picture}. */
export interface Frame {
  seq: number;
  data: DataView;
}

/** A scene, and its graph in Graphviz's language: "" where it has none. */
export interface Picture {
  scene: Scene;
  dot: string;
}

/** A cubic path that Graphviz found for a link: the start, then three points for each piece; `tip` is where an arrow ends. */
export interface Route {
  start: Point;
  curves: [Point, Point, Point][];
  tip?: Point;
}

export const SUPPORTED_VERSION = 1;
