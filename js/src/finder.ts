// The field that finds addresses and names, the number of finds, and the way from one find to the next.

import { button } from "./button.ts";
import type { Found } from "./requests.ts";
import { html, say } from "./svg.ts";

const FINDS = "find an address or a name";

export interface FinderCalls {
  find: (text: string, way: 1 | -1) => void;
  /** Called to move the focus back to the picture. */
  leave: () => void;
}

export class Finder {
  readonly root = html("span", "vmw-finder");
  readonly field = html("input", "vmw-find");
  private readonly count = html("span", "vmw-found");
  private readonly back = button("‹", "the previous match", "Shift+Enter");
  private readonly forward = button("›", "the next match", "Enter");
  private readonly calls: FinderCalls;
  /** The text that was searched last. */
  private sought = "";

  constructor(calls: FinderCalls) {
    this.calls = calls;
    this.field.type = "search";
    this.field.placeholder = FINDS;
    this.field.title = `${FINDS}: 0x14_1000, a file, an object, a thread, rw-, a kernel function (/)`;
    this.field.setAttribute("aria-label", FINDS);
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("input", () => this.clear());
    this.back.addEventListener("click", () => this.find(-1));
    this.forward.addEventListener("click", () => this.find(1));
    this.root.append(this.field, this.count, this.back, this.forward);
    this.clear();
  }

  /** Shows the find; `hidden`: the picture does not show it.  Returns the same as a sentence. */
  take({ at, count, words, folded }: Found, hidden: boolean): string {
    if (!count) {
      this.clear();
      return "";
    }
    const where = `${(at + 1).toLocaleString("en")} of ${count.toLocaleString("en")}`;
    say(this.count, where);
    this.count.title = words;
    for (const one of [this.back, this.forward]) one.hidden = count < 2;
    return `${where}: ${words}${folded || hidden ? ". It is in a part of the picture that is folded." : ""}`;
  }

  private clear(): void {
    say(this.count, "");
    for (const one of [this.back, this.forward]) one.hidden = true;
  }

  private find(way: 1 | -1): void {
    const { value } = this.field;
    if (!value.trim()) return;
    if (value !== this.sought) this.clear(); // the old sentence is about another search
    this.sought = value;
    this.calls.find(value, way);
  }

  private key(event: KeyboardEvent): void {
    event.stopPropagation(); // keys typed here have no other meaning
    if (event.key === "Enter") this.find(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") this.calls.leave();
  }
}
