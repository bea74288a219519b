// Connects a view's model with a figure on the page: frames, selection and status, hello when it is drawn, bye when it
// is removed.

import { Figure } from "./figure.ts";
import { type Company, companyOf, Reel, textOf } from "./film.ts";
import {
  found,
  hear,
  hideTwin,
  isExported,
  LIVE,
  type Model,
  markTwins,
  type RenderArguments,
  type SelectionModel,
  type ViewTraits,
} from "./host.ts";
import { Room } from "./room.ts";
import type { Heard, Request } from "./wire.ts";

const EXPORTED = "This page has no kernel: step it in the notebook.";

let pages = 0;
const thisPage = Math.random().toString(36).slice(2, 8);

/** Draws the view in `el` until `signal` says that it is gone: with the figure, which waits for its controls. */
export async function mount({ model, el, signal, host }: RenderArguments): Promise<Figure | null> {
  await hear(model.widget_manager, model.get("twin_id"));
  const whole = await found(model.widget_manager?.get_model(model.get("twin_id")));
  const shared = async (): Promise<SelectionModel | undefined> => {
    const id = model.get("selection_model");
    await hear(model.widget_manager, id);
    const brought = await found(host?.getModel(`anywidget:${id}`));
    return id === model.get("selection_model") ? brought : shared(); // the kernel has made another meanwhile
  };
  let selection = await shared();
  if (signal.aborted) return null;
  const page = `${thisPage}-${++pages}`;
  let live = whole?.comm_live ?? true; // a view that is created again, or moved, may find its kernel restarted
  const send = (request: Request): void => {
    if (!live) return;
    reel.asks(request);
    model.send({ page, ...request });
  };
  let chose = false; // it is selected here, but Python may not have accepted it
  const refused = (reason: string): void => {
    if (chose) figure.tell(reason);
    chose = false;
  };
  const choose = (thing: string): void => {
    if (!live)
      figure.select(thing); // in this picture: the others are not informed
    else if (selection) {
      chose = true;
      select(selection, thing);
    } else figure.tell("The selection can't be shared with this Jupyter kernel's pictures: run this cell again.");
  };
  const reel: Reel = new Reel({
    draw: (seq, picture) => figure.draw(seq, picture),
    filmed: (has) => figure.filmed(has),
    lost: () => hello(-1),
    send,
  });
  signal.addEventListener("abort", () => reel.leave());
  const step = (operation: number, place: number): boolean => reel.go(operation, place);
  const figure: Figure = new Figure({ send, select: choose, step });
  signal.addEventListener("abort", () => figure.close());
  const area = el.closest(".jp-OutputArea");
  const notebook = el.closest(".jp-Notebook");
  el.dataset.vmwidgetsView = model.get("twin_id");
  el.append(hideTwin(model.get("twin_id"), area !== null), figure.root);
  document.dispatchEvent(new CustomEvent(LIVE, { detail: model.get("twin_id") }));

  let nth = 0; // a kernel may receive the first of these after later ones
  let visible = true; // as Python assumes
  const hello = (seq = figure.shown): void => {
    const [width, height] = room.told;
    send({ type: "hello", seq, visible, width, height, nth: ++nth });
  };
  const room: Room = new Room(
    el,
    (width) => {
      figure.measured(width);
      if (nth) hello(); // otherwise the first one is yet to come
    },
    signal,
  );
  let closed = false;
  model.on("comm:close", () => {
    closed = true;
  });
  const be = (alive: boolean, sentence: string): void => {
    live = alive;
    figure.live(alive, sentence);
    if (!alive) return;
    reel.heard(); // the messages to the previous kernel
    hello();
  };
  const restarted = (): void => be(false, "kernel restarted: run all");
  model.on("comm_live_update", () => {
    if (whole?.comm_live ?? true) be(true, "");
    else restarted();
  });
  const gone = (): void => be(false, "The Jupyter kernel of this picture is gone: start one, and run all.");
  const kernel = model.widget_manager?.kernel;
  kernel?.disposed?.connect(gone);
  signal.addEventListener("abort", () => kernel?.disposed?.disconnect(gone));
  const meet = (): void => {
    const machine = model.get("selection_model");
    reel.join(companyOf(machine));
    figure.with("meet", (controls) => controls.meet?.(machine));
  };
  meet();
  follow(model, figure, reel);
  listen(model, figure, reel, hello, page);
  let changes = 0;
  model.on("change:selection_model", async () => {
    meet();
    const change = ++changes;
    const another = await shared(); // the first one is gone: the kernel has made another
    if (change !== changes || signal.aborted) return; // a newer change brings it, or nobody is looking
    selection = another;
    if (selection) share(selection, figure, companyOf(model.get("selection_model")), refused, signal);
  });
  if (isExported()) be(false, EXPORTED);
  else if (live) hello();
  else restarted();
  if (selection) share(selection, figure, companyOf(model.get("selection_model")), refused, signal);
  const origin = model.get("origin");
  figure.with("arrive", (controls) => controls.arrive?.(model.get("twin_id"), origin));
  watch(figure, signal, (seen) => {
    if (seen === visible) return;
    visible = seen;
    hello();
    reel.see(seen);
  });
  // A page that is closed or reloaded runs no cleanup of its pictures; a page that the browser kept may come back.
  addEventListener("pagehide", () => goodbye(model, page, false), { signal });
  addEventListener("pageshow", (event) => event.persisted && hello(), { signal });
  // A page out of sight is silent: after a while, Python stops drawing for it, and draws the newest picture when it is
  // back.
  const beat = (): void => {
    if (!document.hidden) hello();
  };
  const beats = setInterval(beat, BEAT);
  document.addEventListener("visibilitychange", beat, { signal });
  signal.addEventListener("abort", () => {
    clearInterval(beats);
    if (closed) markTwins(area ?? document.body, model.get("twin_id"), "no longer live: run this cell again");
    // A cleared output leaves its notebook on the page; a closed notebook removes both.
    setTimeout(() => goodbye(model, page, notebook?.isConnected ?? false));
  });
  return figure;
}

