// An extension of the site's JupyterLite: it says what happens until a notebook shows something, which takes up to a
// minute on a first visit, it runs the notebook of a pasted text, and opens the code of a link.  JupyterLite loads it as
// it loads each extension; it needs no shared module of JupyterLab's, so this file is all of it.

const RUNS = ["pasted.ipynb"];

/** What begins the code of a link in the address, as `vmwidgets link` writes it. */
const LINK = "#code=";

/** The notebook that the code of a link is put into, and the cell of it that the code stands for. */
const TEMPLATE = "link.ipynb";
const PLACE = "linked";

/** Characters of a link's code, bytes of the code itself, and what begins another cell: as vmwidgets/cli/link.py has them. */
const MOST = 8 * 1024;
const MOST_TEXT = 64 * 1024;
const CELL = /^# %%.*$/m;

const TOO_LONG = "The code of this link is too long, so it is not opened: ask for the file.";
const CUT = "This link is cut or was changed, so its code is not opened: ask for it again, and copy all of it.";
const FAILED = "The code of this link could not be opened: reload this page.";
const OLDER = "This browser is too old to open the code of a link: update it, or use another one.";
const NO_PYTHON = "The code of this link is not Python, so it was left out: ask for the link again.";

/** The address before JupyterLab changes it. */
let linked = location.hash.startsWith(LINK) ? location.hash.slice(LINK.length) : "";
const STEPS = {
  loading: [1, "Python is loading in this page. On a first visit that takes up to a minute."],
  installing: [2, "Python is here. vmwidgets is being installed in this page."],
  running: [3, "The cells are running."],
};
const READY = "Python is ready. Press ▶▶ above to run all cells, or Shift and Enter to run one.";
const LATE =
  "Python has not started yet. On a slow network, wait. If this page was loaded quickly, reload it, or open it in " +
  "another browser.";
const DEAD = "Python has stopped. Reload this page, and run the cells again. What is on the page stays until then.";

const LONG =
  "This has run for three minutes. If it takes longer than you expect, Python may have stopped: choose Restart Kernel " +
  "in the menu Kernel, and run the cells again. What is on the page stays until then.";

const FULL =
  "This browser's storage is full, or refused to this page, so the lab may not open, and can't be saved. Make room on the " +
  "disk, or allow site data for this site, and reload this page.";
const UNSAVED =
  "This was not saved: the browser's storage is full, or refused to this page. What you did is on this page only, so " +
  "download it before you close the page.";

const TWICE =
  "This notebook is open in another tab, too. Work in one of the two: they don't show each other's changes, and the one " +
  "that saves second is asked which of the two to keep.";

/** Bytes that are stored to see whether there is room: as many as a lab with its pictures has. */
const ROOM = 1_000_000;

/** Seconds after which Python is late, or may have stopped: a page is not told that its worker has crashed. */
const PATIENCE = 180;

/** Pixels of a telephone's window, at most. */
const NARROW = 640;

/** A button of the notice. */
function button(name, press) {
  const made = document.createElement("button");
  made.textContent = name;
  made.style.cssText = "margin-left: 12px; cursor: pointer";
  made.addEventListener("click", press);
  return made;
}

/** Whether this browser stores what a lab needs: it is tried, since a browser's own figures are guesses. */
async function hasRoom() {
  const done = (asked, good, bad) =>
    new Promise((resolve, reject) => {
      asked[good] = () => resolve(asked.result);
      asked[bad] = () => reject(asked.error);
    });
  const name = "vmwidgets-room";
  let base;
  try {
    const asked = indexedDB.open(name);
    asked.onupgradeneeded = () => asked.result.createObjectStore("tried");
    base = await done(asked, "onsuccess", "onerror");
    const writing = base.transaction("tried", "readwrite");
    writing.objectStore("tried").put(new Uint8Array(ROOM), "room");
    await done(writing, "oncomplete", "onabort");
    return true;
  } catch {
    return false;
  } finally {
    base?.close();
    if (base) indexedDB.deleteDatabase(name);
  }
}

