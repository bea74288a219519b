// The letters that pictures are drawn in.  They come with the controls, after the first picture: until then, and on a
// page that has none, the page's own letters are there.

/** The faces, each with its weights and its file in base 64; the build inserts them. */
declare const FACES: readonly (readonly [family: string, weight: string, file: string])[];

/** What a page's pictures hear when it has the letters: widths that were measured before are those of others. */
export const LETTERS = "vmwidgets-letters";

declare global {
  interface Document {
    /** Whether the letters are there, for all bundles of a page; false while they come. */
    [LETTERS]?: boolean;
  }
}

/** Gives the letters to the page, unless another part of it has done so. */
export async function bringLetters(): Promise<void> {
  if (typeof FACES === "undefined" || !document.fonts || LETTERS in document) return;
  document[LETTERS] = false;
  const faces = FACES.map(([family, weight, file]) => {
    const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0));
    return new FontFace(family, bytes, { weight });
  });
  for (const face of faces) document.fonts.add(face);
  await Promise.allSettled(faces.map((face) => face.load()));
  document[LETTERS] = true;
  document.dispatchEvent(new Event(LETTERS));
}

/** Calls `tell` when the page gets the letters, unless it has them, until `signal` says that nobody waits for them. */
export function onLetters(tell: () => void, signal: AbortSignal): void {
  if (!document[LETTERS]) document.addEventListener(LETTERS, tell, { once: true, signal });
}
