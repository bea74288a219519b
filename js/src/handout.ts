// A handout in the browser: the player and its lectern.
//
// The player of a handout: it replaces the steps that are read without a script.

import { unzlibSync } from "fflate";
import { Player, type Source } from "./player.ts";
import { Lights, tells } from "./pointing.ts";
import { PSEUDOCODE } from "./pseudocode.ts";
import { followTheme, hiddenIn } from "./room.ts";
import { BRACKETS, isField, isOwn, Notes, Screen } from "./screen.ts";
import { type Room, Stage } from "./stage.ts";
import { Asking, pastOf, Reader, STORY_VERSION, type Story, type ToldStep } from "./story.ts";
import { button, html, keepFocus, put, say } from "./svg.ts";
import { Timeline } from "./timeline.ts";
import { Functions } from "./words.ts";

/** Pixels that a finger moves sideways for a step. */
const SWIPE = 50;

/** Pixels next to a picture that is presented; and above it, for the sentence or the question, and the heading. */
const MARGIN = 32;
const ABOVE = 228;

/**
 * A screen with fewer pixels is a telephone's: fitting a picture there would make it smaller than it is on the page.
 */
const SMALL = { width: 640, height: 480 };

/**
 * The height of a screen divided by this is the enlargement at which a picture can be read from the last row: words of
 * 12 pixels, 24 of 1,080.
 */
const LAST_ROW = 540;

/** Pixels between adjacent pictures. */
const GAP = 32;

/** The least pixels of the pictures at the side, which keep their place, and may be smaller than what is read. */
const SIDE = 400;

/** The pixels at the side for which a picture gets smaller, as far as it can still be read. */
const WANTED = 560;

/** Pixels of the buttons below: if a story has some, there is room for them at each step. */
const BELOW = 48;

/**
 * The share of sentences for which there is always room; for a longer one, there is room at the steps of its operation.
 */
const USUAL = 0.9;

class Handout implements Source<number> {
  readonly root = html("section", "vmwidgets vmw-player");
  private readonly reader: Reader;
  private readonly stages: readonly Stage[];
  private readonly player = new Player<number>(this, ["step back", "step forward"], "");
  private readonly strip: Timeline;
  private readonly chapter = html("select", "vmw-choice");
  private readonly caption = html("p", "vmw-caption");
  private readonly code = html("span");
  private readonly functions = new Functions();
  private readonly asking: Asking;
  private readonly pictures = html("div", "vmw-stages");
  private readonly choices = html("p", "vmw-choices");
  private readonly present = button("present", "present: fill the screen", "p");
  private readonly lectern: Lectern;
  /** Whether a key is held down: then the browser reports presses that the reader did not make. */
  private held = false;
  /** The contents of the strip: the story, or one of its branches. */
  private stripped: readonly ToldStep[] = [];
  /** The last step that the strip shows. */
  private known = -1;
  /** The first step of each mark of the strip, and at the end the number of steps. */
  private starts: readonly number[] = [0];
  /** The height of each sentence at one width of the page; and the greatest height of most sentences. */
  private heights = { width: 0, of: new Map<ToldStep, number>(), usual: 0 };
  /** The step that was drawn last. */
  private drawn: ToldStep | undefined;
  /** The place where a finger came down, and whether the picture there continues to the left and to the right. */
  private from: [number, number] | undefined;
  private hidden: [boolean, boolean] = [false, false];

