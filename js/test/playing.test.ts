import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Player, type Source } from "../src/player.ts";

/** A source of `count` spots, of which the page has those before `local`; the others come from a kernel that answers later. */
class Road implements Source<number> {
  readonly playing = new Player<number>(this);
  readonly requests: number[] = [];
  /** What the kernel hears after the requests: where the page has gone by itself. */
  told: number | undefined;
  readonly count: number;
  readonly local: number;
  at = 0;
  said = 0;

  constructor(count: number, local: number) {
    this.count = count;
    this.local = local;
  }

  show(to: number): boolean {
    if (to >= this.local) return false;
    this.told = to;
    this.draw(to);
    return true;
  }

  request(to: number): void {
    this.told = undefined;
    this.requests.push(to);
  }

  along(units: number): { to: number; left: number } | null {
    const to = Math.min(Math.max(this.at + units, 0), this.count - 1);
    return to === this.at ? null : { to, left: 0 };
  }

  meant(value: number): number {
    return value;
  }

  foresee(to: number): void {
    this.said = to;
  }

  by(units: number): void {
    this.playing.by(units);
  }

  toggle(): void {
    this.playing.play();
  }

  /** What the button says. */
  get plays(): boolean {
    return this.playing.press.textContent === "pause";
  }

  /** A picture is on the screen, from the page or from the kernel. */
  draw(to: number): void {
    this.at = to;
    if (this.playing.behind) {
      this.playing.foresee();
      return;
    }
    this.said = to;
    this.playing.answered();
  }

  /** The kernel answers the oldest request; if it is slow to draw, the slider may go on in between. */
  answer(between: () => void = () => {}): void {
    const to = this.requests.shift();
    if (to === undefined) return;
    this.playing.arrived();
    between();
    this.draw(to);
    if (!this.requests.length && this.told !== undefined) this.draw(this.told);
  }
}

test("what the page has is shown at once, also while a picture of the kernel is under way", () => {
  const road = new Road(20, 10);
  road.playing.ask(4);
  assert.deepEqual([road.at, road.playing.state.name, road.requests], [4, "still", []]);
  road.playing.drag(15);
  assert.deepEqual([road.at, road.playing.state.name, road.requests], [4, "asking", [15]]);
  road.playing.drag(3);
  assert.deepEqual([road.at, road.playing.state.name], [3, "still"]);
});

test("a press counts from where the last request leads, and not from what is still on the screen", () => {
  const road = new Road(20, 10);
  road.playing.ask(3);
  road.playing.ask(15);
  road.playing.by(-1);
  assert.equal(road.at, 3);
  road.answer();
  assert.deepEqual([road.at, road.requests], [15, [14]]);
});

test("presses wait for the picture that is under way, and none is lost", () => {
  const road = new Road(20, 0);
  for (let press = 0; press < 5; press++) road.playing.by(1);
  assert.deepEqual(road.requests, [1]);
  road.answer();
  assert.deepEqual(road.requests, [5]);
});

test("a play goes on by itself through what the page has, and waits for what it has not", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const road = new Road(5, 3);
  road.playing.play();
  assert.deepEqual([road.at, road.plays], [1, true]);
  context.mock.timers.tick(900);
  assert.equal(road.at, 2);
  context.mock.timers.tick(900);
  assert.deepEqual([road.at, road.playing.state.name, road.requests], [2, "asking", [3]]);
  context.mock.timers.tick(100);
  road.answer();
  assert.equal(road.playing.state.name, "playing");
  context.mock.timers.tick(900);
  road.answer();
  context.mock.timers.tick(900);
  assert.deepEqual([road.at, road.plays, road.playing.state.name], [4, false, "still"], "it stops at the end");
});

test("a press stops a play", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const road = new Road(9, 9);
  road.playing.play();
  road.playing.by(1);
  context.mock.timers.tick(9000);
  assert.deepEqual([road.at, road.plays], [2, false]);
});

test("after a thousand random gestures the picture is where the last of them led", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  const road = new Road(30, 12);
  for (let gesture = 0; gesture < 1000; gesture++) {
    const kind = random(7);
    const to = random(30);
    if (kind === 0) road.playing.by(random(5) - 2);
    else if (kind === 1) road.playing.drag(to);
    else if (kind === 2) road.answer(() => random(2) && road.playing.drag(random(30)));
    else if (kind === 3) context.mock.timers.tick(900);
    else if (kind === 4) road.playing.play();
    else if (kind === 5) road.playing.stop();
    else {
      road.playing.leave();
      road.playing.ask(to);
    }
    assert.ok(road.requests.length <= 1 + gesture, "each gesture asks once at most");
    if (gesture % 10) continue;
    road.playing.leave();
    road.playing.ask(to);
    for (let left = 0; road.requests.length && left < 40; left++) road.answer();
    assert.deepEqual([road.at, road.said, road.playing.state.name, road.plays], [to, to, "still", false]);
  }
});
