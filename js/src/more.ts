// The contents of "…": all offers of a picture that are not always in sight, in rows, in the flow of the page.

import { button } from "./button.ts";
import { html } from "./svg.ts";

/** Elements that have their own meanings for keys. */
const FIELDS = "input, select";

export class More {
  readonly press = button("…", "more for this picture", "m");
  readonly root = html("div", "vmw-more");

  /** Rows, each with its name. */
  constructor(rows: Readonly<Record<string, readonly HTMLElement[]>>) {
    this.press.classList.add("vmw-opens");
    this.root.setAttribute("role", "toolbar");
    this.root.setAttribute("aria-label", "more for this picture");
    for (const [name, items] of Object.entries(rows)) {
      const row = html("div", `vmw-row vmw-row-${name}`);
      row.setAttribute("role", "group");
      row.setAttribute("aria-label", name);
      const label = html("span", "vmw-of", name);
      label.setAttribute("aria-hidden", "true");
      const room = html("div", "vmw-items");
      room.append(...items);
      row.append(label, room);
      this.root.append(row);
    }
    this.press.addEventListener("click", () => this.open(!this.opened));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.open(false);
  }

  get opened(): boolean {
    return !this.root.hidden;
  }

  /** Shows it with the focus in it, or hides it: the focus then returns to the button that opens it. */
  open(open: boolean): void {
    const held = this.root.contains((this.root.getRootNode() as Document).activeElement);
    this.root.hidden = !open;
    this.press.setAttribute("aria-expanded", String(open));
    if (open) this.items[0]?.focus();
    else if (held) this.press.focus();
  }

  /** The elements that can have the focus now. */
  private get items(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>(`button, ${FIELDS}`)].filter(
      (one) => !one.matches(":disabled") && !one.closest("[hidden]"),
    );
  }

  private key(event: KeyboardEvent): void {
    const { items } = this;
    const target = event.target as HTMLElement;
    const at = items.indexOf(target);
    const to: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: -1,
    };
    const next = to[event.key];
    if (event.key === "Escape") this.open(false);
    else if (target.matches(FIELDS)) {
      event.stopPropagation(); // keys typed there have no other meaning
      return;
    } else if (next !== undefined) items.at(next % items.length)?.focus();
    else return; // a letter means the same as elsewhere in the picture
    event.preventDefault();
    event.stopPropagation();
  }
}