function goodbye(model: Model<ViewTraits>, page: string, cleared: boolean): void {
  try {
    model.send({ type: "bye", page, cleared });
  } catch {
    // The kernel or the model is gone, so no message can be sent to it.
  }
}

/**
 * Milliseconds between two hellos; vmwidgets/widgets/host/silence.py says after how long a silence a page counts as
 * gone.
 */
const BEAT = 60_000;

function follow(model: Model<ViewTraits>, figure: Figure, reel: Reel): void {
  const take = (frame: ViewTraits["frame"]): void => {
    try {
      reel.take({ frame, film: model.get("film"), spot: model.get("spot") });
    } catch (error) {
      figure.tell(`Picture ${model.get("frame").seq} could not be drawn: ${error}`);
    }
  };
  const draw = (): void => {
    const frame = model.get("frame");
    const { seq = 0, place = 0, dot } = frame;
    if (dot) {
      const text = textOf(dot);
      figure.with("lay", (controls) => controls.lay?.(seq, place, text));
    }
    take(frame);
    reel.heard();
  };
  const pace = new Pace(draw, () => figure.controls?.dragged ?? Number.NEGATIVE_INFINITY);
  model.on("change:frame", () => {
    figure.controls?.arrived();
    pace.come();
  });
  model.on("change:film", () => take({})); // a frame keeps its own time
  model.on("change:spot", () => {
    take({});
    reel.heard();
  });
  draw();
}

function listen(model: Model<ViewTraits>, figure: Figure, reel: Reel, hello: () => void, page: string): void {
  const place = (): void => figure.place([model.get("origin"), model.get("status")]);
  model.on("change:origin", place);
  model.on("change:status", place);
  model.on("msg:custom", (reply: Heard, buffers?: DataView[]) => {
    if (reply.page !== undefined && reply.page !== page) return; // another view has asked
    if (reply.type === "refused") figure.tell(reply.reason);
    else if (reply.type === "who") hello();
    else {
      const text = buffers?.[0] && textOf(buffers[0]);
      const kind = reply.type === "layout" ? `${reply.type} ${reply.key}` : reply.type; // several may wait
      figure.with(kind, (controls) => controls.hear?.(reply, text));
    }
    if (reply.type !== "refused" && reply.type !== "unchanged") return;
    reel.heard();
    figure.controls?.answered();
  });
  place();
}

