"""What a boot makes, stage by stage (`boot_stages.py`), and where it all lies (`layouts.py`)."""
