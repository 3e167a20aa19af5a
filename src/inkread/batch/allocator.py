"""The C library's allocator, told to keep the memory that is freed and wanted back at once."""

import ctypes
import os

__all__ = ["READING_BYTES", "keep_freed_memory"]

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST_BYTES = 32 << 20  # that glibc accepts; what is larger always goes back
_MOST_BYTES = 2**31 - 1

READING_BYTES = 64 << 20  # about what the largest of usual pictures takes while it is read


def keep_freed_memory(most_bytes: int = _MOST_BYTES) -> bool:
    """Stop glibc from handing memory back to the kernel between two steps of a training, or pages.

    A step frees megabytes of activations and the next one asks for them again. By default glibc
    returns them, and the kernel then clears and maps every page anew: on two cores that was more
    than half of the time of a training, and a fifth of that of reading a page. The setting holds
    for the whole process, so that only those who own it should ask for it. Where the C library is
    another one, nothing happens.

    Args:
        most_bytes: how much is kept, by each thread that takes memory.

    Returns:
        Whether the allocator took the settings.
    """
    if not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {
        _M_TRIM_THRESHOLD: most_bytes,
        _M_TOP_PAD: min(most_bytes, 64 << 20),
        _M_MMAP_THRESHOLD: _LARGEST_BYTES,
    }
    return all(mallopt(option, value) == 1 for option, value in settings.items())


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, OSError, ValueError):  # not POSIX; a C library without this name
        return False
