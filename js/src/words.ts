// The words around a picture: heading, caption, notes, the table twin.

import { Functions } from "./functions.ts";
import type { Scene, SceneTable, SceneTableTwin } from "./scene.ts";
import { html, say } from "./svg.ts";

/** Heading and caption; drawn again with every frame. */
export class Words {
  readonly header = html("div", "vmw-header");
  readonly caption = html("p", "vmw-caption");
  readonly notes = html("ul", "vmw-notes");
  private readonly title = html("strong", "vmw-title");
  private readonly subtitle = html("span", "vmw-subtitle");
  private readonly origin = html("span", "vmw-origin");
  private readonly late = html("span", "vmw-behind", "behind");
  private readonly text = html("b");
  private readonly reason = html("span", "vmw-reason");
  readonly functions = new Functions();

  private machine = "";
  private placed: readonly string[] = [];

  constructor() {
    this.late.title = "the machine has changed: this picture is redrawn when the cell ends";
    this.late.hidden = true;
    this.header.append(this.title, this.subtitle, this.late, this.origin);
    this.caption.append(this.text, " ", this.reason, " ", this.functions.root);
  }

  /** The caption in one line, as it is read out. */
  get sentence(): string {
    return [this.text.textContent, this.reason.textContent].filter(Boolean).join(" ");
  }

  draw(scene: Scene): void {
    const { text, reason, functions, tone } = scene.caption;
    this.machine = scene.machine;
    this.sign();
    say(this.title, scene.title);
    say(this.subtitle, scene.subtitle);
    say(this.text, text);
    say(this.reason, reason);
    this.functions.draw(functions);
    this.caption.className = `vmw-caption ${tone}`;
    this.caption.hidden = !text && !reason;
    const notes = JSON.stringify(scene.notes);
    if (this.notes.dataset.notes === notes) return;
    this.notes.dataset.notes = notes;
    this.notes.replaceChildren(...scene.notes.map((note) => html("li", "", note)));
    this.notes.hidden = scene.notes.length === 0;
  }

  /** Whether the machine has gone on since this picture of now. */
  behind(late: boolean): void {
    this.late.hidden = !late;
  }

  /** Which cell made the picture, and what has become of its machine. */
  place(words: readonly string[]): void {
    this.placed = words;
    this.sign();
  }

  private sign(): void {
    say(this.origin, [this.machine, ...this.placed].filter(Boolean).join(" · "));
  }
}

/** The table twin: real HTML.  While it is open its rows are asked for with each picture. */
export class TableTwin {
  readonly root = html("details", "vmw-table");
  readonly summary = html("summary", "", "table");
  private readonly box = html("div", "vmw-table-box");
  private readonly ask: () => void;
  private title = "";
  private filled = "";

  constructor(ask: () => void) {
    this.ask = ask;
    this.box.tabIndex = 0; // it is scrolled by keys
    this.box.setAttribute("role", "region");
    this.box.setAttribute("aria-label", "table");
    this.box.addEventListener("keydown", (event) => event.stopPropagation());
    this.root.append(this.summary, this.box);
    this.root.addEventListener("toggle", () => this.root.open && ask());
  }

  draw(scene: Scene): void {
    this.title = scene.title;
    this.root.hidden = scene.table.header.length === 0;
    if (this.root.open) this.ask();
  }

  fill(table: SceneTableTwin): void {
    const filled = JSON.stringify(table);
    if (filled === this.filled) return;
    this.filled = filled;
    this.box.replaceChildren(drawn(this.title, table), ...(table.more ?? []).map((other) => drawn(other.title, other)));
  }
}

function drawn(title: string, { header, rows }: SceneTable): HTMLTableElement {
  const table = html("table");
  table.createCaption().textContent = title;
  const head = table.createTHead().insertRow();
  for (const word of header) {
    const cell = html("th", "", word);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const word of row) line.insertCell().textContent = word;
  }
  return table;
}
