"""`vmwidgets course`: the labs are copied, brought up to date, and never over what a student changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vmwidgets import __version__
from vmwidgets.cli import main
from vmwidgets.cli.copying import MANIFEST, copy_labs, handed_out, shipped
from vmwidgets.engine.base.errors import Refused

OLD = {"01-maps.ipynb": b"maps, old", "02-trees.ipynb": b"trees", "03-more.ipynb": b"\x1f\x8b"}
NEW = {**OLD, "01-maps.ipynb": b"maps, new", "04-new.ipynb": b"new"}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    """With the labs of an old version, as they were copied."""
    copy_labs(tmp_path / "labs", OLD, "0.1.0")
    return tmp_path / "labs"


def content(folder):
    """Every file in a folder but the manifest."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def unchanged(folder, copy):
    """The sentence with which `copy` refuses; nothing in the folder may change."""
    before = content(folder), (folder / MANIFEST).exists() and (folder / MANIFEST).read_bytes()
    with pytest.raises(Refused) as refused:
        copy()
    assert (content(folder), (folder / MANIFEST).exists() and (folder / MANIFEST).read_bytes()) == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_new_folder_gets_everything(folder):
    assert content(folder) == OLD


def test_the_manifest_says_what_was_copied(folder):
    assert json.loads((folder / MANIFEST).read_text()) == {
        "schema": 1,
        "version": "0.1.0",
        "files": {  # as sha256sum says it
            "01-maps.ipynb": "73739cabb3e87cb46709f4cd91b56b7ab5d56661dfaaecfdc10dc97718d78ce8",
            "02-trees.ipynb": "29d807300a961b0cbdb4f22cc5db866a43d20d87b1e17b7f50c91bab25089940",
            "03-more.ipynb": "ee98dc6af27a9f1c8cc4aaa2fd05b5f6e7c98f51390253a5263b0d096c3510fe",
        },
    }


def test_the_same_version_adds_what_is_missing_and_touches_nothing_else(folder):
    (folder / "01-maps.ipynb").write_bytes(b"mine")
    (folder / "02-trees.ipynb").unlink()
    done = copy_labs(folder, OLD, "0.1.0")
    assert content(folder) == {**OLD, "01-maps.ipynb": b"mine"}
    assert (done.added, done.replaced, done.kept, done.beside) == (["02-trees.ipynb"], [], ["01-maps.ipynb"], [])


def test_another_version_asks_for_update_and_names_both(folder):
    said = unchanged(folder, lambda: copy_labs(folder, NEW, "0.2.0"))
    assert "0.1.0" in said
    assert "0.2.0" in said
    assert "--update" in said


def test_other_labs_of_the_same_version_ask_for_update(folder):
    """Many builds have one number: what a build brings decides, and nothing stays old in silence."""
    said = unchanged(folder, lambda: copy_labs(folder, NEW, "0.1.0"))
    assert "another build of vmwidgets 0.1.0" in said
    assert "--update" in said
    copy_labs(folder, NEW, "0.1.0", update=True)
    assert content(folder) == NEW
    assert copy_labs(folder, NEW, "0.1.0").added == []


def test_an_update_replaces_what_is_as_it_was_copied(folder):
    done = copy_labs(folder, NEW, "0.2.0", update=True)
    assert content(folder) == NEW
    assert (done.added, done.replaced, done.kept) == (["04-new.ipynb"], ["01-maps.ipynb"], [])
    assert copy_labs(folder, NEW, "0.2.0").added == []


def test_an_update_keeps_what_was_changed_and_puts_the_new_one_beside_it(folder):
    (folder / "01-maps.ipynb").write_bytes(b"mine")
    done = copy_labs(folder, NEW, "0.2.0", update=True)
    assert content(folder) == {**NEW, "01-maps.ipynb": b"mine", "01-maps (0.2.0).ipynb": b"maps, new"}
    assert (done.kept, done.beside) == (["01-maps.ipynb"], ["01-maps (0.2.0).ipynb"])


def test_a_changed_file_that_has_no_new_version_gets_none(folder):
    (folder / "02-trees.ipynb").write_bytes(b"mine")
    assert copy_labs(folder, NEW, "0.2.0", update=True).beside == []
    assert content(folder) == {**NEW, "02-trees.ipynb": b"mine"}


def test_what_is_put_beside_goes_over_nothing(folder):
    (folder / "01-maps.ipynb").write_bytes(b"mine")
    (folder / "01-maps (0.2.0).ipynb").write_bytes(b"mine too")
    assert copy_labs(folder, NEW, "0.2.0", update=True).beside == []
    assert content(folder)["01-maps (0.2.0).ipynb"] == b"mine too"


