"""Examples of docstrings and docs run in a kernel that has begun no lab, whatever ran before them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_lab_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """An example has a session of its own: results of the next one would say whom they count for."""
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    from vmwidgets.labs import lab  # noqa: F401  which registers the exercises that ship
    from vmwidgets.labs.session import Session

    with Session():
        yield
