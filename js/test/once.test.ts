import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Figure } from "../src/figure.ts";
import { now, scene } from "./dom.ts";

function figure(where: Element): Figure {
  const made = new Figure({ send: () => {}, select: () => {} });
  where.append(made.root);
  return made;
}

let seq = 0;
function says(one: Figure, text: string, reason = ""): void {
  const caption = { text, reason, functions: [], tone: "good" };
  one.draw(++seq, { scene: scene([], [], { caption }), when: now });
}

/** The sentences that are in sight. */
function seen(one: Figure): string[] {
  const caption = one.root.querySelector(".vmw-caption") as HTMLElement;
  if (caption.classList.contains("vmw-said")) return [];
  const parts = [...caption.querySelectorAll(":scope > b, :scope > .vmw-reason")];
  return parts.filter((part) => !part.classList.contains("vmw-said")).map((part) => part.textContent ?? "");
}

function cell(): Element {
  const area = document.createElement("div");
  area.className = "jp-OutputArea";
  document.body.append(area);
  return area;
}

test("of several pictures of an output the first says what happened, the others what is their own", () => {
  const area = cell();
  const [first, second, third] = [figure(area), figure(area), figure(area)];
  says(first, "It mapped 16 KiB.", "It is new.");
  says(second, "It mapped 16 KiB.", "It is new.");
  says(third, "It mapped 16 KiB.", "The map has 2 entries.");
  assert.deepEqual(
    [seen(first), seen(second), seen(third)],
    [["It mapped 16 KiB.", "It is new."], [], ["The map has 2 entries."]],
  );
});

test("of a sentence that a picture has after its own, only its own is in sight", () => {
  const area = cell();
  const [first, second] = [figure(area), figure(area)];
  says(first, "It wrote 1 byte.");
  says(second, "3 descriptors are in use.", "4 tables are open. It wrote 1 byte.");
  const reason = second.root.querySelector(".vmw-reason") as HTMLElement;
  assert.equal(reason.querySelector(".vmw-said")?.textContent, "It wrote 1 byte.");
  assert.equal(reason.textContent, "4 tables are open. It wrote 1 byte.");
  says(second, "3 descriptors are in use.", "4 tables are open.");
  assert.equal(reason.querySelector(".vmw-said"), null);
});

test("an operation's sentences after a picture's own headline are not said again", () => {
  const area = cell();
  const [first, second, third] = [figure(area), figure(area), figure(area)];
  says(first, "It wrote 1 byte.", "A page was copied.");
  says(second, "2 tasks share 3 frames.", "It wrote 1 byte. A page was copied.");
  says(third, "Page 2 was evicted.", "It wrote 1 byte. A page was copied. The hand is at page 3.");
  assert.deepEqual(seen(second), ["2 tasks share 3 frames."]);
  const reason = third.root.querySelector(".vmw-reason") as HTMLElement;
  const hidden = [...reason.querySelectorAll(".vmw-said")].map((part) => part.textContent);
  assert.equal(hidden.join(" "), "It wrote 1 byte. A page was copied.");
  assert.equal(reason.textContent, "It wrote 1 byte. A page was copied. The hand is at page 3.");
});

test("another cell, and a picture at another moment, say their own", () => {
  const area = cell();
  const [first, second, other] = [figure(area), figure(area), figure(cell())];
  for (const one of [first, second, other]) says(one, "It wrote 1 byte.");
  assert.deepEqual([seen(second), seen(other)], [[], ["It wrote 1 byte.", ""]]);
  says(second, "The access faults."); // it stepped back
  assert.deepEqual(seen(second), ["The access faults.", ""]);
  says(first, "The access faults."); // and the first one after it
  assert.deepEqual(seen(second), []);
});

test("an output inside an output is a part of the cell; behind tabs each picture says its own", () => {
  const area = cell();
  const inner = document.createElement("div");
  inner.className = "jp-OutputArea";
  const tabs = document.createElement("div");
  tabs.className = "jupyter-widget-tab";
  area.append(inner, tabs);
  const [first, second, third] = [figure(inner), figure(area), figure(tabs)];
  for (const one of [first, second, third]) says(one, "It wrote 1 byte.");
  assert.deepEqual([seen(first).length, seen(second), seen(third).length], [2, [], 2]);
});
