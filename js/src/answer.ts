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

function render({ model, el }: AnswerArguments): () => void {
  const options = model.get("options");
  const group = `vmw-answer-${Math.random().toString(36).slice(2)}`; // each model has loaded this file for itself: a count would begin at 1
  const choices = options.map((option) => radio(option, group, model.get("given")));
  const field = make("input");
  field.type = "text";
  field.value = model.get("given");
  field.placeholder = model.get("hint");
  field.setAttribute("aria-label", model.get("question"));
  field.style.width = "min(32em, 100%)";

  const asked = make("div", options.length > 0 ? "" : "jupyter-widgets widget-text");
  asked.style.margin = "4px 0";
  asked.append(...(options.length > 0 ? choices.map(labelled) : [field]));
  asked.addEventListener("keydown", (event) => {
    // To the notebook a letter may mean a command, such as deleting the cell: here it is an answer.
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
  const button = make("button", "jupyter-widgets jupyter-button widget-button vmw-answer");
  button.style.width = "max-content";
  const status = make("span");
  status.style.marginLeft = "8px";
  status.setAttribute("role", "status");
  const value = () => (options.length > 0 ? choices.find((one) => one.checked)?.value : field.value) ?? "";
  const send = () => model.send({ type: "answer", value: value() });
  const tell = () => {
    button.textContent = model.get("given") ? "Answer again" : "This is my answer";
    status.textContent = model.get("status");
  };

  button.addEventListener("click", send);
  field.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook's own keys
    if (event.key === "Enter") send();
  });
  el.style.overflowWrap = "anywhere"; // an answer may be an address or a name, without a space
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", model.get("question"));
  el.append(asked, button, status);
  model.on("change:given", tell);
  model.on("change:status", tell);
  tell();
  hear(model.widget_manager, model.get("own_id"));
  return () => {
    model.off("change:given", tell);
    model.off("change:status", tell);
  };
}

export default { render };
