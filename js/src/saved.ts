// The player of a saved notebook and of pages made of one: a picture that has its film beside it is stepped, with no kernel.
// It comes once a file, and takes the place of an image when that is seen.

import live from "../../vmwidgets/views/scene/live.css";
import stylesheet from "../../vmwidgets/views/scene/style.css";
import type { Equipment } from "./equipment.ts";
import { Figure } from "./figure.ts";
import { Focus } from "./focus.ts";
import { Hover } from "./hover.ts";
import { PSEUDOCODE } from "./pseudocode.ts";
import { companyOf, Reel } from "./reel.ts";
import { Styles } from "./styles.ts";
import { html } from "./svg.ts";
import { followTheme } from "./theme.ts";
import { Time } from "./time.ts";

/** A hash of what this bundle is made of; the build puts it in. */
declare const BUNDLE: string;

/** What each output with a film says when it is on the page: see vmwidgets/widgets/host/saved.py. */
const CALL = "vmwidgets-film";

/** On a page that is narrower than so many pixels letters keep their size, and the picture is scrolled. */
const SMALL = 736;

const styles = typeof document === "undefined" ? null : new Styles(stylesheet + live, `vmw-${BUNDLE}`);

/** The controls of a picture that no kernel answers for. */
class Alone implements Equipment {
  readonly dragged = Number.NEGATIVE_INFINITY;
  private readonly time: Time;
  private readonly focus: Focus;
  private readonly hover: Hover;
  private readonly figure: Figure;

  constructor(figure: Figure) {
    this.figure = figure;
    this.time = new Time(() => {}, [], figure.calls.step);
    this.focus = new Focus(figure.renderer);
    this.hover = new Hover(figure.renderer, figure.root);
    figure.words.functions.learn(PSEUDOCODE);
    figure.bar.prepend(this.time.root);
    this.time.live(false);
  }

  draw(_seq: number, { scene, when }: Parameters<Equipment["draw"]>[1]): void {
    this.time.draw(scene, when);
    this.focus.settle();
    this.hover.settle();
  }

  key(event: KeyboardEvent): boolean {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || (event.altKey && !"[]".includes(key))) return false;
    const onNode = (target as Element).closest<SVGGElement>(".node")?.dataset.id;
    const pressed = key === " " && (target as Element).closest("button, summary, select") !== null;
    if (pressed) return false;
    const meant = this.focus.move(key) || this.does(key, onNode);
    if (meant) event.preventDefault();
    return meant;
  }

  private does(key: string, onNode: string | undefined): boolean {
    if (key === "[" || key === "]") this.time.by(key === "[" ? -1 : 1);
    else if (key === " ") this.time.toggle();
    else if (key === "Enter" && onNode !== undefined) this.figure.act(onNode);
    else if (key === "Escape") this.figure.escape();
    else return false;
    return true;
  }

  reach(number: number): void {
    this.time.reach(number);
  }

  close(): void {
    this.time.stop();
    this.hover.close();
  }

  // What only a kernel's pictures have.
  arrived(): void {}
  answered(): void {}
  select(): void {}
  live(): void {}
  arrive(): void {}
  seen(): void {}
  meet(): void {}
  pin(): void {}
  present(): void {}
  find(): void {}
  tabulate(): void {}
  takeDot(): void {}
  take(): void {}
  takeNames(): void {}
}

function bytes(text = ""): DataView {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

/** Puts the player in the place of an image. */
export function play(twin: HTMLElement, film: HTMLElement): Figure {
  const { frame, steps, machine = "", selected = "" } = film.dataset;
  const el = html("div", "vmw-saved");
  const figure: Figure = new Figure({
    send: () => {},
    select: (thing) => figure.select(thing),
    step: (operation, place) => reel.go(operation, place),
  });
  const reel: Reel = new Reel({
    draw: (seq, picture) => (seq > figure.shown ? figure.draw(seq, picture) : figure.show(picture)),
    filmed: (has) => figure.filmed(has),
    send: () => {},
  });
  const { signal } = new AbortController();
  styles?.dress(el, signal);
  followTheme(el, signal);
  figure.measured(twin.clientWidth < SMALL ? twin.clientWidth : 0); // else it shrinks a little, as its image does
  figure.live(false, "");
  figure.equip(new Alone(figure));
  reel.take({ frame: { seq: 1, data: bytes(frame) }, film: { seq: 1, data: bytes(steps) } });
  const company = companyOf(`saved ${machine}`);
  const number = figure.renderer.scene?.steps.operation ?? 0;
  company.latest = Math.max(company.latest, number);
  reel.join(company);
  figure.reach(number, 0);
  if (selected) figure.select(selected);
  el.append(figure.root);
  twin.prepend(el);
  twin.classList.add("vmw-plays");
  return figure;
}

const found = new WeakSet<Element>();

/** Looks for films that are new on the page. */
function look(seen: IntersectionObserver): void {
  for (const film of document.querySelectorAll<HTMLElement>(`[data-vmwidgets-film="${BUNDLE}"]`)) {
    const twin = film.closest("[data-vmwidgets-twin]");
    if (!twin || found.has(twin)) continue;
    found.add(twin);
    seen.observe(twin);
  }
}

function start(): void {
  const mark = `vmwidgets ${BUNDLE}`;
  if (mark in globalThis) return; // another output of this file, or another file, has brought it
  Object.assign(globalThis, { [mark]: true });
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue; // not there yet, or a live picture has its place
      seen.unobserve(target);
      const film = target.querySelector<HTMLElement>("[data-vmwidgets-film]");
      try {
        if (film) play(target as HTMLElement, film);
      } catch (error) {
        console.warn("vmwidgets: this film can't be played:", error); // its image stays
      }
    }
  });
  let waits = false;
  const soon = (): void => {
    if (waits) return;
    waits = true;
    setTimeout(() => {
      waits = false;
      look(seen);
    });
  };
  document.addEventListener(CALL, soon);
  document.addEventListener("DOMContentLoaded", soon);
  soon();
}

if (typeof document !== "undefined" && typeof BUNDLE !== "undefined") start();
