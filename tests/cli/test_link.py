"""`vmwidgets link`: what a link holds, and what is refused in one sentence; tests/site opens links in browsers."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path

import pytest

from vmwidgets.cli import main
from vmwidgets.cli.link import LAB, MOST, SITE, link_to
from vmwidgets.engine.base.errors import Refused

FORK = "import vmwidgets as vm\n# %%\nm = vm.boot()\nm.task('init').map  # π\n"


def held(link: str) -> str:
    """The code that a link holds."""
    packed = link.partition("#code=")[2]
    return zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))).decode()


def linked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["link", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_link_holds_the_code_and_nothing_that_an_address_would_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fork.py").write_text(FORK, encoding="utf-8")
    status, out, err = linked(capsys, str(tmp_path / "fork.py"))
    assert (status, err) == (0, "")
    link = out.strip()
    assert link.startswith(f"{SITE}{LAB}")
    assert held(link) == FORK
    assert link.partition("#code=")[2].replace("-", "").replace("_", "").isalnum()


def test_the_code_of_a_pasted_cell_and_the_address_of_an_own_site(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(FORK))
    assert linked(capsys, "-", "--site", "https://os.example.edu/vm/") == (
        0,
        f"{link_to(FORK, 'https://os.example.edu/vm')}\n",
        "",
    )


def test_the_cells_of_a_notebook_without_what_installs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        ("markdown", "# Fork"),
        ("code", "%pip install -q vmwidgets"),
        ("code", "a = 1"),
        ("code", " "),
        ("code", "a"),
    ]
    notebook = {"cells": [{"cell_type": kind, "source": [text]} for kind, text in cells]}
    (tmp_path / "fork.ipynb").write_text(json.dumps(notebook))
    assert held(linked(capsys, str(tmp_path / "fork.ipynb"))[1].strip()) == "a = 1\n# %%\na"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (b"", "there is no code"),
        (b" \n", "there is no code"),
        (b"def broken(:", "it is not Python, line 1: "),
        (b"%pip install evil", "it is not Python, line 1: "),
        (b"a = 1\n\nLook at this!", "it is not Python, line 3: "),
        (b"a\x00b", "it is not Python"),
        (b"\xff", "is not a text in UTF-8"),
        (b"x = " + b"-" * 50_000 + b"1", "it is not Python"),
        ("\n".join(f"x{one * 7919 % 10007} = {one * one}" for one in range(3000)).encode(), "too long for a link"),
        (b"#" + b"a" * 70_000, "too long for a link"),
    ],
)  # fmt: skip  # a table
def test_what_is_no_code_for_a_link_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: bytes, says: str
) -> None:
    (tmp_path / "x.py").write_bytes(code)
    status, out, err = linked(capsys, str(tmp_path / "x.py"))
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": 5}', '{"cells": [{"cell_type": "code"}]}'])
def test_what_is_no_notebook_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (tmp_path / "x.ipynb").write_text(content)
    assert linked(capsys, str(tmp_path / "x.ipynb"))[::2] == (
        2,
        f"vmwidgets: '{tmp_path / 'x.ipynb'}' is not a notebook\n",
    )


@pytest.mark.parametrize("site", ["", "example.org", "ftp://x", "https://x/#y", "https://x y", "javascript:alert(1)"])
def test_an_address_that_is_none_is_refused(site: str) -> None:
    with pytest.raises(Refused, match=r"^--site .*: write the address of a site"):
        link_to("a = 1", site)


def test_a_link_has_at_most_eight_kilobytes() -> None:
    most = max(number for number in range(100, 2000, 100) if _fits(number))
    assert len(link_to(_lines(most)).partition("#code=")[2]) <= MOST
    assert not _fits(most + 100)


def _lines(count: int) -> str:
    return "\n".join(f"x{number * 7919 % 10007} = {number * number}" for number in range(count))


def _fits(count: int) -> bool:
    try:
        return bool(link_to(_lines(count)))
    except Refused:
        return False
