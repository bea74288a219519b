// The table twin: the contents of a picture, as rows.

import type { Scene, SceneTable, SceneTableTwin } from "./scene.ts";
import { html } from "./svg.ts";

/** The table twin: real HTML.  While it is open, its rows are requested with each picture. */
export class TableTwin {
  readonly root = html("details", "vmw-table");
  readonly summary = html("summary", "", "table");
  private readonly box = html("div", "vmw-table-box");
  private readonly ask: () => void;
  private title = "";
  private filled = "";

  constructor(ask: () => void) {
    this.ask = ask;
    this.box.tabIndex = 0; // keys scroll it
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
