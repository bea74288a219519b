"""``vmwidgets link FILE``: a link to the site's lab that opens this code in a notebook, which runs nothing by itself.

The code is in the link itself, after ``#code=``, which a browser sends to no server.
"""

from __future__ import annotations

import argparse
import ast
import base64
import json
import re
import sys
import zlib
from pathlib import Path

from ..engine.base.errors import Refused, shown
from .command import Argument, Command

SITE = "https://vmwidgets.github.io/vmwidgets/"
"""The site of the project."""

LAB = "lab/lab/index.html#code="
"""The lab on a site; tools/website/lab/starting.js reads what follows."""

MOST = 8 * 1024
"""The most characters of the code in a link: what mail and chat transmit completely."""

MOST_TEXT = 64 * 1024
"""The most bytes of the code itself."""

CELL = "# %%"
"""The beginning of a line that begins another cell."""


def run(options: argparse.Namespace) -> int:
    """Print the link."""
    print(link_to(_read(options.file), options.site))
    return 0


def link_to(code: str, site: str = SITE) -> str:
    """Return the link that opens this code; raises :class:`Refused` for code that is not Python, or too long.

    >>> link_to("import vmwidgets as vm", "http://127.0.0.1:8000").partition("#")[0]
    'http://127.0.0.1:8000/lab/lab/index.html'
    """
    if not re.match(r"https?://[^\s#?]+$", site):
        raise Refused(f"--site {shown(site)}: write the address of a site, such as {SITE}")
    if not code.strip():
        raise Refused("there is no code")
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        said = error.msg if isinstance(error, SyntaxError) else f"{error}"
        raise Refused(f"it is not Python{where}: {said}") from None
    written = code.encode(errors="surrogatepass")
    packed = base64.urlsafe_b64encode(zlib.compress(written, 9)).decode().rstrip("=")
    if len(packed) > MOST or len(written) > MOST_TEXT:
        raise Refused(
            f"the code is too long for a link: {len(packed):,} characters when it is compressed, "
            f"and a link has at most {MOST:,}; hand out the file"
        )
    return f"{site.rstrip('/')}/{LAB}{packed}"


def _read(name: str) -> str:
    """Return the code of a file, with a line between a notebook's cells, without cells that install packages."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{name!r} is not a text in UTF-8") from None
    except OSError as error:
        raise Refused(f"{name!r} can't be read: {error.strerror}") from None
    if not name.lower().endswith(".ipynb"):
        return text
    try:
        cells = json.loads(text)["cells"]
        sources = ["".join(one["source"]) for one in cells if one["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused(f"{name!r} is not a notebook") from None
    return f"\n{CELL}\n".join(one for one in sources if one.strip() and not one.lstrip().startswith("%pip"))


COMMAND = Command(
    "make a link that opens your code in the site's lab",
    """\
Make a link that opens your code in a notebook of the site, in the browser, without an installation. Nothing runs before
the reader presses Run. The code is in the link itself: no server gets it.""",
    "exit status: 0 the link is printed; 2 the code is too long, or is not Python",
    (
        Argument(
            "FILE",
            f"a file with Python, in which lines {CELL!r} part cells; a notebook; or - for input",
        ),
        Argument("--site ADDRESS", f"the address of your own site (default: {SITE})", default=SITE),
    ),
    run,
)
