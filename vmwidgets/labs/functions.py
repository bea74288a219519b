"""A function as text that makes it again: its source, the functions that it calls, and the plain data that it uses.

The text is Python: it can be read, and be run elsewhere.  What a function keeps from call to call (in lists, in its
own attributes, in mutable defaults) is in it as it is now.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import collections
import dis
import inspect
import sys
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from vmwidgets.engine.base.errors import Refused

from .literals import MUTABLE, Literals, what

MODULES = (
    "bisect", "collections", "copy", "fractions", "functools", "heapq", "itertools", "math", "operator", "random",
    "statistics",
)  # fmt: skip  # one list
"""What a function may use."""

MOST_SOURCE = 100_000
"""Characters of the text."""

LAMBDA = "chosen"
"""What a lambda is called in the text."""

ANNOTATIONS = __future__.annotations.compiler_flag
"""Annotations are not run, so that what they name need not be kept."""


def packed_function(function: FunctionType) -> dict[str, Any]:
    """The function as data: its `name`, the `source` of all that it needs, and the `function`'s name in that.

    Raises :class:`Refused`, naming the variable, where something can't be kept.

    >>> last = 3
    >>> def third(pages):
    ...     return pages[last]
    >>> print(packed_function(third)["source"])
    last = 3
    def third(pages):
        return pages[last]
    """
    text = _Text()
    name = text.function(function, LAMBDA)
    source = "\n".join([*text.lines, *text.later]) + "\n"
    if len(source) > MOST_SOURCE:
        raise Refused(f"it has {len(source):,} characters, more than {MOST_SOURCE:,}")
    return {"kind": "function", "name": function.__name__, "function": name, "source": source}


class _Text:
    """Lines that give names their values; what a value needs comes before it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.later: list[str] = []
        """Other names of functions, which may use themselves by these."""
        self._values: dict[str, Any] = {}
        self._literals = Literals()
        self._written: set[str] = set()
        """Attributes that have been written, with the names that lead to them."""

    def function(self, function: FunctionType, otherwise: str) -> str:
        """Write a function, and give its name; a lambda is called as the second argument says."""
        source, node = _source(function)
        name = otherwise if isinstance(node, ast.Lambda) else node.name
        if not self._is_new(name, function):
            return name
        text = f"{name} = ({source})" if isinstance(node, ast.Lambda) else source
        cells = _cells(function)
        for used in sorted(_used(text, name)):
            where = cells if used in cells else function.__globals__
            if used in where and _has_parts(where[used]):
                self._keep_parts(used, where[used], text)
            elif used in where:
                self._keep(used, where[used])
        self.lines += [text, *self._defaults(name, function, node)]
        for attribute, value in vars(function).items():
            if attribute.isidentifier():
                self.lines.append(f"{name}.{attribute} = {self._literal(value, f'{name}.{attribute}')}")
        return name

    def _defaults(self, name: str, function: FunctionType, node: ast.FunctionDef | ast.Lambda) -> Iterator[str]:
        """Lines that set defaults which the source may not give: rows, and values of variables; functions it gives."""
        given = (*node.args.defaults, *(one for one in node.args.kw_defaults if one))
        if all(isinstance(one, ast.Constant) for one in given):
            return
        what = f"a default of {name}"
        values = {"__defaults__": function.__defaults__, "__kwdefaults__": function.__kwdefaults__}
        for where, value in values.items():
            if value and not any(map(callable, value.values() if isinstance(value, dict) else value)):
                yield f"{name}.{where} = {self._literal(value, what)}"

    def _keep(self, name: str, value: Any) -> None:
        """Write a variable."""
        if isinstance(value, FunctionType) and not _importable(value):
            called = self.function(value, name)
            if called != name and self._is_new(name, value):
                self.later.append(f"{name} = {called}")
        elif self._is_new(name, value):
            self.lines.append(self._line(name, value))

    def _keep_parts(self, name: str, value: Any, text: str) -> None:
        """Write a module of the package, or a frozen value, as a class with the plain data that `text` uses of it."""
        if self._is_new(name, value):
            self.lines.append(f"class {name}: pass")
        for parts in sorted(_parts_used(text, name)):
            part, path = value, name
            for attribute in parts:
                if not _has_parts(part):
                    break  # what follows is a method of a number, a text or a list
                path += f".{attribute}"
                part = _part(part, attribute, path)
                if path not in self._written:
                    inner = f'type("{attribute}", (), {{}})' if _has_parts(part) else self._literal(part, path)
                    self.lines.append(f"{path} = {inner}")
                    self._written.add(path)
            if _has_parts(part):
                raise Refused(f"`{path}` is {what(part)}, and is used as a whole: use its numbers, such as vm.PAGE")

    def _line(self, name: str, value: Any) -> str:
        same = [other for other, one in self._values.items() if one is value and other != name]
        if same and type(value) in MUTABLE:
            return f"{name} = {same[0]}"
        if isinstance(value, ModuleType):
            if value.__name__ not in MODULES:
                raise Refused(f"`{name}` is the module {value.__name__}: functions are judged with {_several(MODULES)}")
            return f"import {value.__name__} as {name}"
        found = _importable(value)
        return f"from {found[0]} import {found[1]} as {name}" if found else f"{name} = {self._literal(value, name)}"

    def _is_new(self, name: str, value: Any) -> bool:
        """Whether the name has no value yet; another one is refused."""
        if name not in self._values:
            self._values[name] = value
            return True
        if self._values[name] is not value:
            raise Refused(f"`{name}` means two things in the functions that it calls: use two names")
        return False

    def _literal(self, value: Any, name: str) -> str:
        """Plain data as Python writes it."""
        text = self._literals.text(value, name)
        if self._literals.uses_collections and self._is_new("collections", collections):
            self.lines.append("import collections")
        return text


