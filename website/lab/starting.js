// An extension of the site's JupyterLite: it says what happens until a notebook shows something, which takes up to a
// minute on a first visit, and it runs the notebook of a pasted text.  JupyterLite loads it as it loads each extension;
// it needs no shared module of JupyterLab's, so this file is all of it.

const RUNS = ["pasted.ipynb"];
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

/** Seconds after which Python is late, or may have stopped: a page is not told that its worker has crashed. */
const PATIENCE = 180;

/** Pixels of a telephone's window, at most. */
const NARROW = 640;

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
    this.close = document.createElement("button");
    this.close.textContent = "Close";
    this.close.style.cssText = "margin-left: 12px; cursor: pointer";
    this.close.addEventListener("click", () => this.hide());
    this.root.append(this.words, this.time, this.close, this.bar);
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
    return this.root.isConnected && this.words.textContent === words;
  }

  put() {
    if (!this.root.isConnected) document.body.append(this.root);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.begun = undefined;
    this.time.textContent = "";
  }

  hide() {
    this.stop();
    this.root.remove();
  }
}

/** Follows the kernel of one notebook until its first cells have run. */
function follow(app, panel, notice) {
  const context = panel.sessionContext;
  let state = "loading"; // then "ready" until a cell runs, "started" until the kernel is idle again, and "over"
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
      if (RUNS.includes(panel.context.path)) {
        app.shell.activateById(panel.id);
        app.commands.execute("notebook:run-all-cells");
      } else notice.say(READY);
    } else if (status === "idle" && state === "started" && !isRunning(panel)) {
      state = "over";
      notice.hide();
    }
  };

  context.iopubMessage.connect((_, message) => {
    if (state === "over") return;
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
      }
    };
    app.restored.then(() => {
      look();
      app.shell.layoutModified.connect(look);
    });
  },
};

window._JUPYTERLAB = window._JUPYTERLAB ?? {};
window._JUPYTERLAB["vmwidgets-starting"] = {
  init: async () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
