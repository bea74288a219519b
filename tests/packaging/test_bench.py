"""The part of the bench that needs a wheel runs to its end."""

from __future__ import annotations


def test_the_sizes_of_a_wheel_are_told() -> None:
    from tools.benchmarks.shortest import SHORTEST

    report = SHORTEST["sizes"]()
    for name in ("the wheel", "what it installs", "hub.js", "graphviz.js", "code before the first picture", "view.js"):
        assert any(line.strip().startswith(name) for line in report.splitlines()), report
