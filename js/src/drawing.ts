// Graphviz in a page.
//
// The structure of the picture, laid out by Graphviz: a button that requests it, and its SVG in place of our picture.

import type { Answer, Question } from "./graphviz.ts";
import { html, put, svg } from "./svg.ts";
import type { Scene, SceneNode, When } from "./wire.ts";

interface DrawingCalls {
  /** Requests the text of the picture on screen. */
  ask: () => void;
  /** Sends a drawing that the kernel wants to save. */
  laid: (key: number, svg: string) => void;
  /** Called when something in the drawing was pressed; "" is the background. */
  act: (id: string) => void;
  /** A sentence for the reader. */
  tell: (sentence: string) => void;
  /** A sentence that stays: the picture was made to be Graphviz's. */
  lack: (sentence: string) => void;
}

/** The colours in a file, as in vmwidgets/views/scene/dot.py, and the page's colours for them. */
const COLOURS: Readonly<Record<string, string>> = {
  "#f6f8fa": "--vmw-card",
  "#7f8a97": "--vmw-line",
  "#0a7d50": "--vmw-new",
  "#c22f1e": "--vmw-error",
};

const OFFERED = "draw this picture with Graphviz";
const DRAWN = "drawn by Graphviz: back to the picture as it was";

/** Milliseconds after which a reader is told that the drawing is on its way: a busy kernel answers later. */
const PATIENCE = 600;

/** The most characters of a drawing to be saved (the same as in `vmwidgets/widgets/host/messages.py`). */
const MOST = 200_000;

export class Drawing {
  readonly press = html("button", "vmw-button", "Graphviz");
  readonly root = html("div", "vmw-graphviz");
  /** Our own picture, which is hidden while another one is shown. */
  private readonly own: SVGSVGElement;
  private readonly router: Router;
  private readonly calls: DrawingCalls;
  private on = false;
  /** Whether it is on whenever a kernel answers; and the text that came last. */
  private stays = false;
  private text: { shown: string; operation?: number | undefined; dot: string } = { shown: "", dot: "" };
  /** The picture on screen, whether a text of DOT is on its way, and whether Graphviz is at work. */
  private shown = "";
  private asked = false;
  private works = false;
  private when: When | null = null;
  private scene: Scene | null = null;
  private scale = 1;
  private selection = "";
  private said = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(own: SVGSVGElement, router: Router, calls: DrawingCalls) {
    this.own = own;
    this.router = router;
    this.calls = calls;
    this.root.hidden = true;
    this.press.type = "button";
    this.press.setAttribute("aria-label", OFFERED);
    this.offer();
    this.press.addEventListener("click", () => this.toggle(!this.on));
    this.root.addEventListener("click", (event) => {
      this.calls.act((event.target as Element).closest<SVGGElement>(".node")?.dataset.id ?? "");
    });
    router.join();
  }

  /** Notes that picture `seq` is on screen: the drawing follows it. */
  draw(seq: number, scene: Scene, when: When): void {
    this.shown = `${seq} ${when.place}`;
    this.scene = scene;
    this.when = when;
    this.scale = when.scale;
    if (this.on) this.need();
  }

  /**
   * Takes the DOT text of picture `seq` after this many events: an answer, which names its operation since the kernel
   * may have sent another picture meanwhile, or a text that comes before its picture.
   */
  take(seq: number, place: number, dot: string, operation?: number): void {
    const answers = this.asked;
    this.asked = false;
    this.text = { shown: `${seq} ${place}`, operation, dot };
    if (answers && this.on) this.need();
  }

  /** Draws from now on. */
  always(): void {
    if (this.stays) return;
    this.stays = true;
    this.toggle(true);
    if (!this.on) this.calls.lack(this.cannot);
  }

  /** Notes whether a kernel answers: without one, nobody sends the text of a step. */
  live(alive: boolean): void {
    if (!alive) this.toggle(false);
    else if (this.stays && !this.on) this.toggle(true);
  }

  /** Lays out a text for the kernel, which saves the drawing; what is on screen stays. */
  async layOut(key: number, dot: string): Promise<void> {
    const drawn = await this.router.ask(dot);
    if (drawn !== null && drawn.length <= MOST) this.calls.laid(key, drawn);
  }

  select(thing: string): void {
    this.selection = thing;
    this.mark();
  }

  /** Shows Graphviz's drawing from now on, or our own picture. */
  toggle(on: boolean): void {
    this.on = on && !this.router.why;
    this.asked = false;
    this.offer();
    this.wait(this.on);
    if (this.on) this.need();
    else this.clear();
  }

  private clear(): void {
    this.root.replaceChildren();
    this.swap(false);
  }

  /** Says that the drawing is on its way if it does not come soon, or stops saying so. */
  private wait(waits: boolean): void {
    clearTimeout(this.timer);
    if (waits) this.timer = setTimeout(() => this.explain(), PATIENCE);
    else if (this.said) this.say("");
  }