/** The distance from the window within which a picture is kept up to date: a reader who scrolls finds it drawn. */
const NEAR = "50% 0px";

/** Reports whether the picture is in the window, now and when that changes: out of sight, it is not drawn. */
function watch(figure: Figure, signal: AbortSignal, say: (visible: boolean) => void): void {
  const observer = new IntersectionObserver((entries) => say(entries.at(-1)?.isIntersecting ?? true), {
    rootMargin: NEAR,
  });
  observer.observe(figure.root);
  signal.addEventListener("abort", () => observer.disconnect());
}

/** Follows the state that the pictures of a machine share; `refused` is told why Python refused a selection. */
function share(
  selection: SelectionModel,
  figure: Figure,
  company: Company,
  refused: (reason: string) => void,
  signal: AbortSignal,
): void {
  const show = (): void => figure.select(selection.get("selection"));
  const reach = (): void => {
    timer = undefined;
    figure.reach(...selection.get("reached"));
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const know = (): void => {
    [company.latest] = selection.get("reached");
    timer ??= setTimeout(reach, SOON); // nearly always, a picture follows immediately: both are painted at once
  };
  const heard: Record<string, (reply: Heard) => void> = {
    "change:selection": show,
    "change:reached": know,
    "msg:custom": (reply) => reply.type === "refused" && refused(reply.reason),
  };
  for (const [event, hear] of Object.entries(heard)) selection.on(event, hear);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    for (const [event, hear] of Object.entries(heard)) selection.off(event, hear);
  });
  show();
  [company.latest] = selection.get("reached");
  reach();
}

/** Milliseconds for which the controls wait for the picture of an operation. */
const SOON = 60;

function select(selection: SelectionModel, thing: string): void {
  if (selection.get("selection") === thing) return;
  selection.set("selection", thing); // all views follow now, and Python when it is idle
  selection.save_changes();
}

// ---- pace
// The time at which a picture that has come is drawn: immediately, but never faster than the screen.  While the slider
// is dragged, its mark and headline come first: a picture takes the page longer than both, and the dragged slider must
// not stick.

/**
 * Milliseconds: a picture that comes sooner than this after a drawing waits for the screen's next frame, and then only
 * the newest is drawn.
 */
const FRAME = 16;

/** Milliseconds between two pictures of a drag. */
export const BETWEEN = 120;

/**
 * Milliseconds after a move of the slider in which its mark may not be on the screen yet, and the next move is likely.
 */
const SEEN = 50;

export class Pace {
  private readonly draw: () => void;
  private readonly dragged: () => number;
  private readonly clock: () => number;
  private waits = false;
  private drawn = Number.NEGATIVE_INFINITY;

  /** `draw` draws the newest picture; `dragged` returns the time when the slider was moved last. */
  constructor(draw: () => void, dragged: () => number, clock = () => performance.now()) {
    this.draw = draw;
    this.dragged = dragged;
    this.clock = clock;
  }

  /** Notes that another picture has come.  If one is waiting already, the newest is drawn instead. */
  come(): void {
    if (this.waits) return;
    const now = this.clock();
    // A hidden page gets no animation frames, and must not fall behind forever.
    const [moved, drawn] = [now - this.dragged(), now - this.drawn];
    if (document.hidden) this.go();
    else if (moved < SEEN) {
      this.waits = true;
      const settled = (): void => {
        this.go();
        void document.body.offsetHeight; // laid out now, so that the next frame, which may have a mark, only paints
      };
      setTimeout(() => requestAnimationFrame(() => setTimeout(settled)), BETWEEN - drawn);
    } else if (drawn > FRAME) this.go();
    else {
      this.waits = true;
      requestAnimationFrame(() => this.go());
    }
  }

  private go(): void {
    this.waits = false;
    this.draw();
    this.drawn = this.clock();
  }
}