  constructor(story: Story) {
    this.reader = new Reader(story);
    const all = [...story.steps, ...story.branches.flatMap((branch) => branch.steps)];
    const choose = (thing: string): void => {
      for (const stage of this.stages) stage.select(thing);
    };
    const places = story.steps[0]?.pictures.map((_, place) => place) ?? [];
    const lights = new Lights(); // a thing under the pointer in one of them lights up in all
    this.stages = places.map(
      (place) =>
        new Stage(
          all.flatMap((step) => step.pictures.slice(place, place + 1)),
          choose,
          lights,
        ),
    );
    const name = (mark: number): string | undefined => {
      const start = this.starts[mark] ?? 0;
      return start <= this.reader.known ? this.reader.steps[start]?.name : "after the question";
    };
    this.strip = new Timeline({ go: (mark, share) => this.player.ask(this.stepAt(mark, share)), name }, 0);
    this.asking = new Asking(this.reader, () => {
      keepFocus(this.root, () => {
        this.player.forward.disabled = this.reader.at === this.reader.steps.length - 1;
        this.offer();
        this.mark();
        this.lectern.moved();
      });
    });
    this.assemble();
    this.lectern = new Lectern(this.root, this.reader, {
      step: (by) => this.by(by),
      changed: () => this.draw(),
      leaves: () => this.player.root.offsetHeight > 0,
    });
    if (story.selected) choose(story.selected);
    this.draw();
  }

  /** Notes that it is on the page: a page that was reloaded while it was presented continues there. */
  begin(): void {
    this.lectern.resume();
  }

  /** Handles keys of the page: brackets and a clicker's keys step; arrows do if they have no other meaning. */
  key(event: KeyboardEvent): boolean {
    const made = BRACKETS.has(event.key) && event.altKey; // with AltGr or Option, on many keyboards
    if (isOwn(event) && !(made && !isField(event.target as Element))) return false;
    if (this.asking.key(event.key) || this.lectern.key(event)) return true;
    const onSlider = (event.target as Element).closest?.("input") !== null;
    switch (event.key) {
      case "[":
      case "PageUp":
        return this.by(-1);
      case "]":
      case "PageDown":
        return this.by(1);
      case "ArrowLeft":
        return !onSlider && this.by(-1);
      case "ArrowRight":
        return !onSlider && this.by(1);
      case "{":
        return this.byChapter(-1);
      case "}":
        return this.byChapter(1);
      default:
        return false;
    }
  }

  resized(): void {
    if (this.lectern.presenting) this.draw();
    else {
      this.hold();
      for (const stage of this.stages) stage.resized();
    }
  }

  // ---- actions of a reader ---------------------------------------------------------------------

  by(steps: number): true {
    this.player.stop();
    if (steps > 0 && this.reader.waits) this.goOn();
    else if (this.reader.by(steps)) this.draw();
    return true; // at an end, the page does not scroll instead
  }

  private byChapter(way: 1 | -1): true {
    this.player.stop();
    if (way > 0 && this.reader.waits) this.goOn();
    else if (this.reader.byChapter(way)) this.draw();
    return true;
  }

  /** Steps on from an open question; a key that is held down stops there. */
  private goOn(): void {
    if (!this.held) this.asking.goOn();
  }

  toggle(): void {
    const { reader, player } = this;
    if (player.plays) player.stop();
    else player.play(reader.at === reader.steps.length - 1 ? 0 : undefined);
  }

  /** All steps are in the page. */
  show(to: number): true {
    this.reader.go(to);
    this.draw();
    return true;
  }

  /** Playing stops at the end, and at a question. */
  along(units: number): { to: number; left: number } | null {
    const { at, steps, waits } = this.reader;
    const to = at + units;
    return to < 0 || to >= steps.length || (waits && units > 0) ? null : { to, left: 0 };
  }

  meant(value: number): number {
    return value;
  }

