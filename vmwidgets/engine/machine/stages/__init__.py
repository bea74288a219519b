"""The structures that a boot makes, stage by stage (`boot_stages.py`), and their addresses (`layouts.py`)."""
