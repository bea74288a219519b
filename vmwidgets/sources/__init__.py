"""Sources of machines and values: recorded traces and tables, maps of processes, workloads to compare."""

from . import workload

__all__ = ["workload"]
