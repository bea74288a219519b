// A drawing as an image that looks as it does on its page: each element carries the style that it has there.

/** The properties that style sheets set for elements of a drawing. */
const STYLED = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "opacity",
  "display",
  "visibility",
  "rx",
  "font-family",
  "font-size",
  "font-style",
  "font-weight",
  "letter-spacing",
  "text-decoration-line",
  "white-space",
];

/** Pixels of the image for each pixel of the drawing; and the most pixels in one direction. */
const SHARP = 2;
const MOST = 12_000;

/** Returns the drawing as a document of its own, on the background that it has on its page. */
export function standalone(drawing: SVGSVGElement): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const [own, made] = [drawing, copy].map((root) => [root, ...root.querySelectorAll<SVGElement>("*")]);
  own?.forEach((element, index) => {
    const style = getComputedStyle(element);
    const target = made?.[index] as SVGElement;
    const { transform } = (element as SVGElement).style;
    const said = STYLED.map((name) => `${name}:${style.getPropertyValue(name)}`);
    target.setAttribute("style", [...said, ...(transform ? [`transform:${transform}`] : [])].join(";"));
    for (const name of ["class", "tabindex", "role"]) target.removeAttribute(name);
  });
  const [, , width = "1", height = "1"] = (drawing.getAttribute("viewBox") ?? "").split(" ");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  for (const light of copy.querySelectorAll("[data-light]")) light.remove();
  return new XMLSerializer().serializeToString(copy);
}

/** Returns the drawing as a PNG. */
export async function png(drawing: SVGSVGElement): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(drawing))}`;
  await image.decode();
  const scale = Math.min(SHARP, MOST / Math.max(image.width, image.height, 1));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(image.width * scale);
  canvas.height = Math.ceil(image.height * scale);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("there is no canvas");
  context.fillStyle = getComputedStyle(drawing).getPropertyValue("--vmw-bg").trim() || "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, failed) => {
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("the image is too large"))), "image/png");
  });
}