  /** The kernel sends Graphviz, and the picture's text for it; when both have come, Graphviz starts to work. */
  private explain(): void {
    if (this.asked || !this.router.ready) this.say("The Jupyter kernel sends Graphviz as soon as it is idle.");
  }

  private say(sentence: string): void {
    this.said = sentence !== "";
    this.calls.tell(sentence);
  }

  close(): void {
    clearTimeout(this.timer);
    this.on = false;
    this.router.leave();
  }

  /** Draws the picture on screen; what has come meanwhile is next, and only the newest of it counts. */
  private async need(): Promise<void> {
    const { shown, text, when } = this;
    if (text.shown !== shown || (text.operation ?? when?.number) !== when?.number) {
      if (this.asked || !when) return;
      this.asked = true;
      this.calls.ask();
      return;
    }
    if (this.works) return;
    this.works = true;
    const drawn = await this.router.ask(text.dot);
    this.works = false;
    if (!this.on) return;
    if (shown !== this.shown) this.need();
    else if (drawn !== null) this.show(drawn);
    else this.refuse(this.router.why);
  }

  private refuse(why: string): void {
    this.clear();
    if (why || !this.stays) this.toggle(false); // else it draws the next picture
    if (why && this.stays) this.calls.lack(this.cannot);
    else this.calls.tell(why ? this.cannot : "Graphviz can't draw this picture.");
  }

  private get cannot(): string {
    return `Graphviz can't run in this page: ${this.router.why}`;
  }

  private offer(): void {
    const { why } = this.router;
    this.press.disabled = Boolean(why);
    this.press.title = why ? this.cannot : this.on ? DRAWN : OFFERED;
    put(this.press, "aria-pressed", String(this.on));
  }

  private swap(drawn: boolean): void {
    this.root.hidden = !drawn;
    this.own.toggleAttribute("hidden", drawn);
  }

  private show(text: string): void {
    const { scene } = this;
    const svg = new DOMParser().parseFromString(text, "image/svg+xml").querySelector("svg");
    if (!svg || !scene) return;
    dressed(svg, scene);
    svg.style.maxWidth = `${Number.parseFloat(svg.getAttribute("viewBox")?.split(" ")[2] ?? "0") * this.scale}px`;
    this.root.replaceChildren(document.importNode(svg, true));
    this.mark();
    this.swap(true);
    this.wait(false);
  }

  private mark(): void {
    const things = new Map(this.scene?.nodes.map((node) => [node.id, node.thing]));
    for (const group of this.root.querySelectorAll<SVGGElement>(".node")) {
      const thing = things.get(group.dataset.id ?? "");
      group.classList.toggle("selected", Boolean(thing) && thing === this.selection);
    }
  }
}

/** Gives the parts of Graphviz's SVG the classes and colours that the style sheet knows. */
export function dressed(svg: Element, scene: Scene): void {
  put(svg, "class", "vmw-scene still");
  put(svg, "role", "img");
  put(svg, "aria-label", `${scene.title}, drawn by Graphviz`);
  for (const name of ["width", "height"]) svg.removeAttribute(name);
  const graph = svg.querySelector(".graph");
  if (!graph) return;
  graph.removeAttribute("id");
  for (const part of [...graph.children]) if (part.tagName !== "g") part.remove(); // its background and its name
  const nodes = new Map(scene.nodes.map((node) => [node.id, node]));
  for (const group of graph.children) {
    const node = group.classList.contains("node") ? nodes.get(group.id) : undefined;
    put(group, "data-id", group.id); // IDs are unique in the whole page
    group.removeAttribute("id");
    const title = group.querySelector("title");
    if (node?.title && title) title.textContent = node.title;
    else title?.remove();
    for (const link of group.querySelectorAll("g > a")) unlinked(link, nodes);
    const boxes = [...group.children].filter(({ tagName }) => tagName === "polygon" || tagName === "path");
    if (group.classList.contains("edge")) {
      for (const part of boxes) put(part, "class", part.tagName === "path" ? "line" : "arrow");
    } else if (boxes.length === 1 && node) put(boxes[0] as Element, "class", "shape");
    else for (const part of boxes) coloured(part); // a box with ports, or a cluster
  }
}

/** Makes a node from a row that is a link: a press does the same as elsewhere, and follows no link. */
function unlinked(link: Element, nodes: ReadonlyMap<string, SceneNode>): void {
  const row = link.parentElement as Element;
  const id = row.id.replace(/^a_/, ""); // Graphviz's mark of a link
  const node = nodes.get(id);
  row.removeAttribute("id");
  row.replaceChildren(...link.children);
  for (const part of row.querySelectorAll("polygon")) coloured(part);
  if (!node) return;
  put(row, "class", "node row");
  put(row, "data-id", id);
  const title = svg("title");
  title.textContent = node.title ?? "";
  row.prepend(title);
}

