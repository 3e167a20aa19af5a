"""Limits of the memory and time that a process may take to read; the system enforces them."""

import sys
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import resource

__all__ = ["ProcessLimits", "limit_memory"]


@dataclass(frozen=True)
class ProcessLimits:
    """What a process may take for a picture.

    Attributes:
        max_bytes: memory besides that of its models; a picture of 64 megapixels takes less.
        max_cpu_s: seconds of computation until the next page is read, in all threads.
    """

    max_bytes: int = 2_500_000_000
    max_cpu_s: int = 180

    def renew_time(self) -> None:
        """Give this process the whole time anew; when it is over, a signal ends the process."""
        if sys.platform != "win32":
            used = resource.getrusage(resource.RUSAGE_SELF)
            end = int(used.ru_utime + used.ru_stime) + 1 + self.max_cpu_s
            _, hard = resource.getrlimit(resource.RLIMIT_CPU)
            if hard == resource.RLIM_INFINITY or end < hard:
                resource.setrlimit(resource.RLIMIT_CPU, (end, hard))
            resource.setrlimit(
                resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1])
            )


def limit_memory(max_bytes: int) -> None:
    """Limit the memory that this process may take from now on, where the system can."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        taken = int(status.partition("VmData:")[2].split()[0]) * 1024
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or taken + max_bytes < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (taken + max_bytes, hard))
