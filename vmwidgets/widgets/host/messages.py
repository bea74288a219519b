"""The browser's messages to a view, and the check of each message before it takes effect.

The front end's half is `js/src/wire.ts`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets import Widget

from vmwidgets.engine.base.errors import Refused, printable, shown

MAX_TEXT = 200
"""The most characters of a name from the browser: IDs and things are far shorter."""

MAX_DRAWING = 200_000
"""The most characters of a drawing from the browser: it is saved with the notebook."""

Check = Callable[[Any], bool]


def is_text(value: Any, most: int = MAX_TEXT) -> bool:
    """Return whether a value is a string of at most `most` characters that can be encoded."""
    if not isinstance(value, str) or len(value) > most:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in value)  # half a letter, which nothing can write


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(low: int, high: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


Field = tuple[Check, str]
"""A check, and the accepted values in words."""

TEXT: Field = (is_text, f"a text of at most {MAX_TEXT} characters")
DRAWING: Field = (
    lambda value: is_text(value, MAX_DRAWING),
    f"a text of at most {MAX_DRAWING} characters",
)
FLAG: Field = (_flag, "true or false")
WAY: Field = (lambda value: value is not True and value in (1, -1), "1 or -1")
PIXELS: Field = (_whole(0, 10**5), "a whole number from 0 to 100000")
FORMS = ("light", "dark", "table", "dot")

SCHEMA: dict[str, dict[str, Field]] = {
    # A view is drawn on `page` (a name for one drawing of it), and the newest frame there is `seq`.  It is in sight or
    # not, and has `width` pixels of room (0: unknown) in a window of `height` pixels.  A page says so again when
    # something changes; `nth` numbers its messages, since a kernel may get a later one first.
    "hello": {
        "page": TEXT,
        "seq": (_whole(-1, 2**53), "a whole number"),
        "visible": FLAG,
        "width": PIXELS,
        "height": PIXELS,
        "nth": (_whole(1, 2**53), "a whole number from 1"),
    },
    # That drawing is gone; `cleared`: its notebook is still open, so the output was cleared or the cell deleted.
    "bye": {"page": TEXT, "cleared": FLAG},
    "open": {"id": TEXT},
    # Show the moment after `place` events of an operation (operation -1: now; place -1: after all of them).  A page
    # that has gone there by itself, by its film, names the `latest` operation that it knows (others name -1): if there
    # are newer operations, they are shown instead.  `stays`: show the end of the picture's cell from now on, whatever
    # moment the other pictures show; the numbers are of no matter, since those of the page may be older than an undo.
    "seek": {
        "operation": (_whole(-1, 2**53), "a whole number from -1"),
        "place": (_whole(-1, 10**9), "a whole number from -1"),
        "latest": (_whole(-1, 2**53), "a whole number from -1"),
        "stays": FLAG,
    },
    # Show the moment before the next event of a kind or, with way -1, before the previous one.
    "jump": {"to": TEXT, "way": WAY},
    # Change the number in a slice of the address by `by`.
    "turn": {"id": TEXT, "by": (_whole(-(10**6), 10**6), "a whole number from -1000000 to 1000000")},
    # An address or a name, as it was typed; the same text again asks for the next hit or, with way -1, the previous.
    "find": {"text": TEXT, "way": WAY},
    # Give the picture after `place` events of an operation in another form: as an SVG file in one of two themes, as the
    # rows of its table, or in Graphviz's language.
    "export": {
        "form": (lambda value: value in FORMS, f"one of {', '.join(FORMS)}"),
        "operation": (_whole(-1, 2**53), "a whole number from -1"),
        "place": (_whole(-1, 10**9), "a whole number from -1"),
    },
    # Give the operations for the strip: the page has the first `have`, the last of them with this serial.  Also give
    # the names of operations from number `first` on, unless it is -1.
    "operations": {
        "have": (_whole(0, 2**53), "a whole number from 0"),
        "serial": (_whole(-1, 2**53), "a whole number"),
        "first": (_whole(-1, 2**53), "a whole number from -1"),
    },
    # The SVG in which Graphviz laid out the text that the kernel sent with this key.
    "laid": {"key": (_whole(0, 2**53), "a whole number from 0"), "svg": DRAWING},
}
"""Each message's fields.  All are required, and no others are accepted, except the page that asks (:func:`asker`)."""

BY_ITSELF = frozenset(("hello", "bye", "export", "operations", "laid"))
"""Messages that a page sends by itself, without its reader; they are answered even if the machine is gone."""

REDRAWN = frozenset(("seek", "jump", "open", "turn", "find"))
"""Messages with which a page asks for a picture to be redrawn."""


def check_public(widget: Widget, name: str) -> None:
    """Raise :class:`Refused` for the name of a trait that a page may not set."""
    if name not in widget.keys or not widget.trait_metadata(name, "public"):
        known = ", ".join(key for key in widget.keys if widget.trait_metadata(key, "public"))
        raise Refused(f"the browser may not set {printable(str(name)[:MAX_TEXT])}, only {known}")


def asker(content: Any) -> str:
    """Return the name of the page that sends the message and gets the reply; "" if all pages get the reply.

    >>> asker({"type": "save", "page": "ab-1"})
    'ab-1'
    >>> asker({"type": "save"})
    ''
    """
    page = content.get("page", "") if isinstance(content, dict) else ""
    return page if is_text(page) else ""


def check_message(content: Any) -> dict[str, Any]:
    """Return the message, if it is valid.

    Raises :class:`Refused` with a sentence that names the field and the value.

    >>> check_message({"type": "open", "id": "fold/3"})
    {'type': 'open', 'id': 'fold/3'}
    >>> check_message({"type": "open", "id": 3})
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: open: id is 3; it must be a text of at most 200 characters
    """
    if not isinstance(content, dict):
        raise Refused(f"a message from the browser must be an object with a type, not {shown(content)}")
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in SCHEMA:
        raise Refused(f"the browser sent a message of type {shown(kind)}; known are {', '.join(SCHEMA)}")
    fields = SCHEMA[kind]
    unknown = [name for name in content if name not in ("type", "page") and name not in fields]
    if unknown:
        raise Refused(f"{kind}: unknown field {shown(unknown[0])}; it has {', '.join(fields) or 'none'}")
    for name, (check, wanted) in fields.items():
        if name not in content:
            raise Refused(f"{kind}: {name} is missing; it must be {wanted}")
        if not check(content[name]):
            raise Refused(f"{kind}: {name} is {shown(content[name])}; it must be {wanted}")
    if not is_text(content.get("page", "")):
        raise Refused(f"{kind}: page is {shown(content['page'])}; it must be {TEXT[1]}")
    return content
