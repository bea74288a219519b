// One thing of a page alone on the screen, as large as it fits, for a lecture room: a live picture, or a handout's
// story. It is the same element: its contents and its owner stay the same, and so does its place on the page.

import { speaker } from "./speaker.ts";
import { html, say } from "./svg.ts";

/** The keys that a clicker sends to go back and forward. */
const STEPS: Record<string, number> = { PageUp: -1, PageDown: 1, ArrowUp: -1, ArrowDown: 1 };

/**
 * Sent to all listeners on a page, even of other versions of this package: one thing fills the screen, and no two share
 * keys.
 */
const FILLS = "vmwidgets: one fills the screen";

/** Milliseconds for which a sentence is on the screen. */
const TOLD = 4000;

export interface ScreenCalls {
  step: (by: number) => void;
  /** Returns true if another key has a meaning while it fills the screen. */
  key?: (key: string) => boolean;
  /** Called when it fills the screen, or has left it. */
  changed?: (filled: boolean) => void;
  /** Whether a button that leaves is on the screen: then the keys need not be explained. */
  leaves?: () => boolean;
}

export class Screen {
  private readonly root: HTMLElement;
  private readonly calls: ScreenCalls;
  private readonly told = html("p", "vmw-told");
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement, calls: ScreenCalls) {
    this.root = root;
    this.calls = calls;
    this.told.hidden = true;
    root.append(this.told);
    document.addEventListener("fullscreenchange", this.full);
    document.addEventListener("keydown", this.elsewhere, { capture: true });
    document.addEventListener(FILLS, this.other);
  }

  get filled(): boolean {
    return this.root.classList.contains("vmw-filled");
  }

  /** Fills the screen; if a page may not do that by itself, fills its window, and says so. */
  fill(): void {
    if (!this.filled) {
      document.dispatchEvent(new CustomEvent(FILLS, { detail: this.root }));
      this.root.classList.add("vmw-filled");
      this.root.popover = "manual"; // above everything else on the page, whatever contains it
      this.rise();
      this.root.focus({ preventScroll: true });
      dispatchEvent(new Event("resize")); // it has another room
      this.calls.changed?.(true);
    }
    this.widen();
  }

  /** Returns it to its place. */
  leave(): void {
    if (this.settle() && document.fullscreenElement) document.exitFullscreen().catch(() => {});
  }

  /** Ends the blank screen. */
  wake(): void {
    this.root.classList.remove("vmw-blank");
  }

  /** Shows a sentence below, for a while. */
  tell(sentence: string): void {
    say(this.told, sentence);
    this.told.hidden = false;
    speaker.say(sentence, true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.told.hidden = true;
    }, TOLD);
  }

  /** Returns true if a key has a meaning here while it fills the screen. */
  key(event: KeyboardEvent): boolean {
    if (!this.filled || isOwn(event)) return false;
    const { key } = event;
    const by = STEPS[key];
    if (by) {
      this.wake();
      this.calls.step(by);
    } else if (key === "." || key === "b") this.root.classList.toggle("vmw-blank");
    else if (key === "f" && !document.fullscreenElement && this.root.dataset.window) this.widen();
    else if (key === "Escape" || key === "f") this.leave();
    // a clicker's "begin" key: the page must not be reloaded
    else return (this.calls.key?.(key) ?? false) || key === "F5";
    return true;
  }

  close(): void {
    document.removeEventListener("fullscreenchange", this.full);
    document.removeEventListener("keydown", this.elsewhere, { capture: true });
    document.removeEventListener(FILLS, this.other);
    clearTimeout(this.timer);
    this.settle();
  }

  /** The whole page is on the full screen, so another thing can follow this one there. */
  private async widen(): Promise<void> {
    delete this.root.dataset.window;
    if (document.fullscreenElement) return;
    try {
      if (navigator.userActivation?.isActive ?? true) await document.documentElement.requestFullscreen?.();
      if (document.fullscreenElement) {
        this.rise(); // the page is above it now
        return;
      }
    } catch {
      // In a frame, a page may never do that; elsewhere, it may after a key or a press.
    }
    if (!this.filled) return;
    this.root.dataset.window = "only";
    if (this.calls.leaves?.()) return;
    this.tell("It fills the window. Press f for the whole screen, Escape to leave.");
  }

  private rise(): void {
    if (!this.filled || !("showPopover" in this.root)) return;
    if (this.root.matches(":popover-open")) this.root.hidePopover();
    this.root.showPopover();
  }

  /** Returns the screen to the page; returns false if the thing did not have the screen. */
  private settle(): boolean {
    if (!this.filled) return false;
    this.root.classList.remove("vmw-filled", "vmw-blank");
    if ("hidePopover" in this.root && this.root.matches(":popover-open")) this.root.hidePopover();
    this.root.removeAttribute("popover");
    this.told.hidden = true;
    dispatchEvent(new Event("resize"));
    this.calls.changed?.(false);
    return true;
  }

  /** A cell that runs takes the focus: the thing on the screen receives keys all the same. */
  private readonly elsewhere = (event: KeyboardEvent): void => {
    if (this.root.contains(event.target as Element) || !this.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  private readonly full = (): void => {
    if (document.fullscreenElement) this.rise();
    else if (!this.root.dataset.window) this.settle(); // Escape of the browser
  };

  private readonly other = (event: Event): void => {
    if ((event as CustomEvent<Element>).detail !== this.root) this.settle();
  };
}

/** Keys that step.  On many keyboards, they need AltGr or Option, so the character counts. */
export const BRACKETS: ReadonlySet<string> = new Set(["[", "]", "{", "}"]);

/** Whether a key belongs to the element with the focus, or to the browser: then it has no meaning here. */
export function isOwn({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || altKey || isField(target as Element | null);
}

/** Whether the reader types or chooses there.  A slider does not count: after a drag, a clicker still steps. */
export function isField(element: Element | null): boolean {
  return element?.closest?.('select, textarea, input:not([type="range"])') != null;
}
