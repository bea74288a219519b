// What kernel functions do, in ten lines each, by name: the build puts the package's texts in.

declare const TEXTS: Readonly<Record<string, string>>;

export const PSEUDOCODE: Readonly<Record<string, string>> = typeof TEXTS === "undefined" ? {} : TEXTS;
