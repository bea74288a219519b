// Whether this browser can run the labs: if not, one sentence says so at once.  This is written into the lab's own page,
// before anything of JupyterLab's, which an old browser can't even read: so it is JavaScript as of 2009.

(function () {
  var LABS = " The labs to read work in this browser, too.";
  var NO_PYTHON =
    "Python can't start in this browser: it runs no WebAssembly, or no workers. Open this page in a current Firefox, " +
    "Chrome, Edge or Safari." + LABS;
  var NO_STORAGE =
    "The labs can't start here: this browser lets this page store nothing. Allow cookies and site data for this site, " +
    "and reload this page.";
  var OLD =
    "This browser is too old to run the labs. Update it, or open this page in a current Firefox, Chrome, Edge or Safari." +
    LABS;

  /** Whether a worker can be a module: a browser that does not know this never asks for the type. */
  function runsModules() {
    var asked = false;
    var options = {
      get type() {
        asked = true;
        return "module";
      },
    };
    try {
      new Worker(URL.createObjectURL(new Blob([""], { type: "text/javascript" })), options).terminate();
      return asked;
    } catch (error) {
      return false;
    }
  }

  /** What this browser lacks, in a sentence; "" if it has everything. */
  function lacking() {
    if (typeof WebAssembly !== "object" || typeof Worker !== "function") return NO_PYTHON;
    try {
      if (!window.localStorage || !window.indexedDB) return NO_STORAGE;
    } catch (error) {
      return NO_STORAGE; // asking is forbidden, too
    }
    var isNew = Array.prototype.at && Object.hasOwn && String.prototype.replaceAll && window.ResizeObserver;
    return isNew && runsModules() ? "" : OLD;
  }

  var words = lacking();
  window.vmwidgetsLacks = words; // starting.js has nothing to add then
  if (!words) return;
  var notice = document.createElement("div");
  notice.id = "vmwidgets-starting";
  notice.setAttribute("role", "alert");
  notice.style.cssText =
    "position: fixed; z-index: 10001; left: 12px; right: 12px; bottom: 32px; max-width: 700px; margin: 0 auto; " +
    "padding: 10px 16px; border: 2px solid gray; border-radius: 8px; background: white; color: black; " +
    "font: 14px sans-serif";
  notice.appendChild(document.createTextNode(words));
  document.body.appendChild(notice);
})();