def _has_parts(value: Any) -> bool:
    """Whether plain data may be read off it by name: a module of the package, or a frozen value such as a sheet."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] == "vmwidgets"
    settings = getattr(value, "__dataclass_params__", None)
    return is_dataclass(value) and not isinstance(value, type) and bool(settings and settings.frozen)


def _part(value: Any, attribute: str, path: str) -> Any:
    try:
        return getattr(value, attribute)
    except AttributeError:
        raise Refused(f"`{path}` is used, but does not exist") from None


def _parts_used(text: str, name: str) -> set[tuple[str, ...]]:
    """The attributes by which a text uses a variable, such as ("given", "frames"); () where it uses the whole.

    Annotations are not run, so they use nothing.
    """
    found = set()
    inner: set[ast.AST] = set()
    for node in ast.walk(ast.parse(text)):  # from the outside in, so that a chain is met before its parts
        for hint in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            inner.update(ast.walk(hint) if hint is not None else ())
        if node not in inner:
            root: ast.AST = node
            parts: list[str] = []
            while isinstance(root, ast.Attribute):
                parts.insert(0, root.attr)
                root = root.value
                inner.add(root)
            if isinstance(root, ast.Name) and root.id == name:
                found.add(tuple(parts))
    return found


def _source(function: FunctionType) -> tuple[str, ast.FunctionDef | ast.Lambda]:
    """The text of a function alone, and how it is built."""
    title, first = f"`{function.__name__}`", function.__code__.co_firstlineno
    try:
        lines, _ = inspect.findsource(function)
        whole = "".join(lines)
        tree = ast.parse(whole)
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        raise Refused(f"the source of {title} can't be found: write it in a cell") from None
    found = {
        ast.get_source_segment(whole, node): node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.Lambda))
        and min(one.lineno for one in (node, *getattr(node, "decorator_list", ()))) == first
        and (function.__code__.co_name == node.name if isinstance(node, ast.FunctionDef) else _is(function, node))
    }
    if len(found) != 1:
        raise Refused(f"the source of {title} can't be found: write it as a `def`, alone in its line")
    ((segment, node),) = found.items()
    if isinstance(node, ast.Lambda):
        return str(segment), node
    if node.decorator_list:
        raise Refused(f"{title} has a decorator: remove it")
    text = "".join(lines[node.lineno - 1 : node.end_lineno]).rstrip("\n")
    return f"if True:\n{text}" if node.col_offset else text, node


def _is(function: FunctionType, node: ast.Lambda) -> bool:
    """Whether a function may be this lambda, of those in a line: it has the same variables and constants."""
    *_defaults, code = (one for one in compile(ast.Expression(node), "", "eval").co_consts if isinstance(one, CodeType))
    return _outline(code) == _outline(function.__code__)


def _outline(code: CodeType) -> tuple[object, ...]:
    constants = [repr(one) for one in code.co_consts if not isinstance(one, (CodeType, str))]
    return code.co_name, code.co_varnames, sorted({*code.co_names, *code.co_freevars}), code.co_cellvars, constants


def _used(text: str, name: str) -> set[str]:
    """The global variables that the definition of `name` and all code in it use."""
    try:
        code = compile(text, "function", "exec", ANNOTATIONS, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        said = error.msg if isinstance(error, SyntaxError) else f"{error}"
        raise Refused(f"`{name}` can't be kept alone: {said}") from None
    used = set()
    for step in _steps(code):
        if step.opname == "IMPORT_NAME" and str(step.argval).partition(".")[0] not in MODULES:
            raise Refused(f"`{name}` imports {step.argval}: functions are judged with {_several(MODULES)}")
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            used.add(str(step.argval))
    return used - {"__class__", "__name__", "__module__"}


def _steps(code: CodeType) -> Iterator[dis.Instruction]:
    yield from dis.get_instructions(code)
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _steps(one)


def _cells(function: FunctionType) -> dict[str, Any]:
    """The variables of the functions around it, where they have a value."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if cell != CellType()}


def _importable(value: Any) -> tuple[str, str] | None:
    """Where a value is in Python or in :data:`MODULES`: a module and a name, for a function or a class."""
    name = getattr(value, "__name__", None)
    if not callable(value) or not isinstance(name, str):
        return None
    for module in ("builtins", *MODULES):
        if getattr(sys.modules.get(module, builtins), name, None) is value:
            return module, name
    return None


def _several(names: Iterable[str]) -> str:
    return f"{', '.join(names)} only"
