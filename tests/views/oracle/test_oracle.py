"""Each sentence above a picture is true: held against the machine before and after, in lives at random."""

from __future__ import annotations

import pytest

from vmwidgets.views.story.words.registry import TEMPLATES

from . import makers_beside, makers_domains, makers_forks, makers_kmem, makers_maps, makers_pictures  # noqa: F401  # which list lives
from .claiming import CLAIMS, Court, Heard, parts_of
from .court import LIVES, held, long_life
from .forty_lives import of_a_map, of_files, of_kernel_memory, of_processors, of_threads
from .makers import listed
from .mutants import Doubter, doubted, doubted_in, opposites


@pytest.fixture(scope="module")
def court() -> Court:
    """The beginning of a life of each kind, half of them on either architecture; the sweep hears long ones."""
    court = Court()
    for part, (architecture, seed) in enumerate((("x86-64", 0), ("armv7", 1))):
        held(court, architecture, seed, list(LIVES)[part::2], most=20)
    return court


def test_what_is_said_is_so(court: Court) -> None:
    assert court.wrong == []
    assert sum(court.met.values()) > 1000


def test_a_claim_reads_all_that_its_sentence_names(court: Court) -> None:
    left = {key: claim.offered - claim.read for key, claim in CLAIMS.items() if court.met[key]}
    assert {key: names for key, names in left.items() if names} == {}


def test_each_template_has_a_claim() -> None:
    assert set(TEMPLATES) - set(CLAIMS) == set(), "these say what nothing holds against a machine"
    assert set(CLAIMS) - set(TEMPLATES) == set(), "these are claims of sentences that nothing says"


def test_a_text_is_put_together_of_whole_sentences_only() -> None:
    heard = [Heard("a", "It is so."), Heard("b", "It")]
    assert parts_of("It is so. It is so.", heard) == [heard[0], heard[0]]
    assert parts_of("It is so, It", heard) is None
    assert LIVES


def are_found(doubter: Doubter, at_least: int) -> None:
    """Print the rates; of each kind 9 of 10 mutants are found, of so many that there are of it."""
    assert doubter.wrong == []
    for kind, (found, tried) in doubter.rates().items():
        print(f"{kind}: {found:,} of {tried:,} found ({found / max(1, tried):.0%})")
    few = {kind: tried for kind, (_, tried) in doubter.rates().items() if tried < at_least}
    seldom = {kind: rate for kind, rate in doubter.rates().items() if rate[0] < 0.9 * rate[1]}
    assert (few, seldom) == ({}, {}), doubter.left()


def test_what_is_made_false_is_found_in_small_lives() -> None:
    are_found(doubted_in((of_a_map(), of_files(), of_processors(), of_threads(), of_kernel_memory())), 20)


@pytest.mark.sweep
def test_what_is_made_false_is_found() -> None:
    are_found(doubted(4), 100)


def test_opposites_say_the_opposite() -> None:
    assert "map operations: access/walked" in opposites("map operations: access/hit")
    assert "object operations: page_out/nothing" in opposites("object operations: page_out")
    assert opposites("object operations: exit") == ()


OFTEN = 20
"""So often a template is met in the sweep, or it is listed with a life that makes it."""


@pytest.mark.sweep
def test_so_it_is_in_long_lives() -> None:
    court, _ = long_life(100_000)
    assert court.wrong == []
    seldom = {key for key in TEMPLATES if court.met[key] < OFTEN}
    assert seldom <= listed(), "give each of these a life in makers_….py that makes it, or take out what none can make"
