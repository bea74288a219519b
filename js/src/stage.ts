// One picture of a handout: heading, drawing and notes, in the room that the page has.

import { bringIntoSight, choose, Focus, Hover, type Lights, onPress } from "./pointing.ts";
import { Renderer } from "./renderer.ts";
import { Ground, SMALLEST } from "./room.ts";
import type { Drawn } from "./story.ts";
import { html, put, say } from "./svg.ts";
import type { Scene } from "./wire.ts";

/** Below this many pixels, the narrow picture is shown; and below this many, the one for a telephone. */
const NARROW = 640;
const SLIM = 420;

/** The factor by which a narrow picture has to be larger than a wide one, which shortens less. */
const WORTH = 1.2;

/**
 * Pixels from left to right, and from top to bottom; and the least scale of a picture whose words are to be read.  With
 * 0, it only keeps its place, and may be as small as it has to.
 */
export interface Room {
  width: number;
  height: number;
  least: number;
}

/** The scale at which all scenes can be drawn in a room: while a reader steps, nothing moves but changes. */
function enlarged(scenes: readonly Scene[], room: Room): number {
  const each = scenes.map(({ width, height }) => Math.min(room.width / width, room.height / Math.max(height, 1)));
  return Math.min(...each);
}

export class Stage {
  readonly root = html("figure", "vmw-stage");
  private readonly renderer = new Renderer();
  private readonly focus = new Focus(this.renderer);
  private readonly hover: Hover;
  private readonly title = html("strong", "vmw-title");
  private readonly subtitle = html("span", "vmw-subtitle");
  private readonly ground = new Ground(this.renderer.root);
  private readonly notes = html("p", "vmw-stage-notes");
  private readonly all: readonly Drawn[];
  private shown: Drawn | undefined;
  private fits: Room | null = null;

  /** `all` are the picture's forms at every step: the tallest determines the reserved room. */
  constructor(all: readonly Drawn[], select: (thing: string) => void, lights?: Lights) {
    this.all = all;
    this.hover = new Hover(this.renderer, this.root, lights);
    const heading = html("figcaption", "vmw-header");
    heading.append(this.title, " ", this.subtitle);
    this.ground.root.append(this.renderer.root);
    this.root.append(heading, this.ground.root, this.notes);
    const act = (id: string): void => choose(this.renderer, id, select);
    onPress(this.renderer, act);
    this.renderer.root.addEventListener("keydown", (event) => {
      const id = (event.target as Element).closest<SVGGElement>(".node")?.dataset.id;
      const pressed = event.key === "Enter" || event.key === " ";
      if (!id || !(pressed || this.focus.move(event.key))) return;
      if (pressed) act(id);
      event.preventDefault();
      event.stopPropagation(); // arrows go from node to node here, not from step to step
    });
  }

  /** Draws a step; `fits` are the pixels that the picture may fill, in a lecture room. */
  draw(drawn: Drawn, fits: Room | null = null): void {
    this.shown = drawn;
    this.fits = fits;
    const scene = this.form(drawn);
    say(this.title, scene.title);
    say(this.subtitle, scene.subtitle);
    say(this.notes, scene.notes.join(" "));
    this.renderer.draw(scene, fits ? this.larger(fits)[1] : drawn.scale);
    this.ground.scroll(fits === null && this.room < scene.width * Math.min(drawn.scale, 1), scene.width);
    put(this.renderer.root, "aria-label", [scene.title, scene.subtitle].filter(Boolean).join(", "));
    this.focus.settle();
    this.hover.settle();
    this.keepRoom();
  }

  /** The scale at which the picture can be drawn in a room. */
  fitted(room: Room): number {
    return this.larger(room)[1];
  }

  /** The pixels from left to right that the picture takes in a room. */
  taken(room: Room): number {
    const [form, scale] = this.larger(room);
    return scale * Math.max(...this.all.map((drawn) => drawn[form].width));
  }

  /** Scrolls the changes of a step into sight; returns true if they are in this picture. */
  bring(now: Drawn, before: Drawn): boolean {
    return bringIntoSight(this.renderer, this.form(now), this.form(before));
  }

  select(thing: string): void {
    this.renderer.select(thing);
  }

  /** Notes that the page has another width. */
  resized(): void {
    if (this.shown) this.draw(this.shown, this.fits);
  }

  private form(drawn: Drawn): Scene {
    if (this.fits) return drawn[this.larger(this.fits)[0]];
    if (this.room < SLIM) return drawn.slim;
    return this.room < NARROW ? drawn.narrow : drawn.wide;
  }

  /** The form for a room, and its scale there: the wide one, unless letters would be much smaller. */
  private larger(room: Room): ["wide" | "narrow" | "slim", number] {
    const of = (form: "wide" | "narrow" | "slim"): number =>
      enlarged(
        this.all.map((drawn) => drawn[form]),
        room,
      );
    const [wide, narrow, slim] = [of("wide"), of("narrow"), of("slim")];
    if (!room.least)
      return wide >= Math.max(narrow, slim) ? ["wide", wide] : narrow >= slim ? ["narrow", narrow] : ["slim", slim];
    if (Math.max(wide, narrow) < room.least && slim >= room.least) return ["slim", slim];
    return narrow > WORTH * wide ? ["narrow", Math.max(1, narrow)] : ["wide", Math.max(1, wide)];
  }

  private get room(): number {
    return this.root.clientWidth || NARROW;
  }

  /** The parts below the picture stay in place while a reader steps. */
  private keepRoom(): void {
    if (this.fits) {
      this.ground.root.style.minHeight = "";
      return;
    }
    const heights = this.all.map((drawn) => {
      const { width, height } = this.form(drawn);
      const scale = Math.min(drawn.scale, this.room / width);
      return height * (scale < Math.min(drawn.scale, 1) ? SMALLEST : scale);
    });
    this.ground.root.style.minHeight = `${Math.ceil(Math.max(0, ...heights))}px`;
  }
}
