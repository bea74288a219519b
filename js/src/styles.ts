// The style sheet, where a picture is: in the document, or in the shadow root into which a host puts its widgets
// (marimo). Its rules apply inside one class, whose name has the hash of the bundle: another version on the same page
// keeps its own rules.

/** The rules, each only for elements inside that class; no rule gets stronger. */
export function scoped(css: string, bundle: string): string {
  return css.replace(/\.(vmwidgets|vmw-scene)(?![\w-])/g, `.$1:where(.${bundle} *)`);
}

export class Styles {
  private readonly bundle: string;
  private css: string;
  private readonly uses = new Map<Document | ShadowRoot, number>();
  private sheet: CSSStyleSheet | null = null;

  /** `bundle` is the class. */
  constructor(css: string, bundle: string) {
    this.css = css;
    this.bundle = bundle;
  }

  /**
   * Styles the contents of `el` until `signal` says that it is gone: immediately, or as soon as `el` is on the page.
   */
  dress(el: HTMLElement, signal: AbortSignal): void {
    el.classList.add(this.bundle);
    const settle = (): void => {
      if (signal.aborted) return;
      if (el.isConnected) this.adopt(el.getRootNode() as Document | ShadowRoot, signal);
      else requestAnimationFrame(settle);
    };
    settle();
  }

  /** Adds rules, for everything that is or will be dressed. */
  add(css: string): void {
    this.css += css;
    this.sheet?.replaceSync(scoped(this.css, this.bundle));
  }

  private adopt(root: Document | ShadowRoot, signal: AbortSignal): void {
    const sheet = this.ready();
    const count = this.uses.get(root) ?? 0;
    this.uses.set(root, count + 1);
    if (count === 0) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    signal.addEventListener("abort", () => {
      const left = (this.uses.get(root) ?? 1) - 1;
      this.uses.set(root, left);
      if (left > 0) return;
      this.uses.delete(root);
      root.adoptedStyleSheets = root.adoptedStyleSheets.filter((other) => other !== sheet);
    });
  }

  private ready(): CSSStyleSheet {
    if (!this.sheet) {
      this.sheet = new CSSStyleSheet();
      this.sheet.replaceSync(scoped(this.css, this.bundle));
    }
    return this.sheet;
  }
}
