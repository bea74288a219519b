"""What steps claim of memory objects, their pages, swap space, files and tasks."""

from __future__ import annotations

from vmwidgets.engine.kernel.tasks.objects_schema import ObjectsValue, ObjectValue
from vmwidgets.events import FaultRaised

from .claiming import Said, claim
from .reading import PAGE, bytes_of, number
from .steps import StepSeen, earlier_steps


def now(seen: StepSeen) -> ObjectsValue:
    """All memory objects just after the step."""
    value: ObjectsValue = seen.then.value("objects")
    return value


def was(seen: StepSeen) -> ObjectsValue:
    """All memory objects before the step."""
    value: ObjectsValue = seen.before.value("objects")
    return value


def one(seen: StepSeen, said: Said) -> ObjectValue:
    """The object that the sentence names, just after the step."""
    return now(seen).objects[said["object"]]


KINDS = {"with pages of zeroes": "anonymous", "with the pages of a file": "file", "a device's memory": "device"}


@claim("object events: ObjectMade")
def made(seen: StepSeen, said: Said) -> None:
    assert said["object"] not in was(seen).objects
    found = one(seen, said)
    assert (found.kind, found.shadow) == (KINDS.get(said["kind"], said["kind"]), "")


@claim("object events: ObjectMade/shadow")
def made_a_shadow(seen: StepSeen, said: Said) -> None:
    assert said["object"] not in was(seen).objects
    assert one(seen, said).shadow == said["behind"]


@claim("object events: ObjectGone")
def gone(seen: StepSeen, said: Said) -> None:
    assert said["object"] in was(seen).objects
    assert said["object"] not in now(seen).objects
    if said["why"] == "nothing ever referred to it":
        assert was(seen).references(said["object"]) == 0
        assert said["object"] not in seen.started.memory_objects.value().objects
    else:
        assert said["why"] in ("no reference is left", "nothing maps it", "it was destroyed")


@claim("object events: ObjectGone/collapsed")
def gone_into_another(seen: StepSeen, said: Said) -> None:
    assert said["object"] in was(seen).objects
    assert said["object"] not in now(seen).objects


def moved(seen: StepSeen, said: Said, *, all_of: bool) -> None:
    assert was(seen).objects[said["object"]].shadow == said["before"]
    assert one(seen, said).shadow == ("" if all_of else said["after"])


@claim("object events: ShadowMoved/collapsed")
def took_in(seen: StepSeen, said: Said) -> None:
    moved(seen, said, all_of=False)
    assert was(seen).references(said["before"]) <= 1


@claim("object events: ShadowMoved/collapsed all")
def took_in_the_last(seen: StepSeen, said: Said) -> None:
    moved(seen, said, all_of=True)
    assert was(seen).references(said["before"]) <= 1


@claim("object events: ShadowMoved/bypassed")
def bypassed(seen: StepSeen, said: Said) -> None:
    assert was(seen).references(said["before"]) > 1, "else it is taken in"
    moved(seen, said, all_of=False)


@claim("object events: ShadowMoved/bypassed all")
def bypassed_the_last(seen: StepSeen, said: Said) -> None:
    assert was(seen).references(said["before"]) > 1, "else it is taken in"
    moved(seen, said, all_of=True)


# ---- pages ---------------------------------------------------------------------------------------


@claim("object events: PagesEntered")
def entered(seen: StepSeen, said: Said) -> None:
    pages, page = one(seen, said).pages, number(said["page"])
    before = was(seen).objects[said["object"]].pages if said["object"] in was(seen).objects else {}
    assert page in pages
    assert len(pages.keys() - before.keys()) == number(said["count"])
    if not said.plural:
        assert pages[page] == number(said["frame"])


@claim("object events: PagesLeft")
def left(seen: StepSeen, said: Said) -> None:
    before = was(seen).objects[said["object"]].pages
    pages = now(seen).objects[said["object"]].pages if said["object"] in now(seen).objects else {}
    page = number(said["page"])
    assert page in before and page not in pages
    assert len(before.keys() - pages.keys()) == number(said["count"])
    if not said.plural:
        assert before[page] == number(said["frame"])


