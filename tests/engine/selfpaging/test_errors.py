from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import vmwidgets.engine.selfpaging
from vmwidgets.engine.selfpaging.errors import MEANINGS, LibError, UndoLog


def test_every_name_is_the_error_of_something():
    folder = Path(vmwidgets.engine.selfpaging.__file__).parent
    sources = [path.read_text() for path in folder.glob("*.py") if path.name != "errors.py"]
    assert [name for name in MEANINGS if not any(f'"{name}"' in text for text in sources)] == []


def test_an_error_undoes_its_own_block_and_nothing_that_an_inner_one_completed():
    done, told = ["first"], []
    log = UndoLog(lambda error: told.append(error.name))
    with suppress(LibError), log:
        done.append("outer")
        log.add(done.remove, "outer")
        with log:
            done.append("inner")
            log.add(done.remove, "inner")
        raise LibError("MM_ERR_NOT_FOUND")
    assert (done, told) == (["first", "inner"], ["MM_ERR_NOT_FOUND"])


def test_a_step_that_undoes_can_do_what_is_undone_itself():
    """It makes things again, and notes how that is undone: no later error undoes it."""
    done, log = [], UndoLog()

    def make(name):
        done.append(name)
        log.add(done.remove, name)

    for _ in range(2):
        with suppress(LibError), log:
            log.add(make, "again")
            raise LibError("MM_ERR_NOT_FOUND")
    assert done == ["again", "again"]
    with suppress(LibError), log:
        raise LibError("MM_ERR_NOT_FOUND")
    assert done == ["again", "again"]
