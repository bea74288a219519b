// One link of a scene.
//
//   <g class="link KIND STATE…" data-id> <path class="line"/> <path class="arrow"/> </g>

import type { Point, SceneLink } from "./scene.ts";
import { put, svg } from "./svg.ts";

const ARROW = { length: 9, half: 4 };

export class LinkElement {
  readonly root = svg("g");
  private readonly line = svg("path", "line");
  private arrow: SVGPathElement | null = null;
  private placed = "";
  link: SceneLink;

  constructor(link: SceneLink) {
    this.link = link;
    this.root.dataset.id = link.id;
    this.root.append(this.line);
    this.draw(link);
  }

  draw(link: SceneLink): void {
    this.link = link;
    put(this.root, "class", `link ${link.kind} ${link.state ?? ""}`.trimEnd());
    const placed = JSON.stringify([link.points, link.bend, link.source, link.target, link.arrow]);
    if (placed === this.placed) return;
    this.placed = placed;
    put(this.line, "d", linePath(link.points, link.bend));
    this.drawArrow(link.points.at(-2), link.points.at(-1));
  }

  private drawArrow(from: Point | undefined, to: Point | undefined): void {
    if (!this.link.arrow || !from || !to) {
      this.arrow?.remove();
      this.arrow = null;
      return;
    }
    if (!this.arrow) {
      this.arrow = svg("path", "arrow");
      this.line.after(this.arrow);
    }
    put(this.arrow, "d", arrowPath(controls(from, to, this.link.bend)[1], to));
  }
}

const short = (value: number): number => Math.round(value * 10) / 10;
const at = ([x, y]: Point): string => `${short(x)},${short(y)}`;

/** Returns a line written as cubics, so that it can be animated into another with as many pieces. */
export function linePath(points: readonly Point[], bend?: SceneLink["bend"]): string {
  const [start, ...rest] = points;
  if (!start) return "";
  let from = start;
  let path = `M${at(start)}`;
  for (const to of rest) {
    path += ` C${[...controls(from, to, bend), to].map(at).join(" ")}`;
    from = to;
  }
  return path;
}

/** Returns a filled arrowhead with its point at `to`, coming from `from`. */
export function arrowPath(from: Point, to: Point): string {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  if (length === 0) return "";
  const [ux, uy] = [dx / length, dy / length];
  const [bx, by] = [to[0] - ux * ARROW.length, to[1] - uy * ARROW.length];
  const left: Point = [bx - uy * ARROW.half, by + ux * ARROW.half];
  const right: Point = [bx + uy * ARROW.half, by - ux * ARROW.half];
  return `M${at(to)} L${at(left)} L${at(right)} Z`;
}

/** The control points of a piece, which is a curve if it has a bend and is neither level nor upright. */
function controls(from: Point, to: Point, bend?: SceneLink["bend"]): [Point, Point] {
  const [[x, y], [toX, toY]] = [from, to];
  const [middleX, middleY] = [(x + toX) / 2, (y + toY) / 2];
  if (!bend) return [from, from];
  return bend === "level"
    ? [
        [middleX, y],
        [middleX, toY],
      ]
    : [
        [x, middleY],
        [toX, middleY],
      ];
}