  private assemble(): void {
    this.root.setAttribute("aria-label", "story");
    this.root.tabIndex = -1; // it has the focus while it is presented
    this.player.slider.setAttribute("aria-label", "step");
    this.chapter.title = "chapter";
    this.chapter.setAttribute("aria-label", "chapter");
    this.chapter.addEventListener("change", () => {
      this.player.stop();
      this.reader.leave();
      this.show(Number(this.chapter.value));
    });
    const chapters = this.reader.chapters;
    if (chapters.length && chapters[0]?.[0] !== 0) chapters.unshift([0, "beginning"]);
    for (const [at, name] of chapters) {
      const option = html("option", "", name);
      option.value = String(at);
      this.chapter.append(option);
    }
    this.chapter.hidden = chapters.length < 2;
    this.caption.setAttribute("role", "status");
    this.player.track.append(this.strip.root);
    this.present.addEventListener("click", () => this.lectern.toggle());
    this.player.root.append(this.player.where, this.chapter, this.present, this.strip.tip);
    const top = html("div", "vmw-bar");
    top.append(this.player.root, this.caption);
    this.pictures.append(...this.stages.map((stage) => stage.root));
    const called = html("div", "vmw-called");
    this.functions.learn(PSEUDOCODE);
    called.append(this.code, " ", this.functions.root, this.functions.panel);
    this.root.append(top, this.asking.root, this.pictures, called, this.choices);
    for (const type of ["keydown", "keyup"] as const) {
      const hear = (event: KeyboardEvent): void => {
        this.held = type === "keydown" && event.repeat;
      };
      addEventListener(type, hear, { capture: true }); // before anybody handles it
    }
    this.root.addEventListener("touchstart", (event) => this.touched(event), { passive: true });
    this.root.addEventListener("touchmove", (event) => this.moved(event), { passive: false });
    this.root.addEventListener("touchend", (event) => this.swiped(event));
  }

  private touched({ touches, target }: TouchEvent): void {
    const [one, another] = touches;
    const swipes = one && !another && !(target as Element).closest(".vmw-track"); // two fingers zoom
    this.from = swipes ? [one.clientX, one.clientY] : undefined;
    const scrolled = (target as Element).closest<HTMLElement>(".vmw-scrolls");
    this.hidden = scrolled ? hiddenIn(scrolled) : [false, false];
  }

  /** A picture that is scrolled to its end stays there; otherwise, the browser would go back in its history. */
  private moved(event: TouchEvent): void {
    if (this.wayOf(event) && event.cancelable) event.preventDefault();
  }

  private swiped(event: TouchEvent): void {
    const way = this.wayOf(event, SWIPE);
    this.from = undefined;
    if (way) this.by(way);
  }

  /**
   * The step to which a finger leads that has moved sideways by more than this many pixels; none if it scrolls a
   * picture.
   */
  private wayOf({ changedTouches }: TouchEvent, least = 0): -1 | 0 | 1 {
    const [one] = changedTouches;
    const [x, y] = this.from ?? [];
    if (!one || x === undefined || y === undefined) return 0;
    const [right, down] = [one.clientX - x, one.clientY - y];
    if (Math.abs(right) <= least || Math.abs(right) <= 2 * Math.abs(down)) return 0;
    const way = right < 0 ? 1 : -1;
    return this.hidden[way < 0 ? 0 : 1] ? 0 : way;
  }

  // ---- contents of the screen ------------------------------------------------------------------

  private draw(): void {
    keepFocus(this.root, () => this.drawAll());
  }

