"""Examples of docstrings and docs run in an empty folder and a kernel that has begun no lab, whatever ran before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_lab_before(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An example has a folder and a session of its own: results of the next one would say whom they count for."""
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    monkeypatch.chdir(request.getfixturevalue("tmp_path"))
    from vmwidgets.labs import lab  # noqa: F401  which registers the exercises that ship
    from vmwidgets.labs.session import Session

    with Session():
        yield
