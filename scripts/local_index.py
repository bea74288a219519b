"""Makes a package index of a folder of wheels: `python -m scripts.local_index WHEELS FOLDER`.

A release is installed from such an index before it is published, with pip's option `--index-url file://FOLDER`: names,
dependencies, hashes and metadata are used as they will be, and no other host is asked.
"""

from __future__ import annotations

import hashlib
import html
import re
import shutil
import sys
from pathlib import Path


def normalized(name: str) -> str:
    """A project's name as indexes write it.

    >>> normalized("Markdown_it.py")
    'markdown-it-py'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def project_of(file: str) -> str:
    """The project that a wheel or an sdist is of.

    >>> project_of("jupyterlab_widgets-3.0.17-py3-none-any.whl"), project_of("vmwidgets-0.1.0.tar.gz")
    ('jupyterlab-widgets', 'vmwidgets')
    """
    stem = file.split("-", maxsplit=1)[0] if file.endswith(".whl") else file.removesuffix(".tar.gz").rpartition("-")[0]
    return normalized(stem)


def make_index(wheels: Path, folder: Path) -> list[str]:
    """Write the index of all distributions in `wheels` into `folder`; the projects' names."""
    projects: dict[str, list[Path]] = {}
    for path in sorted(wheels.iterdir()):
        if path.name.endswith((".whl", ".tar.gz")):
            projects.setdefault(project_of(path.name), []).append(path)
    for project, files in projects.items():
        place = folder / project
        place.mkdir(parents=True, exist_ok=True)
        links = []
        for file in files:
            shutil.copy2(file, place / file.name)
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            name = html.escape(file.name)
            links.append(f'<a href="{name}#sha256={digest}">{name}</a><br>')
        (place / "index.html").write_text("<!DOCTYPE html>\n" + "\n".join(links) + "\n")
    names = sorted(projects)
    page = "\n".join(f'<a href="{name}/">{name}</a><br>' for name in names)
    (folder / "index.html").write_text(f"<!DOCTYPE html>\n{page}\n")
    return names


def main(arguments: list[str]) -> int:
    """Make an index, and say what is in it."""
    if len(arguments) != 2 or not Path(arguments[0]).is_dir():
        print("usage: python -m scripts.local_index WHEELS FOLDER; WHEELS is a folder with wheels", file=sys.stderr)
        return 2
    names = make_index(Path(arguments[0]), Path(arguments[1]))
    print(f"{arguments[1]}: {len(names)} projects: {', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