  private drawAll(): void {
    const { reader } = this;
    const { step, steps, at, branch } = reader;
    const last = steps.length - 1;
    this.player.stand(at, last);
    const what = reader.story.branches[branch];
    const text = `step ${at + 1} of ${steps.length}`;
    this.player.say(what ? `${text} of: ${what.name}` : text);
    this.player.slider.setAttribute("aria-valuetext", text);
    this.player.back.disabled = at === 0 && !what;
    this.player.forward.disabled = at === last || reader.waits;
    this.player.press.disabled = last === 0;
    const passed = reader.chapters.filter(([start]) => start <= at && !what).at(-1);
    this.chapter.value = String(passed?.[0] ?? 0);
    this.mark();
    this.caption.className = `vmw-caption ${step.tone}`;
    this.caption.replaceChildren(
      ...(what ? [html("span", "vmw-branch", `What if: ${what.name}`)] : []),
      ...words(step),
    );
    this.hold();
    this.code.replaceChildren(...(step.code ? [html("code", "", step.code)] : []));
    this.functions.draw(step.functions);
    this.asking.show();
    this.offer();
    const { presenting } = this.lectern;
    const { clientWidth, clientHeight } = this.root;
    const small = presenting && (clientWidth < SMALL.width || clientHeight < SMALL.height);
    this.root.classList.toggle("vmw-small", small);
    const [word, meaning] = presenting ? ["leave", "leave: back to the page"] : ["present", "present: fill the screen"];
    const together = presenting && !small && this.fitsAll();
    const sides = presenting && !small && !together ? this.withSide() : null;
    const alone = presenting && !sides ? this.lectern.chosen(together) : -1;
    say(this.present, word);
    put(this.present, "aria-label", meaning);
    put(this.present, "title", `${meaning} (p)`);
    this.pictures.classList.toggle("vmw-sided", sides !== null);
    this.pictures.style.gridTemplateColumns = sides ? `1fr ${sides.room.width}px` : "";
    for (const [place, drawn] of step.pictures.entries()) {
      const stage = this.stages[place];
      if (!stage) continue;
      stage.root.hidden = alone >= 0 && place !== alone;
      const isAside = sides !== null && place !== sides.main;
      stage.root.classList.toggle("vmw-aside", isAside);
      const room = isAside ? sides.room : (sides?.large ?? this.room(alone < 0 ? step.pictures.length : 1));
      if (!stage.root.hidden) stage.draw(drawn, presenting && !small ? room : null);
    }
    this.bring();
    this.lectern.moved();
  }

  /**
   * The parts below the sentence stay in place: there is room for the longest sentence of its operation, and for most
   * others.
   */
  private hold(): void {
    const width = this.caption.clientWidth;
    if (this.lectern.presenting || !width) return;
    if (width !== this.heights.width) {
      this.heights = { width, of: new Map(), usual: 0 };
      const { steps, branches } = this.reader.story;
      const all = [...steps, ...branches.flatMap((branch) => branch.steps)];
      const tried = all.map((step) => {
        const one = html("p", "vmw-caption vmw-measure");
        one.append(...words(step));
        return one;
      });
      this.caption.after(...tried);
      for (const [index, step] of all.entries())
        this.heights.of.set(step, Math.ceil(tried[index]?.getBoundingClientRect().height ?? 0));
      for (const one of tried) one.remove();
      const sorted = [...this.heights.of.values()].sort((a, b) => a - b);
      this.heights.usual = sorted[Math.floor(USUAL * (sorted.length - 1))] ?? 0;
    }
    const mark = this.starts.filter((start) => start <= this.reader.at).length - 1;
    const own = this.reader.steps.slice(...this.starts.slice(mark, mark + 2));
    const most = Math.max(this.heights.usual, ...own.map((step) => this.heights.of.get(step) ?? 0));
    this.caption.style.minHeight = `${most}px`;
  }

  /** On a telephone, the part that changes is scrolled into sight. */
  private bring(): void {
    const { step } = this.reader;
    const before = this.drawn;
    this.drawn = step;
    if (!before || before === step) return;
    step.pictures.some((drawn, place) => {
      const was = before.pictures[place];
      return was !== undefined && this.stages[place]?.bring(drawn, was);
    });
  }

  /** Whether all pictures next to each other on the screen can be read from the last row. */
  private fitsAll(): boolean {
    const room = this.room(this.stages.length);
    return this.stages.length > 1 && this.stages.every((stage) => stage.fitted(room) >= room.least);
  }

