import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import answer, { type AnswerTraits } from "../src/answer.ts";
import type { Model } from "../src/host.ts";

function shown(more: Partial<AnswerTraits> = {}) {
  const asked = { own_id: "one", question: "Which?", options: [], hint: "a number", unsure: "I don't know" };
  const said = {
    given: "",
    reasons: false,
    because: "",
    asks_why: false,
    asks_missed: false,
    missed: "",
    status: "",
    another: {},
  };
  const traits: AnswerTraits = { ...asked, ...said, ...more };
  const sent: unknown[] = [];
  const listeners = new Map<string, () => void>();
  const model = {
    get: (name: keyof AnswerTraits) => traits[name],
    on: (event: string, callback: () => void) => listeners.set(event, callback),
    off: (event: string) => listeners.delete(event),
    send: (content: unknown) => sent.push(content),
  } as unknown as Model<AnswerTraits>;
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const close = answer.render({ model, el });
  const press = () => el.querySelector("button")?.click();
  return { traits, sent, listeners, el, close, press };
}

test("a choice is sent with the press, and not before", () => {
  const { el, sent, press } = shown({ options: ["low", "high"] });
  const [low, high] = el.querySelectorAll("input");
  low?.click();
  high?.click();
  assert.deepEqual(sent, []);
  press();
  assert.deepEqual(sent, [{ type: "answer", value: "high", because: "" }]);
});

test("without a choice, nothing is sent as nothing", () => {
  const { sent, press } = shown({ options: ["low", "high"] });
  press();
  assert.deepEqual(sent, [{ type: "answer", value: "", because: "" }]);
});

