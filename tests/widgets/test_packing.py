"""The bytes of pictures: what all of them say is in a dictionary, which is not made of the pictures here."""

from __future__ import annotations

import json
import zlib
from functools import partial

import pytest

from tools.benchmarks.stepping import drawn, subjects
from vmwidgets.pictures.film import film_of
from vmwidgets.widgets.host.packing import dictionary, pack, pack_film, unpack, unpack_text

NOW = {"number": 4, "place": -1}


def test_the_dictionary_pays_for_each_picture_and_half_of_them_pay_for_it() -> None:
    saved = []
    for _, picture in subjects():
        frame = pack(picture.scene(), NOW)
        saved.append(len(zlib.compress(unpack_text(frame).encode(), 6)) - len(frame))
    assert min(saved) > 0
    assert sum(saved) > 2 * len(zlib.compress(dictionary(), 9))


def test_a_film_repeats_nothing_of_the_dictionary_or_of_its_frame() -> None:
    others = subjects()
    (_, picture), (_, other) = next(others), next(others)
    assert picture.machine is not None
    frame = pack(picture.scene(), NOW)
    film = film_of(partial(drawn, picture, picture.machine.journal.last.serial), picture.scene())
    assert film is not None
    packed = pack_film(film, picture.operation, frame)
    text = unpack_text(packed, frame)
    assert json.loads(text)["frames"] == list(film.frames)
    for known in (dictionary(), unpack_text(frame).encode()):
        packer = zlib.compressobj(9, zdict=known)
        assert len(packed) < len(packer.compress(text.encode()) + packer.flush())
    with pytest.raises(zlib.error):
        unpack_text(packed, pack(other.scene(), NOW))
    with pytest.raises(zlib.error):
        unpack_text(packed)


def test_a_picture_of_an_earlier_version_is_read_and_one_with_a_foreign_dictionary_is_refused() -> None:
    text = json.dumps({"scene": {"title": "…"}, "when": NOW}).encode()
    assert unpack(zlib.compress(text))["when"] == NOW
    packer = zlib.compressobj(zdict=dictionary()[1:])
    with pytest.raises(zlib.error):
        unpack(packer.compress(text) + packer.flush())
