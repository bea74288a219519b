"""What headlines claim of files, swap space, replacement, costs and failures on purpose."""

from __future__ import annotations

from .claiming import Said, Seen, claim
from .claims_maps import number_given
from .claims_objects import dirty, file_of
from .reading import PAGE, bytes_of, bytes_of_given, counted, entries, number, resident


@claim("object operations: file", "There is a file {file} of {size}.")
def made_file(seen: Seen, said: Said) -> None:
    assert said["file"] not in seen.before.files
    assert int(seen.machine.files[said["file"]].size) == bytes_of(said["size"])


@claim("object operations: file/reason", "Its pages are brought into memory when they are used.")
def comes_when_used(seen: Seen, said: Said) -> None:
    assert resident(seen.machine) == resident(seen.before)


@claim("object operations: pager", "There is a memory object {name} of {size}, whose pages a function supplies.")
def made_pager(seen: Seen, said: Said) -> None:
    assert said["name"] == str(seen.given["name"])
    size = seen.given["size"]
    assert bytes_of(said["size"]) == bytes_of_given(size)


@claim("object operations: file read", "read returned 1 byte of {file}.", "read returned {count} bytes of {file}.")
def read_file(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    assert number(said["count"]) == len(seen.operation.result)


@claim("object operations: file write", "write stored 1 byte in {file}.", "write stored {count} bytes in {file}.")
def wrote_file(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    assert number(said["count"]) == len(seen.given["data"])


@claim("object operations: file/pages", "{hits} already in memory, {misses} read in.")
def pages_of_file(seen: Seen, said: Said) -> None:
    name = f"file {file_of(seen)}"
    at = number_given(seen, "offset") if "offset" in seen.given else 0
    data = seen.given.get("data", seen.operation.result)
    used = set(range(at // PAGE, -(-(at + len(data)) // PAGE)))
    there = {page for one, page in resident(seen.before) if one == name}
    came = {page for one, page in resident(seen.machine) if one == name} - there
    hits, misses = counted(said["hits"]), counted(said["misses"])
    assert hits <= len(used & there)
    assert misses >= len(came)
    assert hits + misses >= len(used)
    if seen.machine.kmem.pages.available > FEW and not seen.machine.system.injections.rules:
        assert (hits, misses) == (len(used & there), len(came)), "nothing left memory meanwhile, and came again"
        assert used - there <= came


FEW = 100
"""So few frames that pages of tasks may have to leave them."""


@claim("object operations: sync", "sync wrote 1 page of {file} back.", "sync wrote {count} pages of {file} back.")
def synced(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    name = f"file {said['file']}"
    was = {page for one, page in dirty(seen.before) if one == name}
    left = {page for one, page in dirty(seen.machine) if one == name}
    assert left == set()
    assert number(said["count"]) >= len(was)


@claim("object operations: truncate", "truncate changed the size of {file} from {before} to {size}.")
def truncated(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    assert int(seen.machine.files[said["file"]].size) == bytes_of(said["size"])
    assert int(seen.before.files[said["file"]].size) == bytes_of(said["before"])


@claim("object operations: truncate/reason", "Mappings remain: an access to the part that was cut off gets SIGBUS.")
def mappings_stay(seen: Seen, said: Said) -> None:
    for name in seen.machine.tasks:
        assert entries(seen.before, f"task:{name}/map") == entries(seen.machine, f"task:{name}/map")
    assert int(seen.machine.files[file_of(seen)].size) < int(seen.before.files[file_of(seen)].size)


@claim("object operations: vanish", "The disk of {file} is gone.")
def vanished(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    assert seen.before.memory_objects.value().files[said["file"]] >= 0
    assert seen.machine.memory_objects.value().files.get(said["file"], -1) == -1


@claim("object operations: vanish/reason", "Mappings of it remain: using them raises SIGBUS.")
def its_mappings_stay(seen: Seen, said: Said) -> None:
    for name in seen.machine.tasks:
        assert entries(seen.before, f"task:{name}/map") == entries(seen.machine, f"task:{name}/map")


@claim("object operations: swap_on", "Swap space is {size}.")
def swaps(seen: Seen, said: Said) -> None:
    assert seen.machine.memory_objects.value().swap * PAGE == bytes_of(said["size"])


@claim("object operations: swap_on/reason", "Pages of tasks can be paged out to it when memory runs short.")
def can_go_there(seen: Seen, said: Said) -> None:
    assert seen.machine.memory_objects.value().swap > 0


# ---- replacement, costs, failures ------------------------------------------------------------------


@claim("object operations: set_replacement", "Pages are replaced by {policy} from now on.")
def replaced_by(seen: Seen, said: Said) -> None:
    assert seen.machine.replacement.setting.policy == said["policy"]


@claim("object operations: set_replacement/local", "A task that needs a frame gives up one of its own.")
def replaced_locally(seen: Seen, said: Said) -> None:
    setting = seen.machine.replacement.setting
    assert setting.local or setting.policy == "working set"


@claim("object operations: set_replacement/all", "A task that needs a frame may take one from any other task.")
def replaced_globally(seen: Seen, said: Said) -> None:
    assert not seen.machine.replacement.setting.local


@claim("object operations: set_costs", "From now on, operations report how long their accesses took.")
def costs_are_told(seen: Seen, said: Said) -> None:
    assert seen.machine.costs is not None


@claim(
    "object operations: set_costs/reason",
    "A reference to memory takes {memory}, a minor fault {minor}, a major fault {major}.",
)
def costs_so_much(seen: Seen, said: Said) -> None:
    factors = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}
    for name in ("memory", "minor", "major"):
        value, unit = said[name].split(" ")
        wanted = float(getattr(seen.machine.costs, name))
        assert abs(float(value.replace(",", "")) * factors[unit] - wanted) <= wanted / 100


@claim("object operations: forget_costs", "Operations no longer report times.")
def costs_are_not_told(seen: Seen, said: Said) -> None:
    assert seen.machine.costs is None


@claim("object operations: replace_by", "From now on, a function chooses which page to evict.")
def a_function_says(seen: Seen, said: Said) -> None:
    assert "function" in seen.machine.replacement.policy


@claim("object operations: replace_by/reason", "The function receives the pages that can be evicted.")
def is_given_those(seen: Seen, said: Said) -> None:
    assert seen.says("object operations: replace_by")


@claim(
    "object operations: read_ahead",
    "1 page of a file is read in after each one that is asked for.",
    "{count} pages of a file are read in after each one that is asked for.",
)
def reads_ahead(seen: Seen, said: Said) -> None:
    assert number(said["count"]) == seen.given["pages"]


@claim(
    "object operations: kill_when_out_of_memory",
    "From now on, the task with the most pages is killed when memory runs out.",
)
def kills(seen: Seen, said: Said) -> None:
    assert seen.given.get("kills", True)


@claim(
    "object operations: kill_when_out_of_memory/no",
    "From now on, a fault ends with NOMEM when memory runs out.",
)
def kills_no_more(seen: Seen, said: Said) -> None:
    assert not seen.given["kills"]


@claim("object operations: inject", "One request in {every} at point {point} fails from now on.")
def injected(seen: Seen, said: Said) -> None:
    assert (said["every"], said["point"]) == (str(seen.given["every"]), str(seen.given["point"]))
    assert int(said["every"]) > 1


@claim("object operations: inject/all", "Each request at point {point} fails from now on.")
def injected_all(seen: Seen, said: Said) -> None:
    assert said["point"] == str(seen.given["point"])
    assert seen.given.get("every", 1) == 1


@claim(
    "object operations: stop", "Requests succeed again; 1 has failed.", "Requests succeed again; {count} have failed."
)
def injection_stopped(seen: Seen, said: Said) -> None:
    assert seen.operation.result == number(said["count"])


@claim("object operations: signal", "Task {task} got {signal}.")
def signalled(seen: Seen, said: Said) -> None:
    task = seen.machine.tasks[said["task"]]
    assert said["signal"] in str(list(task.signals)[-1])


@claim("object operations: killed", "Task {task} was killed: memory ran out.")
def killed(seen: Seen, said: Said) -> None:
    assert said["task"] in seen.before.tasks
    assert said["task"] not in seen.machine.tasks
