"""The pictures of the package, by the modules that register them, each imported when it is first needed.

Most notebooks show a few pictures.  Importing all of them takes as long as everything else that a notebook needs.
`python -m tools.listing` writes this file.
"""

from __future__ import annotations

PICTURES = {
    "beside": ("Beside",),
    "compare": ("Comparison", "Diff", "Formats", "Paging"),
    "dashboard": ("Dashboard",),
    "domain": ("Capabilities", "Domain", "SlabLevels", "Vnodes", "Vspace"),
    "inverted": ("Inverted",),
    "linux": ("BesideLinux",),
    "locality": ("Locality",),
    "maps": ("EntryList", "Map", "Ribbon", "Tree"),
    "memory": ("Frames", "Kentry", "Kmem", "Slabs", "Threads"),
    "objects": ("Fault", "Objects"),
    "own": ("CellMemory", "CopyOnWrite"),
    "paper": ("OnPaper",),
    "pasted": ("Pasted",),
    "process": ("Process",),
    "program": ("Program",),
    "real": ("Followed", "Stops"),
    "reasons": ("Reasons",),
    "reference_bits": ("ReferenceBits",),
    "references": ("References",),
    "replacement": ("Clock",),
    "segments": ("Placement",),
    "sharing": ("Sharing",),
    "tables": ("Tables", "Walk"),
    "tlb": ("Tlb",),
    "traces": ("FaultCurves", "Intervals"),
}  # fmt: skip  # a row for each module
"""The names of each module's pictures."""

FIRST_FOR = {
    "vmwidgets.comparisons.formats": {
        "FormatComparison": "compare",
    },
    "vmwidgets.comparisons.linux": {
        "LinuxComparison": "linux",
    },
    "vmwidgets.comparisons.maps": {
        "MapsDiff": "compare",
    },
    "vmwidgets.comparisons.paging_schema": {
        "PagingComparison": "compare",
    },
    "vmwidgets.comparisons.placements": {
        "ComparisonValue": "compare",
    },
    "vmwidgets.engine.kernel.pmap.pmap_schema": {
        "InvertedValue": "inverted",
    },
    "vmwidgets.engine.machine.handles.cpus": {
        "MachineCpu": "tlb",
        "MachineCpus": "tlb",
    },
    "vmwidgets.engine.machine.handles.domain": {
        "MachineDomain": "domain",
    },
    "vmwidgets.engine.machine.handles.frames": {
        "MachineCaches": "memory",
        "MachineFrames": "memory",
        "MachineKentry": "memory",
    },
    "vmwidgets.engine.machine.handles.kmem": {
        "MachineKmem": "memory",
        "MachineKmemMap": "memory",
    },
    "vmwidgets.engine.machine.handles.maps": {
        "MachineMap": "maps",
    },
    "vmwidgets.engine.machine.handles.objects": {
        "MachineObjects": "objects",
    },
    "vmwidgets.engine.machine.handles.replacement": {
        "MachineReplacement": "replacement",
    },
    "vmwidgets.engine.machine.handles.tables": {
        "MachineTables": "tables",
        "MachineWalk": "tables",
    },
    "vmwidgets.engine.machine.handles.tasks": {
        "Task": "dashboard",
    },
    "vmwidgets.engine.machine.handles.threads": {
        "MachineThread": "memory",
        "MachineThreads": "memory",
    },
    "vmwidgets.engine.machine.hindsight.why": {
        "Why": "reasons",
    },
    "vmwidgets.engine.machine.machine": {
        "Machine": "dashboard",
    },
    "vmwidgets.engine.mmu.tables": {
        "PageTables": "tables",
        "TablesWalk": "tables",
    },
    "vmwidgets.given.followed": {
        "Followed": "real",
    },
    "vmwidgets.given.loaded": {
        "LoadedMaps": "process",
        "LoadedStrace": "process",
    },
    "vmwidgets.given.pasted": {
        "Pasted": "pasted",
    },
    "vmwidgets.given.played": {
        "Played": "program",
    },
    "vmwidgets.given.process": {
        "CellMemory": "own",
        "ForkedValue": "own",
        "LiveFork": "own",
        "LiveProcess": "process",
        "Measuring": "own",
        "ProcessMoment": "process",
        "UsedOverTime": "locality",
    },
    "vmwidgets.given.stops": {
        "Stops": "real",
    },
    "vmwidgets.on_paper.machine": {
        "Paper": "paper",
    },
    "vmwidgets.on_paper.segments_schema": {
        "SegmentsValue": "segments",
    },
    "vmwidgets.on_paper.worked": {
        "Access": "paper",
    },
    "vmwidgets.pictures.beside": {
        "Pair": "beside",
    },
    "vmwidgets.reference_strings.references_schema": {
        "PolicyRun": "references",
        "ReferencesValue": "references",
    },
    "vmwidgets.reference_strings.trace": {
        "Trace": "locality",
    },
    "vmwidgets.reference_strings.traces_schema": {
        "FaultsValue": "traces",
        "IntervalsValue": "traces",
    },
}
"""By a class's module and name, the module with the first-choice picture of its objects."""

MODULE_OF = {name: module for module, names in PICTURES.items() for name in names}
"""The module of each picture, by the picture's name."""
