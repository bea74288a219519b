// The messages of a picture and its page to the controls, which come later: see controls.ts.

import type { Names, Told } from "./operations.ts";
import type { Found } from "./requests.ts";
import type { Picture, SceneTableTwin } from "./scene.ts";

export interface Equipment {
  /** Picture `seq` is on screen. */
  draw(seq: number, picture: Picture): void;
  /** A picture has come, and will be drawn soon. */
  arrived(): void;
  /** The last request was answered, and changed nothing. */
  answered(): void;
  /** The time when the slider was last moved, in the page's milliseconds. */
  readonly dragged: number;
  /**
   * The machine has reached operation `number`; another `stamp` means that operations, groups or marks have changed.
   */
  reach(number: number, stamp: number): void;
  select(thing: string): void;
  /** Whether a kernel answers. */
  live(alive: boolean): void;
  /** Does what a key means; returns true if the key has a meaning here. */
  key(event: KeyboardEvent): boolean;
  close(): void;
  /** The picture is on its page, made by a cell of this label. */
  arrive(id: string, origin: string): void;
  /** The things that all pictures of the machine share. */
  meet(machine: string): void;
  /** Fills the screen with the picture; notes for the lecturer's own screen are listed by the names of marks. */
  present(notes?: Readonly<Record<string, string>>): void;
  /** The requested data: a search's find, the rows of the table, Graphviz's text, operations and their names. */
  find(found: Found): void;
  tabulate(seq: number, table: SceneTableTwin): void;
  takeDot(seq: number, place: number, dot: string): void;
  /** The text for Graphviz that comes with picture `seq`, before the picture; and its order to draw from now on. */
  bringDot(seq: number, place: number, dot: string): void;
  layOut(): void;
  take(told: Told): void;
  takeNames(names: Names): void;
}
