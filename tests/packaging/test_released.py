"""Before there is a release nothing tells anybody to install vmwidgets from an index: the name may belong to others."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from vmwidgets.engine.base import released

FROM_INDEX = re.compile(
    r"(?:pip3?|uv|pipx|conda|mamba|piplite|micropip)\b[^\n]{0,40}\b(?:install|add|run)\b[\s(]+(?:-{1,2}[\w-]+ )*"
    r"[\"'(\[]*vmwidgets(?![\w/-]|\.\w)(?!\S* *@)"
    r"|pypi\.org/(?:project|p)/vmwidgets|img\.shields\.io/pypi\S*vmwidgets"
    r"|^\s*[\"']?vmwidgets(?:\[[\w,]+\])?\s*(?:[=<>~!]=[^\n]*)?[\"']?,?$",
    re.MULTILINE,
)
"""A command, a badge or a line of requirements that takes vmwidgets from an index."""

ALLOWED = {
    "CHANGELOG.md": "says what was so in its time",
    "docs/hosts.md": "a JupyterLite site has its own index with the wheel inside",
    "docs/releasing.md": "says what is written once there is a release",
    "docs/versions.md": "says how a version is named",
    "tests/hosts/test_lite.py": "as docs/hosts.md",
    "tests/packaging/test_release.py": "installs from an index that it has made in a folder",
    "tests/packaging/test_released.py": "has examples of what is looked for",
    "vmwidgets/engine/base/released.py": "decides by the constant",
}


def named_in(root: Path) -> list[Path]:
    """The files of the repository that are texts of people or of computers."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    ends = (
        ".md",
        ".py",
        ".yml",
        ".yaml",
        ".toml",
        ".txt",
        ".cff",
        ".ipynb",
        ".html",
        ".js",
        ".ts",
        ".cfg",
        "postBuild",
    )
    names = [name for name in listing.stdout.split("\0") if name.endswith(ends) and "package-lock" not in name]
    return [Path(name) for name in names if (root / name).is_file()]


def test_nothing_installs_it_from_an_index_before_there_is_a_release(root: Path) -> None:
    if released.RELEASED:
        pytest.skip("there is a release")
    found = {}
    for name in named_in(root):
        if name.as_posix() in ALLOWED or name.parts[:2] in (("scripts", "site"), ("requirements", "hosts")):
            continue
        match = FROM_INDEX.search((root / name).read_text("utf-8"))
        if match is not None:
            found[name.as_posix()] = match[0]
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "pip install vmwidgets",
        'pip install "vmwidgets[lab]"',
        "%pip install -q vmwidgets",
        "uv add vmwidgets",
        "First run `pip install vmwidgets`. Then go on.",
        "pip install vmwidgets.",
        "pip install --upgrade 'vmwidgets'",
        "dependencies:\n  - pip\nvmwidgets==0.1.0\n",
        "https://pypi.org/project/vmwidgets",
        'requirements = [\n  "vmwidgets",\n]',
    ],
)
def test_an_installation_from_an_index_is_found(text: str) -> None:
    assert FROM_INDEX.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "pip install . in a clone of vmwidgets",
        'pip install ".[lab]"',
        'requirements: ["vmwidgets @ git+https://github.com/vmwidgets/vmwidgets"]',
        "pip install vmwidgets-0.1.0-py3-none-any.whl",
        "pip install vmwidgets/dist",
    ],
)
def test_other_ways_to_install_are_not(text: str) -> None:
    assert not FROM_INDEX.search(text)


def test_what_is_said_once_there_is_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released, "RELEASED", False)
    assert released.install("lab") == 'pip install ".[lab]" in a clone of vmwidgets'
    assert released.install() == "pip install . in a clone of vmwidgets"
    monkeypatch.setattr(released, "RELEASED", True)
    assert (released.install("lab"), released.install()) == ('pip install "vmwidgets[lab]"', "pip install vmwidgets")


def test_the_constant_and_the_changelog_say_the_same(root: Path) -> None:
    """A release has a section of its own; without one, all is under "Unreleased"."""
    sections = re.findall(r"^## \[([^\]]+)\]", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert (len(sections) > 1) == released.RELEASED
