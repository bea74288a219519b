"""The names of address spaces: paths of tasks and domains; slashes in a name are replaced."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return a name as part of a path, with its slashes replaced.

    >>> quoted("init"), quoted("a/b")
    ('init', 'a%2Fb')
    """
    return name.replace("%", "%25").replace("/", "%2F")


def unquoted(part: str) -> str:
    """Return the name from its form in a path.

    >>> unquoted("a%2Fb")
    'a/b'
    """
    return part.replace("%2F", "/").replace("%25", "%")


def task_path(name: str) -> str:
    """Return the path of the task called `name`, "task:init"."""
    return f"task:{quoted(name)}"


def domain_path(name: str) -> str:
    """Return the path of the domain called `name`, "domain:hello"."""
    return f"domain:{quoted(name)}"