/** Gives elements with colours of their own the page's colours. */
function coloured(part: Element): void {
  for (const name of ["fill", "stroke"]) {
    const colour = COLOURS[part.getAttribute(name) ?? ""];
    if (colour) (part as SVGElement).style.setProperty(name, `var(${colour})`);
  }
}

// ---- router
// The page's side of Graphviz: one worker for all views, from code that is loaded when it is first needed.  If a worker
// can't run, pictures stay as they are.

/** The part of a Worker that `Router` needs. */
export interface Line {
  postMessage(question: Question): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Answer>) => unknown) | null;
  onerror?: ((event: ErrorEvent) => unknown) | null;
}

export class Router {
  private readonly code: () => Promise<string>;
  private readonly open: (code: string) => Line;
  private loading: Promise<void> | null = null;
  private text: string | null = null;
  private line: Line | null = null;
  /** Whether workers can run in this page, since one has answered; or how many have died before that. */
  private lives = false;
  private died = 0;
  private reason: string;
  private key = 0;
  private views = 0;
  /** The questions in the order in which the worker answers. */
  private readonly asked = new Map<number, (drawn: string | null) => void>();

  /**
   * `code` loads Graphviz's code, and `open` starts the worker: both are called at the first question.  `reason` says
   * why no question is possible in this page.
   */
  constructor(code: () => Promise<string>, open: (code: string) => Line, reason = "") {
    this.code = code;
    this.open = open;
    this.reason = reason;
  }

  /** The reason why Graphviz can't run in this page; "" if it can, or has not been tried yet. */
  get why(): string {
    return this.reason;
  }

  /** Whether Graphviz's code is here. */
  get ready(): boolean {
    return this.text !== null;
  }

  /** Notes that another view may ask. */
  join(): void {
    this.views++;
  }

  /** Ends the worker with the last view.  The code stays: the next question starts another worker. */
  leave(): void {
    if (--this.views === 0) this.end();
  }

  /** Notes that the hub is closed: no questions are asked any more. */
  close(): void {
    this.reason ||= "its Jupyter kernel is gone";
    this.end();
  }

  /** Returns Graphviz's drawing of a text; null if there is none: of this text, or ever (`why`). */
  async ask(dot: string): Promise<string | null> {
    if (this.text === null && !this.reason) {
      this.loading ??= this.load();
      await this.loading;
    }
    const line = this.worker();
    if (!line) return null;
    return new Promise((done) => {
      this.asked.set(++this.key, done);
      line.postMessage({ key: this.key, dot });
    });
  }

  private async load(): Promise<void> {
    try {
      this.text = await this.code();
    } catch (error) {
      this.reason = String(error);
    }
  }

  private worker(): Line | null {
    if (this.line || this.reason || this.text === null || !this.views) return this.line;
    try {
      this.line = this.open(this.text);
      this.line.onmessage = (event) => this.receive(event.data);
      this.line.onerror = (event) => this.lose(event.message);
    } catch (error) {
      this.never(error);
    }
    return this.line;
  }

  /**
   * Handles the worker's end.  It died of a question, and the next question starts another; a policy against workers
   * gives no words, and a second worker that dies without an answer has the reason of the first.
   */
  private lose(why: string): void {
    if (!this.lives && (!why || ++this.died > 1)) this.never(why || "its worker does not start");
    else this.end();
  }

  /** Notes that no worker will run in this page. */
  private never(why: unknown): void {
    this.reason = String(why);
    this.end();
  }

  private end(): void {
    this.line?.terminate();
    this.line = null;
    const asked = [...this.asked.values()];
    this.asked.clear();
    for (const refuse of asked) refuse(null);
  }

  private receive({ key, svg, error, dead }: Answer): void {
    if (dead !== undefined) {
      this.never(dead);
      return;
    }
    this.lives = true;
    if (svg === undefined) console.warn(`vmwidgets: Graphviz refused a picture: ${error}`);
    const answer = this.asked.get(key);
    this.asked.delete(key);
    answer?.(svg ?? null);
  }
}

/** The reason why a page can't run Graphviz, as far as it is known before a trial; "" if it may. */
export function reasonAgainst(page: { Worker?: unknown; WebAssembly?: unknown } = globalThis): string {
  if (!page.Worker) return "this page allows no workers";
  return page.WebAssembly ? "" : "this page has no WebAssembly";
}

/** Returns a Worker that runs `code`, the text of a module. */
export function openWorker(code: string): Worker {
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const revoke = (): void => URL.revokeObjectURL(address); // it holds the code
  try {
    const worker = new Worker(address, { type: "module" });
    for (const event of ["message", "error"]) worker.addEventListener(event, revoke, { once: true });
    return worker;
  } catch (error) {
    revoke();
    throw error;
  }
}