@claim("object events: ObjectSearched/on")
def searched_on(seen: StepSeen, said: Said) -> None:
    found, page = one(seen, said), number(said["page"])
    assert page not in found.pages and page not in found.swapped
    assert found.shadow


@claim("object events: ObjectSearched/nowhere")
def searched_to_the_end(seen: StepSeen, said: Said) -> None:
    found, page = one(seen, said), number(said["page"])
    assert page not in was(seen).objects[said["object"]].pages
    assert page not in found.swapped
    assert not found.shadow
    assert found.kind != "file", "a file has all its pages"


@claim("object events: ObjectSearched/memory")
def found_in_memory(seen: StepSeen, said: Said) -> None:
    assert number(said["page"]) in one(seen, said).pages


@claim("object events: ObjectSearched/swap")
def found_in_swap(seen: StepSeen, said: Said) -> None:
    assert number(said["page"]) in one(seen, said).swapped


@claim("object events: ObjectSearched/file")
def found_in_file(seen: StepSeen, said: Said) -> None:
    found = one(seen, said)
    assert (found.shadow, number(said["page"]) >= 0) == ("", True)
    assert found.kind in ("file", "pager", "device")
    assert number(said["page"]) not in found.swapped


@claim("object events: PageCopied/here")
def copied_at(seen: StepSeen, said: Said) -> None:
    copied(seen, said)
    faulted_at(seen, said)


def faulted_at(seen: StepSeen, said: Said) -> None:
    """The fault before was in the page at that address."""
    before = seen.moment.events[: seen.step.index]
    faults = [event.va for event in before if isinstance(event, FaultRaised)]
    assert faults[-1] // PAGE * PAGE == number(said["address"])


@claim("object events: PageCopied")
def copied(seen: StepSeen, said: Said) -> None:
    page = number(said["page"])
    assert page in was(seen).objects[said["source"]].pages or page in now(seen).objects[said["source"]].pages
    assert one(seen, said).pages.get(page, number(said["frame"])) == number(said["frame"])


@claim("object events: PageDirtied")
def dirtied(seen: StepSeen, said: Said) -> None:
    assert number(said["page"]) in one(seen, said).dirty


@claim("object events: PageCleaned")
def cleaned(seen: StepSeen, said: Said) -> None:
    assert number(said["page"]) not in one(seen, said).dirty
    assert number(said["page"]) in was(seen).objects[said["object"]].dirty


@claim("object events: PageLost")
def lost(seen: StepSeen, said: Said) -> None:
    assert number(said["page"]) in was(seen).objects[said["object"]].dirty
    assert said["object"] not in now(seen).objects or number(said["page"]) not in one(seen, said).dirty


# ---- going out and coming back -------------------------------------------------------------------


def out(seen: StepSeen, said: Said) -> tuple[int, ObjectValue]:
    """The page is in no frame any more."""
    page = number(said["page"])
    assert page not in one(seen, said).pages
    assert number(said["frame"]) not in {
        frame for found in now(seen).objects.values() for frame in found.pages.values()
    }
    assert any(found.pages.get(page) == number(said["frame"]) for found in lately(seen, said)), "it was in this frame"
    return page, one(seen, said)


def lately(seen: StepSeen, said: Said) -> list[ObjectValue]:
    """The object at the steps before, the latest first: that a page leaves is told in several."""
    values = [then.value("objects").objects for then in (seen.before, *earlier_steps(seen, 5))]
    return [objects[said["object"]] for objects in values if said["object"] in objects]


@claim("object events: PageOut/swap")
def out_to_swap(seen: StepSeen, said: Said) -> None:
    page, found = out(seen, said)
    assert found.swapped[page] == number(said["slot"])


@claim("object events: PageOut/file")
def out_to_file(seen: StepSeen, said: Said) -> None:
    page, found = out(seen, said)
    assert page not in found.dirty
    assert found.kind == "file"
    assert any(page in earlier.dirty for earlier in lately(seen, said)), "else it is not written"


