"""Pictures without a page: made, saved, and nothing of them left alive."""

import gc
import json
import re
import struct
import sys
import weakref
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import ipywidgets
import pypdfium2
import pytest

import vmwidgets as vm
from vmwidgets.pictures.at import At
from vmwidgets.pictures.registry import known_pictures, picture_of
from vmwidgets.sources.workload import allocate
from vmwidgets.views.scene.model import Caption, Scene, Steps, Table
from vmwidgets.widgets.host.pictures import pictures_of

AROUND = 2 * (24 - 14)
"""Pixels by which a file is wider than its drawing: a drawing has margins of 14, and a file has 24."""


@pytest.fixture
def machine() -> vm.Machine:
    m = vm.boot(layout="tiny")
    m.kernel_map.enter("16 KiB")
    return m


def test_a_picture_is_what_its_view_shows(machine: vm.Machine) -> None:
    task = machine.task("t")
    d = machine.domain("d")
    m = machine
    things = [m, m.kernel_map, m.kentry, m.walk(m.kernel_map.start), m.cpus, m.kmem, m.frames, m.caches, m.threads,
              task, d, m.tables_of(None), vm.compare_formats([(0, "64 KiB")]),
              vm.compare([allocate("a", "4 KiB")])]  # fmt: skip
    for thing in things:
        view = vm.show(thing)
        assert vm.picture(thing).scene() == view.scene()
        view.close()


def test_a_picture_makes_no_model_and_follows_nothing(machine: vm.Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ipywidgets.Widget] = []
    monkeypatch.setattr(ipywidgets.Widget, "open", made.append)
    picture = vm.picture(machine)
    assert picture.to_svg()
    assert made == []
    assert not list(pictures_of(machine).views)
    kept = weakref.ref(picture)
    del picture
    gc.collect()
    assert kept() is None


def test_a_picture_keeps_its_machine() -> None:
    picture = vm.picture(vm.boot(layout="tiny").kernel_map)
    gc.collect()
    assert picture.scene().title == "kernel_map"


@pytest.mark.parametrize("ending", ["svg", "html", "json", "dot", "txt", "png"])
def test_a_file_holds_the_picture_in_the_format_of_its_name(machine: vm.Machine, tmp_path: Path, ending: str) -> None:
    picture = vm.picture(machine.kernel_map)
    path = picture.save(tmp_path / f"map.{ending}")
    data = path.read_bytes()
    if ending == "png":
        scene = picture.scene()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">I", data[16:20])[0] == round(2 * (scene.width + AROUND))
    elif ending == "json":
        assert json.loads(data) == json.loads(json.dumps(picture.to_json()))
    else:
        texts: dict[str, Callable[[], str]] = {
            "svg": partial(picture.to_svg, theme="light"),
            "html": picture.to_html,
            "dot": picture.to_dot,
            "txt": picture.to_text,
        }
        assert data.decode().strip() == texts[ending]().strip()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_another_ending_is_refused_and_writes_nothing(machine: vm.Machine, tmp_path: Path) -> None:
    with pytest.raises(vm.Refused, match=r"ends in '.eps'; it must end in .svg, .pdf, .html, .json, .dot, .txt, .png"):
        vm.picture(machine).save(tmp_path / "map.eps")
    assert not list(tmp_path.iterdir())


