"""A handout in Firefox: one file, opened from a disk, that reaches no host."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import hatch_build
import vmwidgets as vm
from tests import tiers
from tests.widgets.test_handout import FRAMES, forked, read
from tools import hosts

DRIVER = Path(__file__).with_name("firefox.mjs")
WHERE = "document.querySelector('.vmw-where').innerText"
SENTENCE = "document.querySelector('.vmw-caption b').innerText"
DRAWN = "[...document.querySelectorAll('.vmw-stage:not([hidden]) .node')].map((node) => node.dataset.id)"
WIDE = "[document.documentElement.scrollWidth, innerWidth]"
SIZE = [1280, 800]


def firefox(*steps: tuple[str, Any], site: str = "") -> list[Any]:
    """What each step gave, done one after the other in a page of Firefox; nothing went wrong in the page.

    The page may ask the server at the address `site`, and no other.
    """
    browser = tiers.program("firefox")
    command: list[str | Path] = [hatch_build.node_program(), DRIVER, hosts.FOLDER, browser]
    command += [site] if site else []
    done = subprocess.run(command, input=json.dumps(steps), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["problems"] == []
    gave: list[Any] = said["gave"]
    return gave


def test_a_handout_steps_in_firefox(tmp_path: Path) -> None:
    machine, *_ = forked()
    file = vm.handout(machine, tmp_path / "fork.html", vm.Objects(machine))
    steps = read(file)["steps"]
    asked = [("ask", f"[{WHERE}, {SENTENCE}, {DRAWN}]"), ("press", "PageDown")]
    _, _, *gave = firefox(("size", SIZE), ("open", file.as_uri()), *asked * len(steps), ("ask", WIDE))
    wide, room = gave.pop()
    assert wide <= room, "nothing has to be scrolled sideways"
    for number, (step, (where, sentence, drawn)) in enumerate(zip(steps, gave[::2], strict=True), 1):
        assert where == f"step {number} of {len(steps)}"
        assert sentence == step["sentence"]
        assert set(drawn) == {node["id"] for node in step["pictures"][0]["narrow"]["nodes"]}


def test_a_question_holds_back_what_comes_in_firefox(tmp_path: Path) -> None:
    machine, *_ = forked()
    file = vm.handout(machine, tmp_path / "ask.html", vm.Objects(machine), ask={"after fork": FRAMES})
    steps = read(file)["steps"]
    to_question = [("press", "PageDown")] * next(place for place, step in enumerate(steps) if "question" in step)
    right = "[...document.querySelectorAll('fieldset button')].find((one) => one.innerText === " + json.dumps(FRAMES[2])
    answer = f"(() => {{ {right}).click(); return true; }})()"
    gave = firefox(
        ("size", SIZE), ("open", file.as_uri()), *to_question, ("ask", WHERE), ("press", "PageDown"), ("ask", WHERE),
        ("ask", answer), ("press", "PageDown"), ("ask", WHERE),
    )  # fmt: skip  # as it is done
    held, still, _, on = (one for one in gave if one is not None)
    assert held == still != on
