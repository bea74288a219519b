// The control that answers a prediction.  The choice is sent together with the press of the button, in one message: a
// choice sent by itself could arrive later than the press, and then another answer would be kept.

import { hear, leave, type Model } from "./host.ts";
import { html, keepFocus } from "./svg.ts";

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
  /** Whether the answer is kept, and its reason is asked for before the result is shown. */
  asks_why: boolean;
  /** Whether the student may say what was missed, and the student's words. */
  asks_missed: boolean;
  missed: string;
  status: string;
  /** A question like this one, or its offer. */
  another: Partial<AnotherQuestion>;
}

/** A question that the kernel draws and judges; nothing of it is kept. */
interface AnotherQuestion {
  /** The words of the button; without them, nothing is offered. */
  offer: string;
  /** The number of questions so far. */
  number: number;
  text: string;
  options: string[];
  hint: string;
  /** What the kernel says of the last press. */
  said: string;
  /** The steps that lead to the answer, once they are told. */
  steps: string[];
}

interface AnswerArguments {
  model: Model<AnswerTraits>;
  el: HTMLElement;
}

const OPEN = "Not kept yet: press “This is my answer”.";
const WAIT = "The kernel is asked: this goes on as soon as it is idle.";
const SENT = "Sent: it is kept as soon as the kernel is idle, and this says so then. (If not, run this cell again.)";

/** A radio button for an option, one of a group. */
function radio(option: string, group: string, given: string): HTMLInputElement {
  const button = html("input");
  button.type = "radio";
  button.name = group;
  button.value = option;
  button.checked = option === given;
  button.style.cssText = "flex: none; margin: 0";
  return button;
}

/** A radio button with its words, which stay in a column of their own if they need several lines. */
function labelled(button: HTMLInputElement): HTMLLabelElement {
  const label = html("label");
  label.style.cssText = "display: flex; align-items: center; gap: 8px; min-height: 24px; width: fit-content";
  const words = html("span", "", button.value);
  words.style.minWidth = "0";
  label.append(button, words);
  return label;
}

/** A field of one line, with its purpose. */
function line(hint: string, title: string, value: string): HTMLInputElement {
  const field = html("input");
  field.type = "text";
  field.value = value;
  field.placeholder = hint;
  field.setAttribute("aria-label", title);
  field.style.cssText = "flex: 0 1 32em; min-width: 0";
  return field;
}

/** Puts elements in one line, or in several if there is not enough room; fields look like the host's. */
function row(...content: HTMLElement[]): HTMLDivElement {
  const line = html("div", "jupyter-widgets widget-text");
  line.style.cssText = "display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; margin: 4px 0";
  // the host's rows have a fixed width, whatever the page's width is
  line.style.cssText += "; width: auto; height: auto";
  line.append(...content);
  return line;
}

