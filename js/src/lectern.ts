// The lectern of a handout: the picture that is alone on the screen, notes in a second window, and the place where a
// reloaded page continues.

import { Notes } from "./notes.ts";
import { isOwn, Screen } from "./screen.ts";
import { tells } from "./sight.ts";
import type { Reader } from "./story.ts";

/** Milliseconds for which a reader stays at a step before the address notes it. */
const STILL = 100;

export interface LecternCalls {
  step: (by: number) => void;
  /** Called when the room has changed. */
  changed: () => void;
  /** Whether a button that leaves is on the screen. */
  leaves: () => boolean;
}

export class Lectern {
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
