"""Each template that random lives seldom meet has a small life that makes it."""

from __future__ import annotations

import pytest

from vmwidgets.views.story.words.registry import TEMPLATES

from . import (  # noqa: F401  # which list claims and lives
    court,
    makers_beside,
    makers_domains,
    makers_forks,
    makers_kmem,
    makers_maps,
    makers_pictures,
)
from .makers import MAKERS, listed, made_by


@pytest.mark.parametrize("name", MAKERS)
def test_a_life_makes_what_it_is_listed_for(name: str) -> None:
    life, keys = MAKERS[name]
    made = made_by(life)
    assert made.wrong == []
    assert {key for key in keys if not made.met[key]} == set()


def test_what_is_listed_is_a_template() -> None:
    assert listed() <= TEMPLATES.keys()
