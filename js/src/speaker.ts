// The sentences for screen readers: one live region on a page for all pictures, so that a sentence of several pictures
// is heard once.

import { html, say } from "./svg.ts";

/** Milliseconds for which sentences are gathered: pictures of one operation come one after the other. */
const GATHER = 60;

/** The style of an element that is read out and not seen, on any page. */
const UNSEEN =
  "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap";

export class Speaker {
  // created for the first picture: the controls' copy of this file never needs one
  private region: HTMLElement | null = null;
  private pictures = 0;
  private waiting: string[] = [];
  private last = "";
  private through: Pick<Speaker, "say"> | null = null;

  /** Another bundle on the page has the region: sentences from here go there. */
  speakThrough(other: Pick<Speaker, "say">): void {
    if (other !== this) this.through = other;
  }

  /** Notes that a picture is on the page: its sentences have a place from now on. */
  join(): void {
    if (this.pictures++ > 0) return;
    this.region ??= html("div", "vmw-spoken");
    this.region.setAttribute("role", "status");
    this.region.style.cssText = UNSEEN;
    document.body.append(this.region);
  }

  leave(): void {
    if (--this.pictures === 0) this.region?.remove();
  }

  /** Reads a sentence out, once however many pictures say it; with `again`, even if it was the last one. */
  say(sentence: string, again = false): void {
    if (this.through) {
      this.through.say(sentence, again);
      return;
    }
    if (!sentence || this.waiting.includes(sentence) || (sentence === this.last && !again)) return;
    this.waiting.push(sentence);
    this.last = sentence;
    if (this.waiting.length === 1) setTimeout(() => this.speak(), GATHER);
  }

  private speak(): void {
    const sentences = this.waiting.join(" ");
    this.waiting = [];
    if (!this.region) return;
    // The same text again is not a change for a screen reader; a space at its end makes it one.
    say(this.region, this.region.textContent === sentences ? `${sentences}\u00a0` : sentences);
  }
}

export const speaker = new Speaker();