  /**
   * The picture that is read, the pinned one or the first, with the room of each other at its side, where all keep their
   * places; null if it takes the whole screen.
   */
  private withSide(): { main: number; large: Room; room: Room } | null {
    const main = Math.max(this.lectern.pinned, 0);
    const stage = this.stages[main];
    if (!stage || this.stages.length < 2) return null;
    const whole = this.room(1);
    const less = { ...whole, width: whole.width - WANTED - GAP }; // it need not be larger than can be read
    for (const large of stage.fitted(less) >= whole.least ? [whole, less] : [whole]) {
      const left = whole.width - stage.taken(large) - GAP;
      if (left >= SIDE) return { main, large, room: aside(whole, left, this.stages.length - 1) };
    }
    return null;
  }

  /** The room for each of this many pictures while the story is presented, below words and questions. */
  private room(beside: number): Room {
    return {
      width: (this.root.clientWidth - 2 * MARGIN - (beside - 1) * GAP) / beside,
      height:
        this.root.clientHeight -
        ABOVE -
        this.player.root.offsetHeight -
        (this.reader.story.branches.length ? BELOW : 0),
      least: this.root.clientHeight / LAST_ROW,
    };
  }

  /** The strip is under the slider: each operation is as wide as its steps. */
  private mark(): void {
    const { steps, at, known } = this.reader;
    if (this.stripped !== steps || this.known !== known) {
      this.stripped = steps;
      this.known = known;
      const { past, starts } = pastOf(steps, known);
      this.starts = starts;
      this.strip.draw(past);
    }
    const mark = this.starts.filter((start) => start <= at).length - 1;
    const [first = 0, next = 1] = this.starts.slice(mark, mark + 2);
    this.strip.stand(mark, (at + 0.5 - first) / (next - first));
  }

  private stepAt(mark: number, share: number): number {
    const [first = 0, next = 1] = this.starts.slice(mark, mark + 2);
    return Math.min(first + Math.floor(share * (next - first)), next - 1);
  }

  private offer(): void {
    const { reader } = this;
    const buttons = reader.choices.map(([number, branch]) => {
      const one = html("button", "vmw-button", branch.name);
      one.addEventListener("click", () => {
        reader.enter(number);
        this.draw();
      });
      return one;
    });
    if (reader.branch >= 0) {
      const one = html("button", "vmw-button", "back to the story");
      one.addEventListener("click", () => {
        reader.leave();
        this.draw();
      });
      this.choices.replaceChildren(one);
    } else this.choices.replaceChildren(...(buttons.length ? ["What if: ", ...buttons] : []));
    this.choices.hidden = !this.choices.firstChild || reader.waits;
  }
}

/** The room of each of this many pictures at the side, below each other. */
function aside(whole: Room, width: number, count: number): Room {
  return { width, height: (whole.height - (count - 1) * GAP) / count, least: 0 };
}

function words(step: ToldStep): (Node | string)[] {
  return [html("b", "", step.sentence), " ", html("span", "vmw-reason", step.reason)];
}

// ---- lectern
// The lectern of a handout: the picture that is alone on the screen, notes in a second window, and the place where a
// reloaded page continues.

/** Milliseconds for which a reader stays at a step before the address notes it. */
const STILL = 100;

interface LecternCalls {
  step: (by: number) => void;
  /** Called when the room has changed. */
  changed: () => void;
  /** Whether a button that leaves is on the screen. */
  leaves: () => boolean;
}