/** Hands a notebook out as it is on the page. */
function download(panel) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(panel.content.model.toJSON(), null, 1)]));
  link.download = panel.context.path.split("/").pop();
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Says when a notebook could not be saved for lack of room; a save that was refused for a conflict is JupyterLab's to say. */
function followSaving(panel, notice) {
  panel.context.saveState.connect(async (_, state) => {
    if (state === "completed") notice.calm(UNSAVED);
    if (state === "failed" && !(await hasRoom())) notice.warn(UNSAVED, "Download", () => download(panel));
  });
}

/** Says that another tab has the same notebook open, until that one is closed: a tab holds a lock of the notebook's name. */
function followTabs(panel, notice) {
  const name = `vmwidgets:${new URL(".", location.href).pathname}${panel.context.path}`;
  const closed = new Promise((resolve) => panel.disposed.connect(() => resolve()));
  closed.then(() => notice.calm(TWICE));
  navigator.locks?.request(name, { ifAvailable: true }, (lock) => {
    if (lock) return closed;
    notice.warn(TWICE);
    navigator.locks.request(name, () => {
      notice.calm(TWICE);
      return closed;
    });
  });
}

/** The words at the bottom of the page. */
class Notice {
  constructor() {
    this.root = document.createElement("div");
    this.root.id = "vmwidgets-starting";
    this.root.style.cssText =
      "position: fixed; z-index: 20; left: 50%; bottom: 32px; transform: translateX(-50%); box-sizing: border-box; " +
      "width: max-content; max-width: calc(100vw - 24px); padding: 10px 16px; border-radius: 8px; " +
      "border: 2px solid var(--jp-brand-color1, gray); background: var(--jp-layout-color1, white); " +
      "color: var(--jp-content-font-color1, black); " + // JupyterLab's colours come with it
      "font-size: var(--jp-content-font-size1); box-shadow: var(--jp-elevation-z6)";
    this.bar = document.createElement("progress");
    this.bar.max = Object.keys(STEPS).length + 1;
    this.bar.style.cssText = "width: 100%; margin: 6px 0 0";
    this.bar.setAttribute("aria-label", "until the first picture");
    this.words = document.createElement("span");
    this.words.setAttribute("role", "status");
    this.time = document.createElement("span"); // no status: a screen reader need not hear each second
    this.now = document.createElement("div");
    this.now.append(this.words, this.time, button("Close", () => this.hide()), this.bar);
    this.now.hidden = true;
    this.warning = document.createElement("div");
    this.warning.setAttribute("role", "alert");
    this.warned = "";
    this.root.append(this.warning, this.now);
    this.step = "";
  }

  /** Shows a step of the start; the seconds count from the first one on. */
  show(step) {
    if (this.step === step) return;
    this.step = step;
    const [number, words] = STEPS[step];
    this.words.textContent = `${number} of ${Object.keys(STEPS).length}: ${words}`;
    this.bar.value = number;
    this.bar.hidden = false;
    this.put();
    this.begun ??= Date.now();
    this.timer ??= setInterval(() => {
      const seconds = Math.round((Date.now() - this.begun) / 1000);
      this.time.textContent = ` ${seconds} s`;
      const isLate = seconds >= PATIENCE && this.step === "loading";
      if (isLate && this.words.textContent !== LATE) this.words.textContent = LATE;
    }, 1000);
  }

  /** Shows a sentence that stays. */
  say(words) {
    this.stop();
    this.step = "";
    this.words.textContent = words;
    this.bar.hidden = true;
    this.put();
  }

  says(words) {
    return !this.now.hidden && this.words.textContent === words;
  }

  put() {
    this.now.hidden = false;
    if (!this.root.isConnected) document.body.append(this.root);
  }