def test_a_second_update_brings_nothing_again(folder):
    (folder / "01-maps.ipynb").write_bytes(b"mine")
    copy_labs(folder, NEW, "0.2.0", update=True)
    (folder / "01-maps (0.2.0).ipynb").unlink()
    copy_labs(folder, NEW, "0.2.0", update=True)
    assert content(folder) == {**NEW, "01-maps.ipynb": b"mine"}


def test_a_changed_file_stays_through_many_versions(folder):
    (folder / "01-maps.ipynb").write_bytes(b"mine")
    for version in ("0.2.0", "0.3.0", "0.4.0"):
        copy_labs(folder, {**NEW, "01-maps.ipynb": version.encode()}, version, update=True)
    assert content(folder)["01-maps.ipynb"] == b"mine"
    assert content(folder)["01-maps (0.4.0).ipynb"] == b"0.4.0"


def test_a_lab_that_is_gone_stays_and_is_named(folder):
    done = copy_labs(folder, {"01-maps.ipynb": b"maps"}, "0.2.0", update=True)
    assert content(folder)["02-trees.ipynb"] == b"trees"
    assert done.gone == ["02-trees.ipynb", "03-more.ipynb"]


def test_files_of_another_origin_are_never_replaced(tmp_path):
    (tmp_path / "01-maps.ipynb").write_bytes(b"from a friend")
    copy_labs(tmp_path, OLD, "0.1.0")
    copy_labs(tmp_path, NEW, "0.2.0", update=True)
    assert content(tmp_path) == {**NEW, "01-maps.ipynb": b"from a friend", "01-maps (0.2.0).ipynb": b"maps, new"}


def test_a_copy_that_stopped_half_way_goes_on(tmp_path):
    """The manifest is written last: what is already as it should be needs none."""
    (tmp_path / "01-maps.ipynb").write_bytes(OLD["01-maps.ipynb"])
    copy_labs(tmp_path, OLD, "0.1.0")
    assert copy_labs(tmp_path, NEW, "0.2.0", update=True).replaced == ["01-maps.ipynb"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"schema": 2, "version": "0.1.0", "files": {}}',
        b'{"schema": 1, "version": 7, "files": {}}',
        b'{"schema": 1, "version": "0.1.0", "files": []}',
        b'{"schema": 1, "version": "0.1.0", "files": {"01-maps.ipynb": 1}}',
        b'{"schema": 1, "version": "\\u001b[2J", "files": {}}',
        b'{"schema": 1, "version": "' + b"9" * 10_000 + b'", "files": {}}',
    ],
    ids=lambda text: text[:40].decode(errors="replace"),
)
def test_a_broken_manifest_is_refused(folder, text):
    (folder / MANIFEST).write_bytes(text)
    said = unchanged(folder, lambda: copy_labs(folder, NEW, "0.2.0", update=True))
    assert str(folder / MANIFEST) in said
    assert len(said) < 300 + len(str(folder))


def test_without_its_manifest_every_file_counts_as_changed(folder):
    """As the sentence about a broken one says."""
    (folder / MANIFEST).unlink()
    copy_labs(folder, NEW, "0.2.0", update=True)
    assert content(folder) == {**NEW, "01-maps.ipynb": b"maps, old", "01-maps (0.2.0).ipynb": b"maps, new"}


@pytest.mark.parametrize("update", [False, True])
def test_a_folder_under_a_notebooks_name_is_refused(folder, update):
    (folder / "04-new.ipynb").mkdir()
    said = unchanged(folder, lambda: copy_labs(folder, {**NEW, "00.ipynb": b"0"}, "0.1.0", update=update))
    assert f"{folder / '04-new.ipynb'} is a folder" in said


def test_a_link_to_a_file_elsewhere_is_not_written_through(folder, tmp_path):
    (tmp_path / "elsewhere").write_bytes(OLD["01-maps.ipynb"])
    (folder / "01-maps.ipynb").unlink()
    (folder / "01-maps.ipynb").symlink_to(tmp_path / "elsewhere")
    done = copy_labs(folder, NEW, "0.2.0", update=True)
    assert (tmp_path / "elsewhere").read_bytes() == OLD["01-maps.ipynb"]
    assert (folder / "01-maps.ipynb").readlink() == tmp_path / "elsewhere"
    assert "01-maps.ipynb" in done.kept
    assert (folder / done.beside[0]).read_bytes() == NEW["01-maps.ipynb"]


