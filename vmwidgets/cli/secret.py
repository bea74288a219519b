"""An instructor's secret: the key in a course's file, or a file with only a secret."""

from __future__ import annotations

from pathlib import Path

from ..engine.base.errors import Refused
from ..grading.course import LEAST_KEY, read_key
from . import TOOLS

MOST_SECRET_BYTES = 4096
"""The most bytes of a file with only a secret."""

HELP = "course.toml with a key, or a file that holds only a secret, such as secret.key in the results of grading"


def secret_in(path: Path) -> str:
    """Read the secret in the file at `path`: the `key` of a course's file (.toml), or the only line of another file.

    Raises :class:`Refused` for a file that can't be read, has no secret, or has a secret that is too short.  The
    sentence never quotes the secret.
    """
    if is_course(path):
        return named_key(path)[1]
    try:
        with path.open("rb") as file:
            text = file.read(MOST_SECRET_BYTES + 1).decode().strip()
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refused(f"{str(path)!r} is not a text file: a secret is one line of text") from None
    if len(text) < LEAST_KEY or len(text) > MOST_SECRET_BYTES // 4 or not text.isprintable():
        raise Refused(f"{str(path)!r} holds no secret: write one line of at least {LEAST_KEY} characters into it")
    return text


def is_course(path: Path) -> bool:
    """Return whether a file with a secret is a course's file, by its name; if so, the secret is the course's key."""
    return path.suffix.lower() == ".toml"


def named_key(path: Path) -> tuple[str, str]:
    """Return the name and the key of the course whose file is at `path`, without running its modules.

    Raises :class:`Refused` if the course has no key.
    """
    name, key = read_key(path)
    if not key:
        command = f"{TOOLS} roster key"
        raise Refused(f'{str(path)!r} has no key: run "{command}", and add the line that it prints')
    return name, key
