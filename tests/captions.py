"""Sentences in tests, by the key of their template: the words of a caption are written in its template alone."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from vmwidgets.engine.base.errors import ascii_text
from vmwidgets.views.scene.model import Caption
from vmwidgets.views.story import words
from vmwidgets.views.story.words.registry import TEMPLATES, Template

for _module in iter_modules(words.__path__):  # each declares its sentences
    import_module(f"{words.__name__}.{_module.name}")


def saying(key: str, count: int = 1, /, **fields: object) -> str:
    """The sentence of a template with these fields."""
    return TEMPLATES[key].say(count, **fields)


def whole(caption: Caption) -> str:
    """All that a caption says: its title, and what is below."""
    return f"{caption.text} {caption.reason}".strip()


def fields_of(key: str, text: str | Caption) -> dict[str, str]:
    """What a text that ends with a sentence of this key has in its places; "count" is 1 in the singular.

    In a whole caption, the sentence may be anywhere.
    """
    if isinstance(text, Caption):
        text = next((match[0] for one in _printed(key) if (match := _anywhere(one).search(whole(text)))), whole(text))
    found = [match for pattern in _printed(key) if (match := pattern.search(text))]
    assert found, f"{text!r} does not end with the words of {key!r}"
    return {"count": "1", **found[0].groupdict()}


def says(key: str, text: str) -> bool:
    """Whether a text has a sentence of this key in it."""
    return any(_anywhere(pattern).search(text) for pattern in _printed(key))


def _anywhere(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(pattern.pattern.removesuffix(r"\Z"))


@cache
def _printed(key: str) -> tuple[re.Pattern[str], ...]:
    """The patterns of a key, and the same in ASCII, as a console has them."""
    in_ascii = (re.compile(ascii_text(pattern.pattern)) for pattern in patterns_of(key))
    return (*patterns_of(key), *in_ascii)


def forms_of(template: Template) -> tuple[str, ...]:
    """Its words in the singular, and in the plural where it has one."""
    return (template.one, template.many) if template.many else (template.one,)


@cache
def patterns_of(key: str) -> tuple[re.Pattern[str], ...]:
    """A pattern of each form of the template with this key, or else of all cases of an event or an operation."""
    keys = [key] if key in TEMPLATES else [one for one in TEMPLATES if one.startswith(f"{key}/")]
    assert keys, f"there is no template {key!r}"
    return tuple(re.compile(pattern_of(form)) for one in keys for form in forms_of(TEMPLATES[one]))


def pattern_of(form: str) -> str:
    """Words with placeholders, as a pattern."""
    seen: set[str] = set()
    pattern = ""
    for part in re.split(r"(\{\w+\})", form):
        name = part[1:-1]
        if not part.startswith("{"):
            pattern += re.escape(part)
        elif name in seen:
            pattern += f"(?P={name})"
        else:
            seen.add(name)
            pattern += f"(?P<{name}>.*?)"
    return pattern + r"\Z"
