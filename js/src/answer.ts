// The control that answers a prediction.  The choice is sent together with the press of the button, in one message: a
// choice sent by itself could arrive later than the press, and then another answer would be kept.

import { hear } from "./hearing.ts";
import { leave } from "./leaving.ts";
import type { Model } from "./model.ts";

export interface AnswerTraits {
  own_id: string;
  question: string;
  /** If empty, the control is a field. */
  options: string[];
  /** The purpose of a field. */
  hint: string;
  /** The latest answer. */
  given: string;
  /** The answer of a student who does not know. */
  unsure: string;
  /** Whether the control asks for a reason, and the given reason. */
  reasons: boolean;
  because: string;
  /** Whether the student may say what was missed, and the student's words. */
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
  button.style.cssText = "flex: none; margin: 0";
  return button;
}

/** A radio button with its words, which stay in a column of their own if they need several lines. */
function labelled(button: HTMLInputElement): HTMLLabelElement {
  const label = make("label");
  label.style.cssText = "display: flex; align-items: center; gap: 8px; min-height: 24px; width: fit-content";
  const words = make("span");
  words.style.minWidth = "0";
  words.textContent = button.value;
  label.append(button, words);
  return label;
}

/** A field of one line, with its purpose. */
function line(hint: string, title: string, value: string): HTMLInputElement {
  const field = make("input");
  field.type = "text";
  field.value = value;
  field.placeholder = hint;
  field.setAttribute("aria-label", title);
  field.style.cssText = "flex: 0 1 32em; min-width: 0";
  return field;
}

/** Puts elements in one line, or in several if there is not enough room; fields look like the host's. */
function row(...content: HTMLElement[]): HTMLDivElement {
  const line = make("div", "jupyter-widgets widget-text");
  line.style.cssText = "display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; margin: 4px 0";
  // the host's rows have a fixed width, whatever the page's width is
  line.style.cssText += "; width: auto; height: auto";
  line.append(...content);
  return line;
}

function pressed(words: string, press: () => void): HTMLButtonElement {
  const button = make("button", "jupyter-widgets jupyter-button widget-button vmw-answer");
  button.style.cssText = "width: max-content; margin: 0";
  button.textContent = words;
  button.addEventListener("click", press);
  return button;
}

/** Enter in a field counts as a press, and no key typed in it reaches the notebook. */
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
  // each model has loaded this file for itself, so a counter would begin at 1
  const group = `vmw-answer-${Math.random().toString(36).slice(2)}`;
  const choices = options.map((option) => radio(option, group, given));
  const field = line(model.get("hint"), question, given);
  const because = line("because … (one line)", `why: ${question}`, model.get("because"));
  const missed = line("what did I miss? (if you like)", `what you missed: ${question}`, model.get("missed"));

  const asked = options.length > 0 ? make("div") : row(field);
  asked.append(...choices.map(labelled));
  asked.addEventListener("keydown", (event) => {
    // For the notebook, a letter may be a command, such as deleting the cell; here, it is an answer.
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
  const value = () => (options.length > 0 ? choices.find((one) => one.checked)?.value : field.value) ?? "";
  const send = () => model.send({ type: "answer", value: value(), because: because.value });
  const answer = pressed("", send);
  const unsure = pressed(model.get("unsure"), () => model.send({ type: "answer", value: model.get("unsure") }));
  const sendMissed = () => model.send({ type: "missed", value: missed.value });
  const keep = pressed("Keep", sendMissed);
  const after = row(missed, keep);
  const status = make("span");
  status.setAttribute("role", "status");
  const tell = () => {
    const isGiven = model.get("given") !== "";
    answer.textContent = isGiven ? "Answer again" : "This is my answer";
    answer.classList.toggle("mod-primary", !isGiven); // the next thing to do looks like this
    unsure.style.display = isGiven ? "none" : "";
    after.style.display = model.get("asks_missed") ? "flex" : "none";
    status.textContent = model.get("status");
  };

  const back = (event: KeyboardEvent) => {
    if (event.key === "Escape" && leave(el)) event.preventDefault();
  };
  el.addEventListener("keydown", back, true); // before a field keeps its keys from the notebook
  for (const one of [field, because]) entered(one, send);
  entered(missed, sendMissed);
  el.style.overflowWrap = "anywhere"; // an answer may be an address or a name, without a space
  el.style.paddingLeft = "13px"; // below the words of the question: see _FRAME in vmwidgets/labs/markup.py
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", question);
  el.append(asked, ...(model.get("reasons") ? [row(because)] : []), row(answer, unsure, status), after);
  const told = ["change:given", "change:asks_missed", "change:status"] as const;
  for (const name of told) model.on(name, tell);
  tell();
  hear(model.widget_manager, model.get("own_id"));
  return () => {
    for (const name of told) model.off(name, tell);
  };
}

export default { render };
