"""Sources of machines and values: recorded tables, maps of processes, workloads to compare."""

from . import workload

__all__ = ["workload"]
