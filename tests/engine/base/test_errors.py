from __future__ import annotations

import pytest

from vmwidgets.engine.base.errors import (
    ERROR_CODES,
    Broken,
    KernelError,
    KernelPanic,
    Refused,
    VMError,
    kernel_error,
    printable,
    shown,
)


def test_three_kinds_of_failure_and_a_fourth_that_is_ours():
    kinds = [Refused, KernelError, KernelPanic]
    assert all(issubclass(kind, VMError) for kind in kinds)
    assert not any(issubclass(one, other) for one in kinds for other in kinds if one is not other)
    assert not issubclass(Broken, VMError)
    assert issubclass(Refused, ValueError)


@pytest.mark.parametrize(
    ("name", "code"), [("NOMEM", 1), ("AGAIN", 2), ("INVAL", 3), ("BUSY", 4), ("FAULT", 5), ("ACCES", 6), ("IO", 7)]
)
def test_kernel_errors_have_the_originals_numbers(name, code):
    error = kernel_error(name, "because")
    assert (error.name, error.code, error.reason, str(error)) == (name, code, "because", f"{name}: because")
    assert len(ERROR_CODES) == 7


def test_a_panic_says_which():
    panic = KernelPanic("wrap", "it wraps")
    assert (panic.name, panic.reason, str(panic)) == ("wrap", "it wraps", "panic (wrap): it wraps")


HOSTILE = "a\x1b[31m\n\r\u202e\u2028\x9b\x00\ud800é"


def test_what_can_not_be_printed_is_spelled_out():
    assert printable(HOSTILE) == r"a\x1b[31m\n\r\u202e\u2028\x9b\x00\ud800é"
    assert printable("plain 'text' of \\ é 漢") == "plain 'text' of \\ é 漢"


@pytest.mark.parametrize("error", [Refused(HOSTILE), KernelPanic("wrap", HOSTILE), kernel_error("NOMEM", HOSTILE)])
def test_sentences_are_one_line_that_terminals_take(error):
    assert str(error).isprintable()
    assert getattr(error, "reason", "").isprintable()


def test_values_are_shown_whatever_they_answer():
    class Hostile:
        def __repr__(self):
            return "x\x1b[2Jy"

    class Raising:
        def __repr__(self):
            raise RuntimeError("no")

    assert (shown(Hostile()), shown(Raising())) == (r"x\x1b[2Jy", "a Raising")