@claim("object events: PageOut/nowhere")
def out_of_a_file(seen: StepSeen, said: Said) -> None:
    page, found = out(seen, said)
    assert page not in found.dirty and page not in found.swapped
    assert not any(page in earlier.dirty for earlier in lately(seen, said)), "else it is written first"


@claim("object events: PageOut/nowhere/swap")
def out_of_swap(seen: StepSeen, said: Said) -> None:
    page, found = out(seen, said)
    assert page in found.swapped
    assert page in was(seen).objects[said["object"]].swapped


@claim("object events: PageOut/nowhere/zeroes")
def out_as_zeroes(seen: StepSeen, said: Said) -> None:
    page, found = out(seen, said)
    assert page not in found.swapped and page not in found.dirty
    assert found.kind != "file"


@claim("object events: PageIn")
def came_in(seen: StepSeen, said: Said) -> None:
    assert one(seen, said).swapped[number(said["page"])] == number(said["slot"])


@claim("object events: SwapFreed")
def swap_freed(seen: StepSeen, said: Said) -> None:
    before = was(seen).objects[said["object"]].swapped
    after = now(seen).objects[said["object"]].swapped if said["object"] in now(seen).objects else {}
    assert len(before.keys() - after.keys()) == number(said["count"])
    if not said.plural:
        assert before[number(said["page"])] == number(said["slot"])


@claim("object events: SwapMoved")
def swap_moved(seen: StepSeen, said: Said) -> None:
    theirs, mine = was(seen).objects[said["before"]].swapped, one(seen, said).swapped
    before = was(seen).objects[said["object"]].swapped
    assert len(mine.keys() - before.keys()) == number(said["count"])
    assert mine.keys() - before.keys() <= theirs.keys()
    if not said.plural:
        assert number(said["page"]) in mine


@claim("object events: SwapResized")
def swap_resized(seen: StepSeen, said: Said) -> None:
    assert now(seen).swap * PAGE == bytes_of(said["size"])


@claim("object events: FileResized")
def resized(seen: StepSeen, said: Said) -> None:
    assert now(seen).files[said["file"]] == bytes_of(said["size"])
    assert was(seen).files[said["file"]] == bytes_of(said["before"])


@claim("object events: FileResized/new")
def made_a_file(seen: StepSeen, said: Said) -> None:
    made: ObjectsValue = seen.now.value("objects")  # it is listed once it is made
    assert made.files[said["file"]] == bytes_of(said["size"])
    assert was(seen).files.get(said["file"], -1) == -1


@claim("object events: FileResized/gone")
def lost_a_file(seen: StepSeen, said: Said) -> None:
    assert now(seen).files.get(said["file"], -1) == -1
    assert was(seen).files[said["file"]] >= 0


# ---- tasks ---------------------------------------------------------------------------------------


@claim("object events: TaskForked")
def forked(seen: StepSeen, said: Said) -> None:
    parents = {name: one.parent for name, one in seen.machine.tasks.items()}
    assert getattr(parents[said["child"]], "name", parents[said["child"]]) == said["task"]


@claim("object events: TaskExited")
def exited(seen: StepSeen, said: Said) -> None:
    operation, task, why = seen.moment.operation, said["task"], said["why"]
    assert operation is not None
    assert task not in seen.machine.tasks
    if why == "fork failed":
        assert operation.name == "fork"
        return
    assert task in seen.started.tasks
    if why == "it was killed, since memory ran out":
        assert seen.machine.system.ends.kills
        assert operation.target != f"task:{task}" or operation.name != "exit"
    else:
        assert why == "it ended"
        assert operation.target == f"task:{task}" or seen.machine.threads.value().threads


@claim("object events: SignalSent")
def signalled(seen: StepSeen, said: Said) -> None:
    got = seen.machine.tasks[said["task"]].signals[-1]
    assert (got.name, int(got.address)) == (said["signal"], number(said["address"]))