function pressed(words: string, press: () => void): HTMLButtonElement {
  const button = html("button", "jupyter-widgets jupyter-button widget-button vmw-answer", words);
  button.style.cssText = "width: max-content; margin: 0";
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

/** What was typed or chosen, and is not kept yet: another run of the cell makes a new control, which begins with it. */
class Draft {
  private readonly name: string;

  constructor(question: string) {
    this.name = `vmwidgets: draft of ${question}`;
  }

  read(): { value: string; because: string } | null {
    try {
      return JSON.parse(sessionStorage.getItem(this.name) ?? "null");
    } catch {
      return null; // a page may have no storage of its own
    }
  }

  write(value: string, because: string): void {
    try {
      if (value || because) sessionStorage.setItem(this.name, JSON.stringify({ value, because }));
      else sessionStorage.removeItem(this.name);
    } catch {
      // nothing can be kept here
    }
  }
}

/** The options of a question, or a field for its answer, which begin with what was `given`; Enter sends it. */
class Reply {
  readonly root: HTMLElement;
  readonly choices: HTMLInputElement[];
  readonly field: HTMLInputElement;

  constructor(options: string[], group: string, hint: string, question: string, given: string, send: () => void) {
    this.choices = options.map((option) => radio(option, group, given));
    this.field = line(hint, question, given);
    this.root = options.length > 0 ? html("div") : row(this.field);
    this.root.append(...this.choices.map(labelled));
    this.root.addEventListener("keydown", (event) => {
      // For the notebook, a letter may be a command, such as deleting the cell; here, it is an answer.
      if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
      if (options.length > 0 && event.key === "Enter") send();
    });
    entered(this.field, send);
  }

  get value(): string {
    return (this.choices.length > 0 ? this.choices.find((one) => one.checked)?.value : this.field.value) ?? "";
  }
}

/** Offers another question like this one, and asks it. */
function another(model: Model<AnswerTraits>, group: string): { root: HTMLElement; tell: () => void } {
  const root = html("div");
  const question = html("div");
  const steps = html("ol");
  const said = html("span");
  said.setAttribute("role", "status");
  let number = 0;
  let reply: Reply | null = null;
  const post = (content: { type: string; value?: string }) => {
    said.textContent = WAIT;
    model.send(content);
  };
  const send = () => post({ type: "try", value: reply?.value ?? "" });
  const check = pressed("Check", send);
  const offer = pressed("", () => post({ type: "another" }));
  const ask = (text: string, options: string[], hint: string) => {
    const words = html("p", "", text);
    words.style.cssText = "margin: 8px 0 4px; max-width: 80ch";
    reply = new Reply(options, `${group}-${number}`, hint, text, "", send);
    question.replaceChildren(words, reply.root);
    question.setAttribute("role", "group");
    question.setAttribute("aria-label", text);
    if (root.contains(rootOf(root).activeElement)) (reply.choices[0] ?? reply.field).focus();
  };
  root.append(question, row(check, offer, said), steps);
  const tell = () => {
    const now = model.get("another") ?? {};
    root.style.display = now.offer ? "" : "none";
    offer.textContent = now.offer ?? "";
    if (now.text && now.number !== number) {
      number = now.number ?? 0;
      ask(now.text, now.options ?? [], now.hint ?? "");
    }
    check.style.display = now.text && !now.steps?.length ? "" : "none";
    said.textContent = now.said ?? "";
    steps.style.display = now.steps?.length ? "" : "none";
    steps.replaceChildren(...(now.steps ?? []).map((one) => html("li", "", one)));
  };
  return { root, tell };
}

/** The document or the shadow root of an element. */
function rootOf(element: HTMLElement): Document | ShadowRoot {
  return element.getRootNode() as Document | ShadowRoot;
}

function render({ model, el }: AnswerArguments): () => void {
  const options = model.get("options");
  const question = model.get("question");
  const known = model.get("given") === model.get("unsure") ? "" : model.get("given");
  const draft = new Draft([question, ...options].join("\n"));
  const before = draft.read();
  const given = known || (before?.value ?? "");
  // each model has loaded this file for itself, so a counter would begin at 1
  const group = `vmw-answer-${Math.random().toString(36).slice(2)}`;
  const reply = new Reply(options, group, model.get("hint"), question, given, () => send());
  const because = line("because … (one line)", `why: ${question}`, model.get("because") || (before?.because ?? ""));
  const missed = line("what did I miss? (if you like)", `what you missed: ${question}`, model.get("missed"));

  const status = html("span");
  status.setAttribute("role", "status");
  const post = (content: { type: string; value?: string; because?: string }) => {
    status.textContent = SENT;
    model.send(content);
  };
  const send = () => post({ type: "answer", value: reply.value, because: because.value });
  const answer = pressed("", send);
  const unsure = pressed(model.get("unsure"), () => post({ type: "answer", value: model.get("unsure") }));
  const sendReason = () => post(because.value.trim() ? { type: "reason", because: because.value } : { type: "skip" });
  const why = pressed("Keep the reason", sendReason);
  const skip = pressed("Skip", () => post({ type: "skip" }));
  const sendMissed = () => post({ type: "missed", value: missed.value });
  const keep = pressed("Keep", sendMissed);
  const after = row(missed, keep);
  const isOpen = () => reply.value !== "" && model.get("given") === "";
  const tell = () => {
    const isGiven = model.get("given") !== "";
    const asksWhy = model.get("asks_why");
    answer.textContent = isGiven ? "Answer again" : "This is my answer";
    answer.classList.toggle("mod-primary", !isGiven); // the next thing to do looks like this
    unsure.style.display = isGiven ? "none" : "";
    why.classList.toggle("mod-primary", asksWhy);
    for (const one of [why, skip]) one.style.display = asksWhy ? "" : "none";
    after.style.display = model.get("asks_missed") ? "flex" : "none";
    status.textContent = model.get("status") || (isOpen() ? OPEN : "");
    status.style.fontWeight = asksWhy ? "bold" : "";
    if (asksWhy && !wasAsked && el.contains(rootOf(el).activeElement)) because.focus();
    wasAsked = asksWhy;
  };
  let wasAsked = model.get("asks_why");
  const like = another(model, group);
  const written = () => {
    if (isOpen()) status.textContent = OPEN;
  };
  for (const kind of ["input", "change"]) el.addEventListener(kind, written);

  const back = (event: KeyboardEvent) => {
    if (event.key === "Escape" && leave(el)) event.preventDefault();
  };
  el.addEventListener("keydown", back, true); // before a field keeps its keys from the notebook
  entered(because, () => (model.get("asks_why") ? sendReason() : send()));
  entered(missed, sendMissed);
  el.style.overflowWrap = "anywhere"; // an answer may be an address or a name, without a space
  el.style.paddingLeft = "13px"; // below the words of the question: see _FRAME in vmwidgets/labs/markup.py
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", question);
  el.append(reply.root, ...(model.get("reasons") ? [row(because)] : []), row(answer, unsure, why, skip, status));
  el.append(after, like.root);
  const told = ["change:given", "change:asks_why", "change:asks_missed", "change:status"] as const;
  const heard = () => keepFocus(el, tell); // a pressed button may be gone then
  const heardMore = () => keepFocus(el, like.tell);
  for (const name of told) model.on(name, heard);
  model.on("change:another", heardMore);
  tell();
  like.tell();
  hear(model.widget_manager, model.get("own_id"));
  const hold = () => {
    const isReasoned = because.value.trim() === model.get("because");
    draft.write(model.get("given") === "" ? reply.value : "", isReasoned ? "" : because.value);
  };
  addEventListener("pagehide", hold);
  return () => {
    hold();
    removeEventListener("pagehide", hold);
    for (const name of told) model.off(name, heard);
    model.off("change:another", heardMore);
  };
}

export default { render };