test("Enter in a field answers, and the notebook does not hear its keys", () => {
  const { el, sent } = shown();
  const field = el.querySelector("input") as HTMLInputElement;
  let heard = 0;
  el.addEventListener("keydown", () => heard++);
  field.value = "3";
  field.dispatchEvent(new window.KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  assert.deepEqual(sent, [{ type: "answer", value: "3", because: "" }]);
  assert.equal(heard, 0);
});

test("what was given is marked, and what Python says is told", () => {
  const { el, traits, listeners } = shown({ options: ["low", "high"], given: "high" });
  const checked = [...el.querySelectorAll("input")].filter((input) => input.checked);
  assert.deepEqual(
    checked.map((input) => input.value),
    ["high"],
  );
  assert.equal(el.querySelector("button")?.textContent, "Answer again");
  assert.equal(el.querySelector(".mod-primary"), null);
  traits.status = "<b>no</b>";
  listeners.get("change:status")?.();
  assert.equal(el.querySelector("[role=status]")?.textContent, "<b>no</b>");
  assert.equal(el.querySelector("b"), null);
});

test("two controls are two groups, and one that is gone listens no more", () => {
  const first = shown({ options: ["low", "high"] });
  const second = shown({ options: ["low", "high"] });
  const names = [first, second].map(({ el }) => el.querySelector("input")?.name);
  assert.notEqual(names[0], names[1]);
  second.close();
  assert.equal(second.listeners.size, 0);
});

test("who does not know may say so, as long as nothing was said", () => {
  const { el, sent, traits, listeners } = shown({ options: ["low", "high"] });
  const unsure = [...el.querySelectorAll("button")].find((one) => one.textContent === "I don't know");
  unsure?.click();
  assert.deepEqual(sent, [{ type: "answer", value: "I don't know" }]);
  traits.given = "I don't know";
  listeners.get("change:given")?.();
  assert.equal(unsure?.style.display, "none");
});

test("a reason goes with the answer, in the same message", () => {
  const { el, sent, press } = shown({ options: ["low", "high"], reasons: true });
  const because = el.querySelector<HTMLInputElement>('input[type="text"][aria-label^="why"]');
  assert.ok(because);
  el.querySelector("input")?.click();
  because.value = "first fit";
  press();
  assert.deepEqual(sent, [{ type: "answer", value: "low", because: "first fit" }]);
  assert.equal(shown().el.querySelector('[aria-label^="why"]'), null);
});

const ANOTHER = { offer: "Another one", number: 0, text: "", options: [], hint: "", said: "", steps: [] };

function named(el: HTMLElement, words: string): HTMLButtonElement {
  const found = [...el.querySelectorAll("button")].find((one) => one.textContent === words);
  assert.ok(found, words);
  return found;
}

test("once an answer is kept, its reason is asked for, where the student is", () => {
  const { el, sent, traits, listeners, press } = shown({ reasons: true });
  const [field, because] = el.querySelectorAll("input");
  assert.ok(field && because);
  assert.equal(named(el, "Skip").style.display, "none");
  field.value = "2";
  el.querySelector("button")?.focus();
  press();
  Object.assign(traits, { given: "2", asks_why: true, status: "Kept. Why?" });
  listeners.get("change:asks_why")?.();
  assert.equal(el.querySelector("[role=status]")?.textContent, "Kept. Why?");
  assert.equal(document.activeElement, because);
  because.value = "a root and one table";
  because.dispatchEvent(new window.KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  assert.deepEqual(sent.slice(1), [{ type: "reason", because: "a root and one table" }]);
  named(el, "Skip").click();
  assert.deepEqual(sent.slice(2), [{ type: "skip" }]);
});

test("a reason is not asked for where the student is no more", () => {
  const { el, traits, listeners } = shown({ reasons: true });
  const elsewhere = document.createElement("input");
  document.body.append(elsewhere);
  elsewhere.focus();
  Object.assign(traits, { given: "2", asks_why: true });
  listeners.get("change:asks_why")?.();
  assert.equal(document.activeElement, elsewhere);
  assert.notEqual(named(el, "Skip").style.display, "none");
});

test("the focus of a button that goes away goes to the control after it, or before", () => {
  const { el, traits, listeners } = shown({ options: ["low", "high"], reasons: true });
  const heard = (more: Partial<AnswerTraits>) => {
    Object.assign(traits, more);
    for (const name of Object.keys(more)) listeners.get(`change:${name}`)?.();
  };
  const focus = () => (document.activeElement as HTMLElement | null)?.textContent;
  named(el, "I don't know").focus();
  heard({ given: "I don't know" });
  assert.equal(focus(), "Answer again");
  heard({ given: "low", asks_why: true });
  named(el, "Skip").focus();
  heard({ asks_why: false, status: "Kept." });
  assert.equal(focus(), "Answer again");
  heard({ another: { ...ANOTHER, number: 1, text: "And now?" } });
  named(el, "Check").focus();
  heard({ another: { ...ANOTHER, number: 1, text: "And now?", steps: ["so"] } });
  assert.equal(focus(), "Another one");
  const elsewhere = document.createElement("input");
  document.body.append(elsewhere);
  elsewhere.focus();
  heard({ given: "" });
  heard({ given: "high" });
  assert.equal(document.activeElement, elsewhere);
});

Object.assign(globalThis, { sessionStorage: window.sessionStorage });

test("what is typed and not sent says so, and the next control of the question begins with it", () => {
  const typed = (more: Partial<AnswerTraits>) => shown({ question: "Where?", reasons: true, ...more });
  const fields = (el: HTMLElement) => [...el.querySelectorAll("input")].slice(0, 2).map((one) => one.value);
  const first = typed({});
  const [field, because] = first.el.querySelectorAll("input");
  assert.ok(field && because);
  field.value = "2";
  because.value = "two of them";
  because.dispatchEvent(new window.Event("input", { bubbles: true }));
  assert.match(first.el.querySelector("[role=status]")?.textContent ?? "", /not kept/i);
  first.close(); // the cell runs again
  const second = typed({});
  assert.deepEqual(fields(second.el), ["2", "two of them"]);
  assert.match(second.el.querySelector("[role=status]")?.textContent ?? "", /not kept/i);
  assert.deepEqual(fields(shown({ question: "Who?", reasons: true }).el), ["", ""]);
  second.close();
  const third = typed({ given: "3", because: "no" });
  assert.deepEqual(fields(third.el), ["3", "no"]);
  third.close();
  assert.deepEqual(fields(typed({}).el), ["", ""], "what was answered is a draft no more");
});

test("a reason that was typed and not sent is a draft although the result is shown", () => {
  const given = { question: "When?", reasons: true, given: "2" };
  const first = shown(given);
  const because = (el: HTMLElement) => el.querySelectorAll("input")[1] as HTMLInputElement;
  because(first.el).value = "two of them";
  first.close();
  const second = shown(given);
  assert.equal(because(second.el).value, "two of them");
  second.traits.because = "two of them"; // it was sent, and is kept
  second.close();
  assert.equal(because(shown(given).el).value, "");
});

test("a press says that it was sent, until the kernel answers", () => {
  const { el, traits, listeners, press } = shown();
  const status = () => el.querySelector("[role=status]")?.textContent ?? "";
  press();
  assert.match(status(), /^Sent/);
  traits.status = "write something first";
  listeners.get("change:status")?.();
  assert.equal(status(), "write something first");
});

test("Enter answers with the chosen option", () => {
  const { el, sent } = shown({ options: ["low", "high"] });
  const [, high] = el.querySelectorAll("input");
  high?.click();
  high?.dispatchEvent(new window.KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  assert.deepEqual(sent, [{ type: "answer", value: "high", because: "" }]);
});

test("what one missed is asked after a wrong answer alone", () => {
  const { el, sent, traits, listeners } = shown({ options: ["low", "high"], given: "low" });
  const missed = el.querySelector<HTMLInputElement>('[aria-label^="what you missed"]');
  assert.ok(missed);
  assert.equal(missed.parentElement?.style.display, "none");
  traits.asks_missed = true;
  listeners.get("change:asks_missed")?.();
  assert.equal(missed.parentElement?.style.display, "flex");
  missed.value = "that gaps are asked from below";
  missed.dispatchEvent(new window.KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  assert.deepEqual(sent, [{ type: "missed", value: "that gaps are asked from below" }]);
});

test("Escape goes back to the notebook's cell, from a field too", () => {
  const cell = document.createElement("div");
  cell.className = "jp-Cell";
  cell.tabIndex = -1;
  for (const options of [[], ["low", "high"]]) {
    const { el } = shown({ options });
    document.body.replaceChildren(cell);
    cell.replaceChildren(el);
    const control = el.querySelector("input") as HTMLInputElement;
    control.focus();
    assert.equal(document.activeElement, control);
    control.dispatchEvent(new window.KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    assert.ok(document.activeElement === cell);
  }
});

test("another question is offered once there is one, and asked where the student is", () => {
  const { el, sent, traits, listeners } = shown({ given: "3" });
  const tell = (more: Partial<AnswerTraits["another"]>) => {
    traits.another = { ...ANOTHER, ...more };
    listeners.get("change:another")?.();
  };
  const hidden = (words: string) => named(el, words).closest<HTMLElement>("[style*='display: none']") !== null;
  assert.equal(named(el, "").parentElement?.parentElement?.style.display, "none");
  tell({});
  assert.equal(hidden("Another one"), false);
  assert.equal(hidden("Check"), true);
  named(el, "Another one").focus();
  named(el, "Another one").click();
  assert.deepEqual(sent, [{ type: "another" }]);
  tell({ number: 1, text: "Which <b>now</b>?", options: ["low", "high"], said: "No points." });
  const group = el.querySelector('[role=group][aria-label="Which <b>now</b>?"]');
  const [low, high] = group?.querySelectorAll("input") ?? [];
  assert.equal(group?.querySelector("p")?.textContent, "Which <b>now</b>?");
  assert.equal(document.activeElement, low);
  high?.click();
  named(el, "Check").click();
  assert.deepEqual(sent.slice(1), [{ type: "try", value: "high" }]);
  tell({ number: 1, text: "Which <b>now</b>?", options: ["low", "high"], said: "No.", steps: ["first", "then"] });
  assert.equal(high?.checked, true, "the question stays as it was answered");
  assert.equal(hidden("Check"), true);
  assert.deepEqual(
    [...el.querySelectorAll("li")].map((one) => one.textContent),
    ["first", "then"],
  );
  tell({ number: 2, text: "How many?", hint: "a number" });
  assert.equal(el.querySelectorAll("li").length, 0);
  const field = el.querySelector<HTMLInputElement>('[aria-label="How many?"] input');
  assert.ok(field);
  field.value = "3";
  field.dispatchEvent(new window.KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  assert.deepEqual(sent.slice(2), [{ type: "try", value: "3" }]);
});
