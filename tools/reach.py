"""Checks of reach, which `make lint` runs: what import-linter can't see.

No modules of the package import each other in a circle, with the names for type hints; that a module imports from a
package around it is left out.  The views read nothing of a machine's `system`: values and handles tell them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Container, Iterator, Mapping, Set
from pathlib import Path

from grimp import build_graph

ROOT = Path(__file__).parents[1]

VIEWS = ROOT / "vmwidgets" / "views"

OWN = {"maps/diff.py": {"row.system"}, "memory/kmem.py": {"value.system"}}
"""In these views, a value's own `system`, which is a range's word or a map's flag."""


def circles(imports: Mapping[str, Set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, directly or by way of others.

    >>> circles({"a": {"b"}, "b": {"a"}, "c": {"a"}})
    [['a', 'b']]
    """
    reached = {module: _reached(module, imports) for module in imports}
    groups = {frozenset(one for one in reached[module] if module in reached[one]) for module in imports}
    return sorted(sorted(group) for group in groups if group)


def _reached(start: str, imports: Mapping[str, Set[str]]) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        new = imports.get(left.pop(), frozenset()) - found
        found |= new
        left += new
    return found


def reaching(code: str, own: Container[str] = ()) -> Iterator[int]:
    """Yield the lines of code that read a `system`, except the expressions in `own`.

    >>> [*reaching("at.whole.system")], [*reaching("system = machine.system")], [*reaching("one = target.system.tasks")]
    ([1], [1], [1])
    >>> [*reaching("row.system or 1", {"row.system"})]
    []
    """
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and node.attr == "system" and ast.unparse(node) not in own:
            yield node.lineno


def main() -> None:
    """Say which modules are in a circle, and which views reach into a machine; the status is 1 if there are any."""
    graph = build_graph("vmwidgets", exclude_type_checking_imports=False, cache_dir=None)
    imports = {
        module: {one for one in graph.find_modules_directly_imported_by(module) if not module.startswith(f"{one}.")}
        for module in graph.modules
    }
    wrong = [f"these modules import each other: {', '.join(group)}" for group in circles(imports)]
    for path in sorted(VIEWS.rglob("*.py")):
        lines = dict.fromkeys(reaching(path.read_text(), OWN.get(path.relative_to(VIEWS).as_posix(), ())))
        where = path.relative_to(ROOT)
        wrong += [f"{where}:{line}: a view reads a machine's system: let a value or a handle say it" for line in lines]
    print("\n".join(wrong), end="\n" * bool(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