class Lectern {
  private readonly screen: Screen;
  private readonly notes = new Notes(() => this.presenting);
  private readonly reader: Reader;
  private readonly changed: () => void;
  /** The picture that a digit chose; -1 for none. */
  pinned = -1;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement, reader: Reader, calls: LecternCalls) {
    this.reader = reader;
    this.changed = calls.changed;
    this.notes.found = () => this.moved();
    this.screen = new Screen(root, {
      step: calls.step,
      changed: (filled) => this.settle(filled),
      leaves: calls.leaves,
    });
  }

  /** Continues at the place where a reloaded page was. */
  resume(): void {
    const place = /^#(present|step)-(-?\d+)-(\d+)$/.exec(location.hash);
    if (!place) return;
    this.reader.resume(Number(place[2]), Number(place[3]));
    if (place[1] === "present") this.screen.fill();
    else this.changed();
  }

  get presenting(): boolean {
    return this.screen.filled;
  }

  /** Fills the screen, or leaves it. */
  toggle(): void {
    if (this.presenting) this.screen.leave();
    else this.screen.fill();
  }

  /**
   * The picture that is alone on the screen: the pinned one, or else the one that changes at this step; -1 if there is
   * room for `all`.
   */
  chosen(all: boolean): number {
    if (this.pinned >= 0) return this.pinned;
    if (all) return -1;
    const { steps, at } = this.reader;
    for (let now = at; now > 0; now--) {
      const changed = this.places.filter((place) => {
        const [here, before] = [steps[now], steps[now - 1]].map((step) => step?.pictures[place]?.wide);
        return here && before && tells(here, before);
      });
      if (changed.length) return changed[0] ?? 0; // the first one is the subject of the story
    }
    return 0;
  }

  /** Returns true if a key has a meaning here. */
  key(event: KeyboardEvent): boolean {
    if (isOwn(event)) return false;
    if (this.screen.key(event)) return true;
    const { key } = event;
    const number = /^[0-9]$/.test(key) && this.presenting ? Number(key) - 1 : undefined;
    if (number !== undefined && number < this.places.length) {
      this.pinned = number;
      this.changed();
    } else if (key === "p" || key === "f") this.toggle();
    else if (key === "n" && this.presenting) this.note();
    else return false;
    return true;
  }

  /** Notes that the story is at another step. */
  moved(): void {
    this.screen.wake();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.remember(), STILL); // browsers refuse an address that changes too often
    if (!this.notes.opened) return;
    const { step, steps, at, chosen, story, branch } = this.reader;
    const what = story.branches[branch];
    const told = what ? [...story.steps.slice(0, what.after + 1), ...steps.slice(0, at + 1)] : steps.slice(0, at + 1);
    const next = steps.slice(at + 1).find((one) => one.question || one.notes);
    this.notes.show({
      where: `${what ? `What if: ${what.name}, ` : ""}step ${at + 1} of ${steps.length}: ${step.sentence}`,
      notes: told.flatMap((one) => one.notes ?? []).at(-1) ?? "", // its own, or the latest before it
      next: next?.question?.text ?? next?.notes?.split("\n")[0] ?? "",
      chosen,
    });
  }

  private get places(): readonly number[] {
    return this.reader.step.pictures.map((_, place) => place);
  }

  private note(): void {
    if (this.notes.open()) this.moved();
    else this.screen.tell("The browser has blocked the second window: allow this page to open one.");
  }

  private settle(presents: boolean): void {
    this.remember();
    if (!presents) this.notes.close();
    this.changed();
  }

  /** Notes the reader's place in the page's address. */
  private remember(): void {
    const { branch, at } = this.reader;
    const place = this.presenting ? "present" : at || branch >= 0 ? "step" : "";
    const address = place ? `#${place}-${branch}-${at}` : location.pathname + location.search;
    if (place ? location.hash !== address : location.hash) history.replaceState(null, "", address);
  }
}

// ---- the page

/** The story that a page contains. */
function readStory(text: string): Story {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(unzlibSync(packed))) as Story;
}

/** Puts the player onto the page.  Until it is there, the page stays as it is read without a script. */
function start(): void {
  const story = readStory(document.getElementById("vmw-story")?.textContent ?? "");
  if (story.version !== STORY_VERSION) return;
  const handout = new Handout(story);
  document.querySelector(".story")?.before(handout.root);
  document.documentElement.classList.add("plays");
  handout.begin();
  followTheme(document.body, new AbortController().signal);
  new ResizeObserver(() => handout.resized()).observe(handout.root);
  document.addEventListener("keydown", (event) => {
    if (handout.key(event)) event.preventDefault();
  });
}

if (typeof document !== "undefined" && document.getElementById("vmw-story")) start();
