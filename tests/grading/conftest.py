"""Processes that judge are kept from test to test: to start one takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vmwidgets.grading import run
from vmwidgets.grading.places import Here, Judges


@pytest.fixture(scope="session")
def judges() -> Iterator[Judges]:
    """Those of all tests; work is judged alike whatever was judged before, as one of them shows."""
    kept = Judges()
    yield kept
    kept.close()


@pytest.fixture(autouse=True, scope="module")
def _kept(judges: Judges) -> Iterator[None]:
    class Kept(Here):
        def __init__(self, jobs: int = 0, submissions: Path | None = None) -> None:
            super().__init__(jobs, submissions)
            self._judges = judges

        def close(self) -> None:
            self._threads.shutdown(cancel_futures=True)

    with pytest.MonkeyPatch.context() as context:
        context.setattr(run, "Here", Kept)
        yield
