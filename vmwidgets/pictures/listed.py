"""The pictures of the package, by the modules that register them, each imported when it is first needed.

Most notebooks show a few pictures.  Importing all of them takes as long as everything else that a notebook needs.
`python -m tools.listing` writes this file.
"""

from __future__ import annotations

PICTURES = {
    "pictures.beside": ("Beside",),
    "pictures.buddy": ("Buddy",),
    "pictures.dashboard": ("Dashboard",),
    "pictures.locality": ("Locality",),
    "pictures.maps": ("EntryList", "Map", "Ribbon", "Tree"),
    "pictures.memory": ("Frames", "Kentry", "Kmem", "Threads"),
    "pictures.objects": ("Fault",),
    "pictures.own": ("CellMemory", "CopyOnWrite"),
    "pictures.paper": ("OnPaper",),
    "pictures.pasted": ("Pasted",),
    "pictures.process": ("Process",),
    "pictures.program": ("Program",),
    "pictures.real": ("Stops",),
    "pictures.reasons": ("Reasons",),
    "pictures.references": ("References",),
    "pictures.segments": ("Placement",),
    "pictures.sharing": ("Sharing",),
    "pictures.tables": ("Tables", "Walk"),
    "pictures.tlb": ("Tlb",),
    "pictures.traces": ("FaultCurves", "Intervals"),
    "views.domain.capabilities": ("Capabilities",),
    "views.domain.domain": ("Domain",),
    "views.domain.paging": ("Paging",),
    "views.domain.slab": ("SlabLevels",),
    "views.domain.vnodes": ("Vnodes",),
    "views.maps.compare": ("Comparison",),
    "views.maps.diff": ("Diff",),
    "views.memory.clock": ("Clock",),
    "views.memory.objects": ("Objects",),
    "views.memory.reference_bits": ("ReferenceBits",),
    "views.memory.slabs": ("Slabs",),
    "views.tables.followed": ("Followed",),
    "views.tables.formats": ("Formats",),
    "views.tables.inverted": ("Inverted",),
    "views.tables.linux": ("BesideLinux",),
}  # fmt: skip  # a row for each module
"""The names of each module's pictures."""

FIRST_FOR = {
    "vmwidgets.comparisons.formats": {
        "FormatComparison": "views.tables.formats",
    },
    "vmwidgets.comparisons.linux": {
        "LinuxComparison": "views.tables.linux",
    },
    "vmwidgets.comparisons.maps": {
        "MapsDiff": "views.maps.diff",
    },
    "vmwidgets.comparisons.paging_schema": {
        "PagingComparison": "views.domain.paging",
    },
    "vmwidgets.comparisons.placements": {
        "ComparisonValue": "views.maps.compare",
    },
    "vmwidgets.engine.kernel.pmap.pmap_schema": {
        "InvertedValue": "views.tables.inverted",
    },
    "vmwidgets.engine.machine.handles.cpus": {
        "MachineCpu": "pictures.tlb",
        "MachineCpus": "pictures.tlb",
    },
    "vmwidgets.engine.machine.handles.domain": {
        "MachineDomain": "views.domain.domain",
    },
    "vmwidgets.engine.machine.handles.frames": {
        "MachineCaches": "views.memory.slabs",
        "MachineFrames": "pictures.memory",
        "MachineKentry": "pictures.memory",
    },
    "vmwidgets.engine.machine.handles.kmem": {
        "MachineKmem": "pictures.memory",
        "MachineKmemMap": "pictures.memory",
    },
    "vmwidgets.engine.machine.handles.maps": {
        "MachineMap": "pictures.maps",
    },
    "vmwidgets.engine.machine.handles.objects": {
        "MachineObjects": "views.memory.objects",
    },
    "vmwidgets.engine.machine.handles.replacement": {
        "MachineReplacement": "views.memory.clock",
    },
    "vmwidgets.engine.machine.handles.tables": {
        "MachineTables": "pictures.tables",
        "MachineWalk": "pictures.tables",
    },
    "vmwidgets.engine.machine.handles.tasks": {
        "Task": "pictures.dashboard",
    },
    "vmwidgets.engine.machine.handles.threads": {
        "MachineThread": "pictures.memory",
        "MachineThreads": "pictures.memory",
    },
    "vmwidgets.engine.machine.hindsight.why": {
        "Why": "pictures.reasons",
    },
    "vmwidgets.engine.machine.machine": {
        "Machine": "pictures.dashboard",
    },
    "vmwidgets.engine.mmu.tables": {
        "PageTables": "pictures.tables",
        "TablesWalk": "pictures.tables",
    },
    "vmwidgets.given.followed": {
        "Followed": "views.tables.followed",
    },
    "vmwidgets.given.loaded": {
        "LoadedMaps": "pictures.process",
        "LoadedStrace": "pictures.process",
    },
    "vmwidgets.given.pasted": {
        "Pasted": "pictures.pasted",
    },
    "vmwidgets.given.played": {
        "Played": "pictures.program",
    },
    "vmwidgets.given.process": {
        "CellMemory": "pictures.own",
        "ForkedValue": "pictures.own",
        "LiveFork": "pictures.own",
        "LiveProcess": "pictures.process",
        "Measuring": "pictures.own",
        "ProcessMoment": "pictures.process",
        "UsedOverTime": "pictures.locality",
    },
    "vmwidgets.given.stops": {
        "Stops": "pictures.real",
    },
    "vmwidgets.on_paper.buddy": {
        "BuddyValue": "pictures.buddy",
    },
    "vmwidgets.on_paper.machine": {
        "Paper": "pictures.paper",
    },
    "vmwidgets.on_paper.segments_schema": {
        "SegmentsValue": "pictures.segments",
    },
    "vmwidgets.on_paper.worked": {
        "Access": "pictures.paper",
    },
    "vmwidgets.pictures.beside": {
        "Pair": "pictures.beside",
    },
    "vmwidgets.reference_strings.references_schema": {
        "PolicyRun": "pictures.references",
        "ReferencesValue": "pictures.references",
    },
    "vmwidgets.reference_strings.trace": {
        "Trace": "pictures.locality",
    },
    "vmwidgets.reference_strings.traces_schema": {
        "FaultsValue": "pictures.traces",
        "IntervalsValue": "pictures.traces",
    },
}
"""By a class's module and name, the module with the first-choice picture of its objects."""

MODULE_OF = {name: module for module, names in PICTURES.items() for name in names}
"""The module of each picture, by the picture's name."""
