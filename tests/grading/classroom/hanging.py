"""What keeps a judge busy for longer than anybody waits: a journal without end, each line of it right."""

from __future__ import annotations

import json
from pathlib import Path

from tests.grading.synthetic import solved

from .forged import packed_as, unpacked
from .kinds import GUARD, Kind, Rows, changed, guard, hand_in, of_lab

OPERATIONS = 100_000
"""Of a journal; a thousand or so are done in a second, and the test waits for two."""


def the_same_again(path: Path, student: str) -> Rows:
    """An operation that changes nothing, again and again; the other exercise of the file is right."""
    output = solved("01/gaps", student)
    *lines, _end = unpacked(output)
    last = [line for line in lines if "operation" in line][-1]
    start = int(last["result"]["hex"].replace("_", ""), 16)
    arguments = {"start": start, "size": 4096, "prot": "rw"}
    rest = {"target": last["target"], "name": "protect", "arguments": arguments, "outcome": "done", "result": None}
    text = json.dumps(rest)[1:]
    again = (f'{{"operation": {serial}, {text}' for serial in range(last["operation"] + 1, OPERATIONS))
    hand_in(
        path, student, "01", changed(output, work=packed_as(output, (*map(json.dumps, lines), *again))), guard(student)
    )
    return of_lab(path, "01", {"01/gaps": (0, "not judged: judging took longer than "), "01/guard": GUARD})


HANGING = [Kind("hanging: a journal without end", the_same_again)]