  /** Shows a warning above the rest until it is closed, with a button that does something about it. */
  warn(words, name = "", press = () => {}) {
    this.warned = words;
    const close = button("Close", () => this.calm(words));
    this.warning.replaceChildren(words, ...(name ? [button(name, press), close] : [close]));
    if (!this.root.isConnected) document.body.append(this.root);
  }

  /** Takes a warning away: it is over. */
  calm(words) {
    if (this.warned !== words) return;
    this.warned = "";
    this.warning.replaceChildren();
    if (this.now.hidden) this.root.remove();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.begun = undefined;
    this.time.textContent = "";
  }

  hide() {
    this.stop();
    this.now.hidden = true;
    if (!this.warned) this.root.remove();
  }
}

/** The code that a link holds; throws a sentence where it holds none. */
async function unpacked(code) {
  if (typeof DecompressionStream === "undefined") throw OLDER;
  if (code.length > MOST) throw TOO_LONG;
  let text = "";
  let size = 0;
  try {
    const bytes = Uint8Array.from(atob(code.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    const words = new TextDecoder("utf-8", { fatal: true });
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      size += part.value.length;
      if (size > MOST_TEXT) break; // a few bytes may hold any number of the same
      text += words.decode(part.value, { stream: true });
    }
    if (size <= MOST_TEXT) text += words.decode();
    else reader.cancel();
  } catch {
    throw CUT;
  }
  if (size > MOST_TEXT) throw TOO_LONG;
  if (!text.trim()) throw CUT;
  return text;
}

/** A name for what a link holds: the same link opens the same notebook, with what its reader did there. */
function nameOf(code) {
  let hash = 0x811c9dc5; // FNV-1a
  for (const sign of code) hash = Math.imul(hash ^ sign.codePointAt(0), 0x01000193) >>> 0;
  return `link-${hash.toString(16).padStart(8, "0")}.ipynb`;
}

/** The notebooks of links that were opened, and their code, until Python has looked at it. */
const unread = new Map();

/** Opens the code of a link in a notebook of its own; nothing of it runs. */
async function openLink(app, notice, code) {
  try {
    const text = await unpacked(code);
    const contents = app.serviceManager.contents;
    const path = nameOf(code);
    const { content: there } = await contents.get("", { content: true });
    if (!there.some((one) => one.name === path)) {
      const { content } = await contents.get(TEMPLATE, { content: true });
      const place = content.cells.findIndex((cell) => cell.id === PLACE);
      const made = text.split(CELL).map((one) => one.trim());
      const cells = made.filter(Boolean).map((source, number) => ({
        ...content.cells[place], source, id: `${PLACE}-${number}`,
      }));
      content.cells.splice(place, 1, ...cells);
      await contents.save(path, { type: "notebook", format: "json", content });
      unread.set(path, text);
    }
    await app.commands.execute("docmanager:open", { path, factory: "Notebook" });
  } catch (refused) {
    notice.warn(typeof refused === "string" ? refused : FAILED);
  }
}

/** Lets Python read the code of a link, which runs nothing of it; what is no Python is taken out of the notebook. */
async function readLinked(app, panel, notice) {
  const path = panel.context.path;
  const text = unread.get(path);
  const kernel = panel.sessionContext.session.kernel;
  unread.delete(path);
  const code = `import ast\ntry:\n    ast.parse(${JSON.stringify(text)})\nexcept Exception:\n    print("no")\ndel ast`;
  const asked = kernel.requestExecute({ code, silent: true, store_history: false });
  asked.onIOPub = (message) => {
    if (message.header.msg_type !== "stream" || !message.content.text.startsWith("no")) return;
    for (const cell of panel.content.model.cells) {
      if (cell.id.startsWith(PLACE)) cell.sharedModel.setSource("");
    }
    app.serviceManager.contents.delete(path).catch(() => {});
    notice.warn(NO_PYTHON);
  };
  await asked.done;
}

/** Follows the kernel of one notebook until its first cells have run. */
function follow(app, panel, notice) {
  const context = panel.sessionContext;
  let state = "loading"; // then "reading" for the code of a link, "ready" until a cell runs, "started" until the kernel is idle again, and "over"
  notice.show("loading");

  let patience;
  const wait = (status) => {
    clearTimeout(patience);
    if (status === "busy") patience = setTimeout(() => notice.say(LONG), 1000 * PATIENCE);
    else if (notice.says(LONG)) notice.hide();
  };

  const settle = () => {
    const status = context.session?.kernel?.status;
    wait(status);
    if (status === "dead") notice.say(DEAD);
    else if (status === "idle" && state === "loading") {
      state = "ready";
      if (unread.has(context.path)) {
        state = "reading"; // Python, and not a cell
        readLinked(app, panel, notice).finally(() => {
          state = "ready";
          notice.say(READY);
        });
      } else if (RUNS.includes(panel.context.path)) {
        app.shell.activateById(panel.id);
        app.commands.execute("notebook:run-all-cells");
      } else notice.say(READY);
    } else if (status === "idle" && state === "started" && !isRunning(panel)) {
      state = "over";
      notice.hide();
    }
  };

  context.iopubMessage.connect((_, message) => {
    if (state === "over" || state === "reading") return;
    if (message.header.msg_type === "execute_input") {
      state = "started";
      notice.show(/^\s*%pip install/.test(message.content.code) ? "installing" : "running");
    } else if (message.header.msg_type === "error") {
      state = "over"; // the notebook says it
      notice.hide();
    }
  });
  context.statusChanged.connect(settle);
  context.kernelChanged.connect(settle);
  panel.disposed.connect(() => {
    clearTimeout(patience);
    if (state !== "over" || notice.says(LONG)) notice.hide();
  });
  settle();
}

/** Whether a cell of a notebook still runs or waits: between two cells the kernel is idle, too. */
function isRunning(panel) {
  return panel.content.widgets.some((cell) => cell.model.executionState === "running");
}

/** On a telephone the list of files, which JupyterLab shows with the first notebook, leaves no room for it. */
function giveRoom(app) {
  if (innerWidth < NARROW && !app.shell.leftCollapsed) app.shell.collapseLeft?.();
}

const plugin = {
  id: "vmwidgets-starting:plugin",
  autoStart: true,
  activate: (app) => {
    if (window.vmwidgetsLacks) return; // checking.js has said it
    const followed = new WeakSet();
    const notice = new Notice();
    hasRoom().then((has) => has || notice.warn(FULL));
    let touched = false; // who opens the list wants to see it
    addEventListener("pointerdown", () => (touched = true), { capture: true, once: true });
    addEventListener("keydown", () => (touched = true), { capture: true, once: true });
    const look = () => {
      if (!touched) giveRoom(app); // JupyterLab may open it after the notebook
      for (const panel of app.shell.widgets("main")) {
        if (!panel.sessionContext || !panel.content?.model || followed.has(panel)) continue;
        followed.add(panel);
        follow(app, panel, notice);
        panel.context.ready.then(() => giveRoom(app));
        if (followed.has(panel.context)) continue; // a second view of the same notebook
        followed.add(panel.context);
        followSaving(panel, notice);
        followTabs(panel, notice);
      }
    };
    const open = () => {
      const code = linked;
      linked = "";
      if (code) openLink(app, notice, code);
    };
    addEventListener("hashchange", () => {
      if (location.hash.startsWith(LINK)) linked = location.hash.slice(LINK.length);
      open();
    });
    app.restored.then(() => {
      look();
      open();
      app.shell.layoutModified.connect(look);
    });
  },
};

window._JUPYTERLAB = window._JUPYTERLAB ?? {};
window._JUPYTERLAB["vmwidgets-starting"] = {
  init: async () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
