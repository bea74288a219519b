"""What headlines claim of files, swap space, replacement, costs and failures on purpose."""

from __future__ import annotations

from .claiming import Said, Seen, claim
from .claims_maps import number_given
from .claims_objects import dirty, file_of
from .reading import PAGE, bytes_of, bytes_of_given, counted, entries, number, resident


@claim("object operations: file")
def made_file(seen: Seen, said: Said) -> None:
    assert said["file"] not in seen.before.files
    assert int(seen.machine.files[said["file"]].size) == bytes_of(said["size"])


@claim("object operations: file/reason")
def comes_when_used(seen: Seen, said: Said) -> None:
    assert resident(seen.machine) == resident(seen.before)


@claim("object operations: pager")
def made_pager(seen: Seen, said: Said) -> None:
    assert said["name"] == str(seen.given["name"])
    size = seen.given["size"]
    assert bytes_of(said["size"]) == bytes_of_given(size)


@claim("object operations: file read")
def read_file(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    assert number(said["count"]) == len(seen.operation.result)


@claim("object operations: file write")
def wrote_file(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    assert number(said["count"]) == len(seen.given["data"])


@claim("object operations: file/pages")
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


@claim("object operations: sync")
def synced(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    name = f"file {said['file']}"
    was = {page for one, page in dirty(seen.before) if one == name}
    left = {page for one, page in dirty(seen.machine) if one == name}
    assert left == set()
    assert number(said["count"]) >= len(was)


@claim("object operations: truncate")
def truncated(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    assert int(seen.machine.files[said["file"]].size) == bytes_of(said["size"])
    assert int(seen.before.files[said["file"]].size) == bytes_of(said["before"])


@claim("object operations: truncate/reason")
def mappings_stay(seen: Seen, said: Said) -> None:
    for name in seen.machine.tasks:
        assert entries(seen.before, f"task:{name}/map") == entries(seen.machine, f"task:{name}/map")
    assert int(seen.machine.files[file_of(seen)].size) < int(seen.before.files[file_of(seen)].size)


@claim("object operations: vanish")
def vanished(seen: Seen, said: Said) -> None:
    assert said["file"] == file_of(seen)
    assert seen.before.memory_objects.value().files[said["file"]] >= 0
    assert seen.machine.memory_objects.value().files.get(said["file"], -1) == -1


@claim("object operations: vanish/reason")
def its_mappings_stay(seen: Seen, said: Said) -> None:
    for name in seen.machine.tasks:
        assert entries(seen.before, f"task:{name}/map") == entries(seen.machine, f"task:{name}/map")


@claim("object operations: swap_on")
def swaps(seen: Seen, said: Said) -> None:
    assert seen.machine.memory_objects.value().swap * PAGE == bytes_of(said["size"])


@claim("object operations: swap_on/reason")
def can_go_there(seen: Seen, said: Said) -> None:
    assert seen.machine.memory_objects.value().swap > 0


# ---- replacement, costs, failures ------------------------------------------------------------------


@claim("object operations: set_replacement")
def replaced_by(seen: Seen, said: Said) -> None:
    assert seen.machine.replacement.setting.policy == said["policy"]


@claim("object operations: set_replacement/local")
def replaced_locally(seen: Seen, said: Said) -> None:
    setting = seen.machine.replacement.setting
    assert setting.local or setting.policy == "working set"


@claim("object operations: set_replacement/all")
def replaced_globally(seen: Seen, said: Said) -> None:
    assert not seen.machine.replacement.setting.local


@claim("object operations: set_costs")
def costs_are_told(seen: Seen, said: Said) -> None:
    assert seen.machine.costs is not None


@claim("object operations: set_costs/reason")
def costs_so_much(seen: Seen, said: Said) -> None:
    factors = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}
    for name in ("memory", "minor", "major"):
        value, unit = said[name].split(" ")
        wanted = float(getattr(seen.machine.costs, name))
        assert abs(float(value.replace(",", "")) * factors[unit] - wanted) <= wanted / 100


@claim("object operations: forget_costs")
def costs_are_not_told(seen: Seen, said: Said) -> None:
    assert seen.machine.costs is None


@claim("object operations: replace_by")
def a_function_says(seen: Seen, said: Said) -> None:
    assert "function" in seen.machine.replacement.policy


@claim("object operations: replace_by/reason")
def is_given_those(seen: Seen, said: Said) -> None:
    assert seen.says("object operations: replace_by")


@claim("object operations: read_ahead")
def reads_ahead(seen: Seen, said: Said) -> None:
    assert number(said["count"]) == seen.given["pages"]


@claim("object operations: kill_when_out_of_memory")
def kills(seen: Seen, said: Said) -> None:
    assert seen.given.get("kills", True)


@claim("object operations: kill_when_out_of_memory/no")
def kills_no_more(seen: Seen, said: Said) -> None:
    assert not seen.given["kills"]


@claim("object operations: inject")
def injected(seen: Seen, said: Said) -> None:
    assert (said["every"], said["point"]) == (str(seen.given["every"]), str(seen.given["point"]))
    assert int(said["every"]) > 1


@claim("object operations: inject/all")
def injected_all(seen: Seen, said: Said) -> None:
    assert said["point"] == str(seen.given["point"])
    assert seen.given.get("every", 1) == 1


@claim("object operations: stop")
def injection_stopped(seen: Seen, said: Said) -> None:
    assert seen.operation.result == number(said["count"])


@claim("object operations: signal")
def signalled(seen: Seen, said: Said) -> None:
    task = seen.machine.tasks[said["task"]]
    assert said["signal"] in str(list(task.signals)[-1])


@claim("object operations: killed")
def killed(seen: Seen, said: Said) -> None:
    assert said["task"] in seen.before.tasks
    assert said["task"] not in seen.machine.tasks
