"""What this process may use of the machine."""

import os


def n_cores() -> int:
    """Count the cores that this process may run on."""
    return os.process_cpu_count() or 1 if hasattr(os, "process_cpu_count") else len(os.sched_getaffinity(0))
