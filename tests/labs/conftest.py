"""Each test is a kernel of its own: it has begun nothing, and knows the exercises that ship."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vmwidgets.labs import lab  # noqa: F401  which registers them
from vmwidgets.labs.session import Session


@pytest.fixture(autouse=True)
def session() -> Iterator[Session]:
    """The session of this test."""
    with Session() as made:
        yield made
