from __future__ import annotations

from pathlib import Path

import vmwidgets.engine.selfpaging
from vmwidgets.engine.selfpaging.errors import MEANINGS


def test_every_name_is_the_error_of_something():
    folder = Path(vmwidgets.engine.selfpaging.__file__).parent
    sources = [path.read_text() for path in folder.glob("*.py") if path.name != "errors.py"]
    assert [name for name in MEANINGS if not any(f'"{name}"' in text for text in sources)] == []
