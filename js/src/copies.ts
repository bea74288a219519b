// Copies of a picture: as an image, and as a table.  If a page may not copy, it offers a file instead.

import { button } from "./button.ts";
import type { SceneTable, SceneTableTwin } from "./scene.ts";
import { speaker } from "./speaker.ts";
import { html, say } from "./svg.ts";

/** Milliseconds for which a button says that it has copied. */
const SAID = 1500;

export interface CopiesCalls {
  image: () => Promise<Blob>;
  table: () => Promise<SceneTableTwin>;
  /** The names of files, without their endings. */
  name: () => string;
}

/** Something to copy: its form for each program that pastes it, and its form as a file. */
interface Copy {
  what: string;
  ending: string;
  parts: Record<string, Promise<Blob>>;
  file: Promise<Blob>;
}

export class Copies {
  readonly root = html("span", "vmw-copies");
  private readonly asImage = button("copy as image", "copy this picture as an image");
  private readonly asTable = button("copy as table", "copy this picture as a table");
  private readonly refused = html("span", "vmw-refused");
  private readonly sentence = html("span");
  private readonly save = button("save", "save it as a file");
  private readonly calls: CopiesCalls;
  private offered: Copy | null = null;
  /** The button that was pressed last. */
  private pressed = this.asImage;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(calls: CopiesCalls) {
    this.calls = calls;
    this.asImage.addEventListener("click", () => this.copy(this.image(), this.asImage));
    this.asTable.addEventListener("click", () => this.copy(this.table(), this.asTable));
    this.refused.append(this.sentence, this.save);
    this.refused.hidden = true;
    this.root.append(this.asImage, this.asTable, this.refused);
    this.save.addEventListener("click", () => this.keep());
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.refused.hidden) return;
      event.stopPropagation();
      this.refused.hidden = true;
      this.pressed.focus();
    });
    this.root.addEventListener("focusout", (event) => {
      const to = (event as FocusEvent).relatedTarget as Node | null;
      if (to && !this.root.contains(to)) this.refused.hidden = true;
    });
  }

  /** Whether this picture has a table. */
  set hasTable(has: boolean) {
    this.asTable.hidden = !has;
  }

  private image(): Copy {
    const file = this.calls.image();
    return { what: "image", ending: "png", parts: { "image/png": file }, file };
  }

  private table(): Copy {
    const table = this.calls.table();
    const of = (type: string, made: (table: SceneTableTwin) => string): Promise<Blob> =>
      table.then((twin) => new Blob([made(twin)], { type }));
    const parts = { "text/plain": of("text/plain", tabbed), "text/html": of("text/html", marked) };
    return { what: "table", ending: "csv", parts, file: of("text/csv", separated) };
  }

  private async copy(copy: Copy, press: HTMLButtonElement): Promise<void> {
    this.refused.hidden = true;
    this.pressed = press;
    for (const part of [...Object.values(copy.parts), copy.file]) part.catch(() => {}); // the sentence is below
    if (await written(copy.parts)) {
      for (const one of [this.asImage, this.asTable]) say(one, one === press ? "copied" : wordsOf(one));
      speaker.say(`the ${copy.what} is copied`, true);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => say(press, wordsOf(press)), SAID);
      return;
    }
    this.offered = copy;
    say(this.sentence, `This page may not copy the ${copy.what}. Save it as a file:`);
    speaker.say(this.sentence.textContent ?? "", true);
    this.refused.hidden = false;
    this.save.focus();
  }

  private async keep(): Promise<void> {
    const { offered } = this;
    if (!offered) return;
    try {
      download(`${this.calls.name()}.${offered.ending}`, await offered.file);
      this.refused.hidden = true;
      this.pressed.focus();
    } catch (error) {
      say(this.sentence, `There is no ${offered.what} of this picture: ${error}.`);
    }
  }
}

/** The label of a button when nothing was copied recently: the action without its object. */
function wordsOf(press: HTMLButtonElement): string {
  return press.getAttribute("aria-label")?.replace(" this picture", "").replace(/ an? /, " ") ?? "";
}

async function written(parts: Record<string, Promise<Blob>>): Promise<boolean> {
  try {
    await navigator.clipboard.write([new ClipboardItem(parts)]);
    return true;
  } catch {
    return false;
  }
}

/** Offers the browser a file to save. */
export function download(name: string, file: Blob): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

// ---- tables as text ------------------------------------------------------------------------------

function all(twin: SceneTableTwin): (SceneTable & { title?: string })[] {
  return [twin, ...(twin.more ?? [])].filter(({ header }) => header.length);
}

function joined(twin: SceneTableTwin, between: string, cell: (word: string) => string): string {
  const lines = (table: SceneTable & { title?: string }): string[] => [
    ...(table.title ? ["", cell(table.title)] : []),
    ...[table.header, ...table.rows].map((row) => row.map(cell).join(between)),
  ];
  return `${all(twin).flatMap(lines).join("\n")}\n`;
}

/** For a text or a spreadsheet: tabs separate the columns. */
export const tabbed = (twin: SceneTableTwin): string => joined(twin, "\t", (word) => word.replace(/\s/g, " "));

/** A file for a spreadsheet.  Cells that a spreadsheet would take for formulas are written as text. */
export const separated = (twin: SceneTableTwin): string =>
  joined(twin, ",", (word) => {
    const plain = /^[=+@-]/.test(word) && Number.isNaN(Number(word)) ? `'${word}` : word;
    return /[",\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  });

/** For a document: real tables. */
export function marked(twin: SceneTableTwin): string {
  const box = html("div");
  for (const { title, header, rows } of all(twin)) {
    const table = html("table");
    if (title) table.append(html("caption", "", title));
    const line = (words: readonly string[], kind: "th" | "td"): void => {
      const row = table.insertRow();
      for (const word of words) row.append(html(kind, "", word));
    };
    line(header, "th");
    for (const row of rows) line(row, "td");
    box.append(table);
  }
  return box.innerHTML;
}
