"""The names of a machine's parts in sentences: records contain paths, and learners read the names that they use."""

from __future__ import annotations

from .errors import shown


def called(path: str) -> str:
    """Return a part's name in a sentence.

    FreeBSD's kernel map is called ``kmem.kernel_map``, since X15 has a kernel_map too.

    >>> called("task:init"), called("task:init/map"), called("domain:hello")
    ('init', 'the map of init', 'hello')
    >>> called("kmem/kernel_map"), called("kmem/exec_map"), called("kernel_map"), called("cpu:0")
    ('kmem.kernel_map', 'exec_map', 'kernel_map', 'cpu:0')
    """
    whose, *inside = path.split("/")
    kind, _, name = whose.partition(":")
    if kind in ("task", "domain") and name and inside in ([], ["map"]):
        words = f"the map of {name}" if inside else name
    elif whose == "kmem" and len(inside) == 1:
        words = f"kmem.{inside[0]}" if inside[0] == "kernel_map" else inside[0]
    else:
        words = path
    return words.replace("%2F", "/").replace("%25", "%")


def whole_name(path: str) -> str:
    """Return a part's name in a sentence; the names of tasks, domains, objects and files follow their kind.

    >>> whole_name("task:init"), whole_name("task:init/map"), whole_name("kernel_map"), whole_name("file:a%2Fb")
    ("task 'init'", 'the map of init', 'kernel_map', "file 'a/b'")
    """
    kind, is_named, name = path.partition(":")
    return f"{kind} {shown(called(name))}" if is_named and "/" not in name else called(path)