def test_a_file_that_can_not_be_written_leaves_the_old_one(
    machine: vm.Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(vm.Refused, match="can't be written: No such file"):
        vm.picture(machine).save(tmp_path / "none" / "map.svg")
    path = tmp_path / "map.svg"
    path.write_text("old")

    def full(_part: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(vm.Refused, match="can't be written: No space left"):
        vm.picture(machine).save(path)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["map.svg"]


def test_a_pdf_is_one_page_of_vectors_as_large_as_the_picture_with_its_words_and_fonts(
    machine: vm.Machine, tmp_path: Path
) -> None:
    picture = vm.picture(machine.kernel_map)
    data = picture.save(tmp_path / "map.pdf").read_bytes()
    document = pypdfium2.PdfDocument(data)
    (page,) = document
    size = re.search(r' width="([\d.]+)" height="([\d.]+)"', picture.to_svg())
    assert page.get_size() == pytest.approx([0.75 * float(one) for one in size.groups()])
    assert "boot range" in page.get_textpage().get_text_range()
    kinds = [one.type for one in page.get_objects()]
    assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in kinds
    fonts = re.findall(rb"/BaseFont ?/([^\s/>]+)", data)
    assert fonts
    assert all(re.match(rb"[A-Z]{6}\+", font) for font in fonts), "a part of each font is in the file"
    dates = {name: value for name, value in document.get_metadata_dict().items() if "Date" in name}
    assert set(dates.values()) == {""}
    assert picture.save(tmp_path / "again.pdf").read_bytes() == data
    assert picture.save(tmp_path / "dark.pdf", theme="dark").read_bytes() != data


@pytest.mark.parametrize(("package", "extra"), [("typst", "figures"), ("resvg_py", "png")])
def test_without_its_extra_a_format_is_refused_with_the_command_that_installs_it(
    machine: vm.Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    ending = "pdf" if extra == "figures" else "png"
    with pytest.raises(vm.Refused, match=rf'needs the extra "{extra}": pip install .*\[{extra}\]'):
        vm.picture(machine).save(tmp_path / f"map.{ending}")
    assert not list(tmp_path.iterdir())


def test_a_worksheet_a_snapshot_and_each_step_can_be_a_pdf(tmp_path: Path) -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter("16 KiB")
    view = vm.Tree(machine.kernel_map)
    files = [view.snapshot().save(tmp_path / "then.pdf"), view.save(tmp_path / "step-*.pdf")]
    assert len(list(tmp_path.glob("step-*.pdf"))) == view.steps > 1
    task = machine.task("init")
    task.write(task.mmap("4 KiB"), b"x")
    files.append(vm.picture(vm.Fault(task)).blank("error code").save(tmp_path / "sheet.pdf"))
    for file in files:
        assert len(pypdfium2.PdfDocument(file.read_bytes())) == 1


def first_pixel(png: bytes) -> tuple[int, ...]:
    """The colour of the first pixel: it has no neighbours, so it is stored as it is."""
    at, data = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return tuple(zlib.decompress(data)[1:4])


def test_a_png_has_the_theme_and_the_size_that_were_asked_for(machine: vm.Machine) -> None:
    picture = vm.picture(machine.kernel_map)
    light, dark = picture.to_png(scale=1), picture.to_png(theme="dark", scale=1)
    assert first_pixel(light) == (0xFF, 0xFF, 0xFF)
    assert first_pixel(dark) == (0x14, 0x18, 0x1D)
    assert len(light) > 5_000 < len(dark), "there is something on the ground"
    assert struct.unpack(">I", light[16:20])[0] == round(picture.scene().width) + AROUND
    for wrong in ({"theme": "blue"}, {"scale": 0}):
        with pytest.raises(vm.Refused, match="it must be"):
            picture.to_png(**wrong)


@pytest.fixture
def _registry() -> Iterator[None]:
    from vmwidgets.pictures import registry

    pictures, shown = dict(known_pictures()), dict(registry._shown_as)
    yield
    registry._pictures.clear()
    registry._pictures.update(pictures)
    registry._shown_as.clear()
    registry._shown_as.update(shown)


class Dial:
    """A thing that has no picture yet."""

    def __init__(self, machine: vm.Machine) -> None:
        self.machine = machine
        self.hours = 3


@pytest.mark.usefixtures("_registry")
def test_a_function_is_a_picture_once_it_is_registered(machine: vm.Machine) -> None:
    @picture_of(first_for=Dial, name="Dial")
    def draw(at: At) -> Scene:
        return Scene(
            "clock", f"{at.target.hours} h", "", 100, 40, Caption("It ticks."), (), (), Table((), ()), Steps(0, 0, 0)
        )

    dial = Dial(machine)
    assert vm.picture(dial).scene().title == "3 h"
    view = vm.Dial(dial)
    assert type(vm.show(dial)).__name__ == type(view).__name__ == "Dial"
    dial.hours = 4
    assert view.scene().title == "4 h"
    with pytest.raises(vm.Refused, match="Dial shows a Dial, not 3"):
        vm.Dial(3)


def test_nothing_else_has_a_picture() -> None:
    with pytest.raises(vm.Refused, match="there is no picture of a list; there are pictures of what a machine has"):
        vm.picture([])
    with pytest.raises(AttributeError, match="no attribute 'Clok'"):
        vm.Clok  # noqa: B018


def test_a_moment_of_an_operation_that_was_undone_meanwhile_is_now() -> None:
    """Another thread of Python's undid it after the picture was drawn, and before its step is looked up."""
    machine = vm.boot("x86-64")
    for _ in range(3):
        machine.kernel_map.enter(vm.PAGE)
    view = vm.Map(machine.kernel_map)
    drawn = view.moment_after(3, 0)
    assert drawn is not None
    assert (drawn.operation, drawn.done) == (machine.journal.last.serial, 0)
    machine.undo(2)
    assert view.moment_after(3, 0) is None


def test_a_star_in_the_name_is_the_number_of_a_step(tmp_path):
    machine = vm.boot()
    kernel = machine.kernel_map
    for number in range(8):
        kernel.enter("4 KiB", prot="rw" if number % 2 else "r")
    tree = vm.picture(vm.Tree(kernel, scale=2))
    last = tree.save(tmp_path / "rotation-*.svg")
    files = sorted(tmp_path.iterdir())
    assert len(files) == tree.steps >= 10, "so many that numbers have two digits"
    assert files[0].name == "rotation-01.svg"
    assert files[-1] == last
    serial = machine.journal.last.serial
    tree.moment = (serial, None)
    for file, place in zip(files, [*(one for one in tree.scene().steps.places if one > 0), None], strict=True):
        tree.moment = (serial, place)
        assert file.read_text() == tree.to_svg(theme="light")
    assert tree.save(tmp_path / "alone.svg").read_text() == last.read_text()


def test_a_series_that_can_not_be_written_writes_nothing(tmp_path):
    machine = vm.boot()
    for number in range(4):
        machine.kernel_map.enter("4 KiB", prot="rw" if number % 2 else "r")
    (tmp_path / "x-03.svg").mkdir()
    (tmp_path / "x-01.svg").write_text("mine")
    with pytest.raises(vm.Refused, match=r"x-03.svg' is a folder"):
        vm.picture(vm.Tree(machine.kernel_map)).save(tmp_path / "x-*.svg")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["x-01.svg", "x-03.svg"]
    assert (tmp_path / "x-01.svg").read_text() == "mine"


def test_options_of_what_is_a_picture_already_are_refused(machine: vm.Machine) -> None:
    view = vm.Map(machine.kernel_map)
    with pytest.raises(vm.Refused, match=r"this Map is a picture already: give width= to vm\.Map\(\.\.\.\) itself"):
        vm.picture(view, width=420)
    assert vm.picture(view) is view


def test_a_completion_lists_what_a_notebook_uses_and_not_what_serves_its_page() -> None:
    machine = vm.boot()
    listed = dir(vm.Tree(machine.kernel_map))
    assert {"save", "beside", "step", "selection", "stages"} <= {*listed}
    assert not {"prepare", "filming", "comm", "notify_change", "draw"} & {*listed}
    assert "space" in dir(vm.Tables(machine))
    assert "space" not in listed