def test_nothing_is_half_written_when_the_disk_is_full(folder):
    """A limit on the size of files stands in for the disk: the second file does not fit."""
    before = content(folder)
    code = f"""
import resource
from pathlib import Path
from vmwidgets.cli.copying import copy_labs
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
copy_labs(Path({str(folder)!r}), {{"00.ipynb": b"0", "01-maps.ipynb": b"x" * 5000}}, "0.2.0", update=True)
"""
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.stderr.splitlines()[-1].endswith("can't be written: File too large"), answer.stderr
    assert content(folder) == {**before, "00.ipynb": b"0"}
    assert copy_labs(folder, NEW, "0.2.0", update=True).replaced == ["01-maps.ipynb"]


def command(capsys, *arguments):
    status = main(["course", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_copies_the_students_notebooks_and_says_what_to_type(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = command(capsys, "--no-open")
    assert (status, err) == (0, "")
    assert content(tmp_path / "vmwidgets-labs") == handed_out()
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} <= set(shipped())
    assert out.splitlines()[-1] == "To open them, type: vmwidgets course"


def test_what_to_type_names_the_folder(capsys, tmp_path):
    _, out, _ = command(capsys, "--no-open", "--to", tmp_path / "my labs")
    assert out.splitlines()[-1] == f"To open them, type: vmwidgets course --to '{tmp_path}/my labs'"


def test_it_says_what_it_did_to_a_changed_folder(capsys, tmp_path):
    copy_labs(tmp_path, {**handed_out(), "01-maps.ipynb": b"old", "05-old.ipynb": b"5"}, "0.0.1")
    (tmp_path / "01-maps.ipynb").write_bytes(b"mine")
    _, out, _ = command(capsys, "--no-open", "--update", "--to", tmp_path)
    assert out.splitlines()[:-1] == [
        f"{tmp_path}: 0 files added, 0 replaced",
        "changed by you, and left as they are: 01-maps.ipynb",
        f"their new versions, beside them: 01-maps ({__version__}).ipynb",
        "no longer among the labs, and left as they are: 05-old.ipynb",
    ]


def a_file(tmp_path):
    (tmp_path / "labs").write_bytes(b"mine")
    return tmp_path / "labs"


def below_a_file(tmp_path):
    return a_file(tmp_path) / "below"


def nowhere(_tmp_path):
    return Path("/proc/vmwidgets-labs")


def too_long(tmp_path):
    return tmp_path / ("x" * 1000)


def of_another_version(tmp_path):
    copy_labs(tmp_path / "labs", OLD, "0.0.1")
    return tmp_path / "labs"


@pytest.mark.parametrize("make", [a_file, below_a_file, nowhere, too_long, of_another_version])
def test_a_folder_that_will_not_do_is_one_sentence(capsys, tmp_path, make):
    path = make(tmp_path)
    before = content(tmp_path)
    status, out, err = command(capsys, "--no-open", "--to", path)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert str(path)[:40] in err
    assert content(tmp_path) == before


def test_jupyterlab_opens_on_the_first_page_without_its_question_about_news(tmp_path, monkeypatch):
    """The settings are JupyterLab's own, by names that it has; the question covers a corner of the first picture."""
    labapp, manager = (
        pytest.importorskip("jupyterlab.labapp"),
        pytest.importorskip("jupyter_server.services.config.manager"),
    )
    opened = []

    def open_one(argv):
        opened.append((argv, manager.ConfigManager(config_dir_name="labconfig").get("default_setting_overrides")))

    monkeypatch.setattr(labapp.LabApp, "launch_instance", open_one)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path / "own"))
    assert main(["course", "--to", str(tmp_path / "labs")]) == 0
    ((argv, settings),) = opened
    assert "--LabApp.default_url=/lab/tree/README.md" in argv
    news, documents = settings.values()
    assert news == {"fetchNews": "false", "checkForUpdates": False}
    assert documents == {"defaultViewers": {"markdown": "Markdown Preview"}}
    for plugin, chosen in settings.items():
        package, _, name = plugin.partition(":")
        (schema,) = (Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas" / package).glob(f"{name}.json")
        known = json.loads(schema.read_text())["properties"]
        assert set(chosen) <= set(known)
        assert "fetchNews" not in chosen or "false" in [one["const"] for one in known["fetchNews"]["oneOf"]]
    assert os.environ["JUPYTER_CONFIG_PATH"].endswith(str(tmp_path / "own")), "the person's own path comes after it"


def test_an_empty_name_is_not_the_current_folder(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, error = command(capsys, "--no-open", "--to", "")
    assert status == 2
    assert error.startswith("vmwidgets: argument --to: '' is not a path")
    assert not any(tmp_path.iterdir())
