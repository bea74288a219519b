// A picture is as dark as the page around it.

import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { followTheme, isDark } from "../src/room.ts";

Object.assign(globalThis, {
  MutationObserver: window.MutationObserver,
  ShadowRoot: window.ShadowRoot,
  getComputedStyle: window.getComputedStyle.bind(window),
  matchMedia: window.matchMedia.bind(window),
  requestAnimationFrame: (callback: () => void) => setTimeout(callback),
});

function place(parent: ParentNode & Node, style = ""): HTMLElement {
  const el = document.createElement("div");
  el.style.cssText = style;
  parent.appendChild(el);
  return el;
}

function inShadow(around: HTMLElement): HTMLElement {
  return place(around.attachShadow({ mode: "open" }));
}

test("the nearest ground counts, also around a shadow root; without one light text says that it is dark", () => {
  const [dark, light] = ["background-color: rgb(20, 20, 24)", "background-color: rgb(250, 250, 250)"];
  const page = place(document.body, dark);
  assert.equal(isDark(place(page)), true);
  assert.equal(isDark(place(place(page, light))), false);
  assert.equal(isDark(place(place(page, "background-color: rgba(255, 255, 255, 0.1)"))), true);
  assert.equal(isDark(inShadow(place(page))), true);
  assert.equal(isDark(inShadow(place(place(page, light)))), false);
  assert.equal(isDark(place(place(document.body, "color: rgb(240, 240, 240)"))), true);
  assert.equal(isDark(place(place(document.body, "color: rgb(0, 0, 0)"))), false);
});

test("a page that turns dark turns its pictures dark, until they are gone", async () => {
  const [stays, leaves] = [place(document.body), place(document.body)];
  const gone = new AbortController();
  followTheme(stays, new AbortController().signal);
  followTheme(leaves, gone.signal);
  const dark = () => [stays, leaves].map((el) => el.classList.contains("vmw-dark"));
  assert.deepEqual(dark(), [false, false]);
  gone.abort();
  document.body.style.backgroundColor = "rgb(0, 0, 0)";
  document.body.dataset.theme = "dark";
  await new Promise((done) => setTimeout(done, 60));
  assert.deepEqual(dark(), [true, false]);
  document.body.style.backgroundColor = "rgb(255, 255, 255)";
  document.body.dataset.theme = "light";
  await new Promise((done) => setTimeout(done, 60));
  assert.deepEqual(dark(), [false, false]);
});
