"""Bugs of the original's pmap that are mended here, each a name that switches it back on.

What each does, and the test that shows both sides: docs/deviations.md.
"""

from __future__ import annotations

MODIFY_FLAGS_LOST = "modify-flags-lost"
FIRST_TABLE_DECIDES = "first-table-decides"
RETOFF_AFTER_SPLIT = "retoff-after-split"
FRAME_OVERRUN = "frame-overrun"
LARGE_FALLBACK_NOT_SPLIT = "large-fallback-not-split"
TABLE_MAPPING_SLOT_LEAK = "table-mapping-slot-leak"
MAP_NOT_UNDONE = "map-not-undone"
RAW_WRONG_WINDOW = "raw-wrong-window"

BARRELFISH_QUIRKS = {
    MODIFY_FLAGS_LOST: "modify_flags passes no flags on: none for the first piece of a range, READ for later ones",
    FIRST_TABLE_DECIDES: "only the newest table in a section's way is asked whether it is empty; all are removed",
    RETOFF_AFTER_SPLIT: "a map over several tables reports the offset of its last piece",
    FRAME_OVERRUN: "the size alone is compared with the frame's, so an offset reaches beyond its end",
    LARGE_FALLBACK_NOT_SPLIT: "LARGE that falls back to small pages is not split at the end of a table",
    TABLE_MAPPING_SLOT_LEAK: "removing an empty table forgets the slot of its Mapping",
    MAP_NOT_UNDONE: "what a map, an unmap or a refill did before it failed stays done",
    RAW_WRONG_WINDOW: "determine_addr_raw looks at entries of 1 MiB and answers as if they were 4 MiB",
}
"""Name and meaning."""
