// The control that answers a prediction.  What is chosen is sent together with the press of the button, in one message:
// choices that travelled by themselves could come later than the press, and another answer would be kept.

import { hear } from "./hearing.ts";
import type { Model } from "./model.ts";

export interface AnswerTraits {
  own_id: string;
  question: string;
  /** Empty: a field instead. */
  options: string[];
  /** What a field is for. */
  hint: string;
  /** The answer that was given last. */
  given: string;
  /** The answer of who does not know. */
  unsure: string;
  /** Whether a reason is asked for, and the one that was given. */
  reasons: boolean;
  because: string;
  /** Whether one may say what one missed, and what was said. */
  asks_missed: boolean;
  missed: string;
  status: string;
}

export interface AnswerArguments {
  model: Model<AnswerTraits>;
  el: HTMLElement;
}

function make<K extends keyof HTMLElementTagNameMap>(name: K, style = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  element.className = style;
  return element;
}

/** A radio button for an option, one of a group. */
function radio(option: string, group: string, given: string): HTMLInputElement {
  const button = make("input");
  button.type = "radio";
  button.name = group;
  button.value = option;
  button.checked = option === given;
  button.style.cssText = "vertical-align: middle; margin: 0 4px 2px";
  return button;
}

/** A radio button with its words. */
function labelled(button: HTMLInputElement): HTMLLabelElement {
  const label = make("label");
  label.style.display = "block";
  label.append(button, ` ${button.value}`);
  return label;
}

/** A field of one line, with what it is for. */
function line(hint: string, title: string, value: string): HTMLInputElement {
  const field = make("input");
  field.type = "text";
  field.value = value;
  field.placeholder = hint;
  field.setAttribute("aria-label", title);
  field.style.width = "min(32em, 100%)";
  return field;
}

/** A field in a line of its own, as the host's fields look. */
function lined(field: HTMLInputElement): HTMLDivElement {
  const row = make("div", "jupyter-widgets widget-text");
  row.style.margin = "4px 0";
  row.append(field);
  return row;
}

function pressed(words: string, press: () => void): HTMLButtonElement {
  const button = make("button", "jupyter-widgets jupyter-button widget-button vmw-answer");
  button.style.width = "max-content";
  button.textContent = words;
  button.addEventListener("click", press);
  return button;
}

/** Enter in a field is a press, and no key in it is the notebook's. */
function entered(field: HTMLInputElement, press: () => void): void {
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") press();
  });
}

function render({ model, el }: AnswerArguments): () => void {
  const options = model.get("options");
  const question = model.get("question");
  const given = model.get("given") === model.get("unsure") ? "" : model.get("given");
  const group = `vmw-answer-${Math.random().toString(36).slice(2)}`; // each model has loaded this file for itself: a count would begin at 1
  const choices = options.map((option) => radio(option, group, given));
  const field = line(model.get("hint"), question, given);
  const because = line("because … (one line)", `why: ${question}`, model.get("because"));
  const missed = line("what did I miss? (if you like)", `what you missed: ${question}`, model.get("missed"));

  const asked = options.length > 0 ? make("div") : lined(field);
  asked.style.margin = "4px 0";
  asked.append(...choices.map(labelled));
  asked.addEventListener("keydown", (event) => {
    // To the notebook a letter may mean a command, such as deleting the cell: here it is an answer.
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
  const value = () => (options.length > 0 ? choices.find((one) => one.checked)?.value : field.value) ?? "";
  const send = () => model.send({ type: "answer", value: value(), because: because.value });
  const answer = pressed("", send);
  const unsure = pressed(model.get("unsure"), () => model.send({ type: "answer", value: model.get("unsure") }));
  const sendMissed = () => model.send({ type: "missed", value: missed.value });
  const keep = pressed("Keep", sendMissed);
  const after = lined(missed);
  after.append(" ", keep);
  const status = make("span");
  status.style.marginLeft = "8px";
  status.setAttribute("role", "status");
  const tell = () => {
    answer.textContent = model.get("given") ? "Answer again" : "This is my answer";
    unsure.style.display = model.get("given") === "" ? "" : "none";
    after.style.display = model.get("asks_missed") ? "" : "none";
    status.textContent = model.get("status");
  };

  for (const one of [field, because]) entered(one, send);
  entered(missed, sendMissed);
  el.style.overflowWrap = "anywhere"; // an answer may be an address or a name, without a space
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", question);
  el.append(asked, ...(model.get("reasons") ? [lined(because)] : []), answer, " ", unsure, status, after);
  const told = ["change:given", "change:asks_missed", "change:status"] as const;
  for (const name of told) model.on(name, tell);
  tell();
  hear(model.widget_manager, model.get("own_id"));
  return () => {
    for (const name of told) model.off(name, tell);
  };
}

export default { render };
