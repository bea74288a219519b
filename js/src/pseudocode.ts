// The actions of kernel functions, in ten lines each, by name: the build inserts the package's texts.

declare const TEXTS: Readonly<Record<string, string>>;

export const PSEUDOCODE: Readonly<Record<string, string>> = typeof TEXTS === "undefined" ? {} : TEXTS;
