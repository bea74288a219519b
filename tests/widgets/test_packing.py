"""The bytes of pictures: what all of them say is in a dictionary, which is not made of the pictures here."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from functools import partial

import pytest

import vmwidgets as vm
from tools.dictionary import drawn
from vmwidgets.pictures.film import film_of
from vmwidgets.pictures.picture import Picture
from vmwidgets.widgets.host.packing import dictionary, pack, pack_film, unpack, unpack_text

NOW = {"number": 4, "place": -1}


def subjects() -> Iterator[tuple[str, Picture]]:
    """Pictures after operations with steps; their machines live until the last of them is drawn."""
    machine = vm.boot("x86-64")
    for rights in ("rw", "r", "rw"):
        machine.kernel_map.enter("16 KiB", prot=rights)
    kinds = (vm.Map, vm.Kentry, vm.Slabs, vm.Dashboard)
    found = [(f"enter, {kind.__name__}", vm.picture(kind(machine))) for kind in kinds]
    for _, picture in found:
        picture.scene()
    other = vm.boot("x86-64")
    task = other.task("init")
    start = task.mmap("64 KiB")
    task.write(start, b"x" * 9000)
    child = task.fork("child")
    child.write(start, b"own")
    kinds_of_copies = (vm.Fault, vm.Objects, vm.Frames, vm.Sharing, vm.Tlb)
    found += [(f"copy, {kind.__name__}", vm.picture(kind(other))) for kind in kinds_of_copies]
    yield from found
    yield "copy, Tables", vm.picture(vm.Tables(child))
    yield "copy, Walk", vm.picture(vm.Walk(child.walk(start)))


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
