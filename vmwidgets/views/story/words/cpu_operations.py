"""Headlines of operations on processors, their TLBs, and descriptors that are edited by hand."""

from __future__ import annotations

from vmwidgets.engine.base import events as ev
from vmwidgets.views.scene.text import visible

from .headlines import Facts
from .names import address
from .registry import Headline, headline_of, sentences

say = sentences(
    "cpu operations",
    {
        "cpu run": "{cpu} runs {space} now.",
        "cpu run/same": "{cpu} runs {space} already.",
        "flush": ("flush dropped 1 translation of {cpu}.", "flush dropped {count} translations of {cpu}."),
        "flush/none": "flush found no translation in {cpu} to drop.",
        "acknowledge": ("{cpu} acknowledged 1 shootdown.", "{cpu} acknowledged {count} shootdowns."),
        "acknowledge/none": "{cpu} had no shootdown to acknowledge.",
        "set_shootdown": "Shootdowns are {mode} from now on.",
        "set_descriptor": "set_descriptor changed the descriptor at {address} from {before} to {after}.",
        "set_descriptor/same": "set_descriptor left the descriptor at {address} as it was, {after}.",
        "set_descriptor/reason": "No TLB was flushed.",
        "undo_descriptor": "undo_descriptor took the edit of the descriptor at {address} back.",
    },
)


@headline_of("run", part=("cpu",))
def _run(facts: Facts) -> Headline:
    loaded = facts.of(ev.SpaceLoaded)
    space = loaded[-1].space if loaded else str(facts.given.get("task") or "kernel")
    return Headline(say("cpu run" if loaded else "cpu run/same", cpu=facts.target, space=visible(space)))


@headline_of("flush", "acknowledge", part=("cpu",))
def _flushed(facts: Facts) -> Headline:
    count = facts.result if isinstance(facts.result, int) else 0
    return Headline(say(facts.name if count else f"{facts.name}/none", count, cpu=facts.target))


@headline_of("set_shootdown")
def _shootdown(facts: Facts) -> Headline:
    return Headline(say("set_shootdown", mode=visible(str(facts.given.get("shootdown", "")))))


@headline_of("set_descriptor")
def _edited(facts: Facts) -> Headline:
    before, after = facts.result, facts.given.get("value", 0)
    name = "set_descriptor/same" if before == after else "set_descriptor"
    fields = {"before": _word(before), "after": _word(after)}
    return Headline(say(name, address=facts.where("pa"), **fields), say("set_descriptor/reason"))


@headline_of("undo_descriptor")
def _undone(facts: Facts) -> Headline:
    return Headline(say("undo_descriptor", address=visible(address(facts.result))), say("set_descriptor/reason"))


def _word(value: object) -> str:
    return f"{value:#x}" if isinstance(value, int) else visible(str(value))
