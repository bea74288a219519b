// Pictures with their controls, for tests.

import { Controls } from "../src/controls.ts";
import { Figure, type FigureCalls } from "../src/figure.ts";
import { without } from "./dom.ts";

/** A figure whose controls are there from the beginning. */
export function equipped(calls: FigureCalls, router = without()): { figure: Figure; controls: Controls } {
  const figure = new Figure(calls);
  const controls = new Controls(figure, router);
  figure.equip(controls);
  return { figure, controls };
}
