"""Configures glibc's malloc to keep freed memory in the process."""

import ctypes
import os

__all__ = ["READING_BYTES", "keep_freed_memory"]

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_MAX_MMAP_THRESHOLD_BYTES = 32 << 20  # that glibc accepts; larger blocks always go back when freed
_MAX_TOP_PAD_BYTES = 64 << 20
_MAX_KEPT_BYTES = 2**31 - 1

READING_BYTES = 64 << 20  # about the memory that reading a large picture takes


def keep_freed_memory(max_bytes: int = _MAX_KEPT_BYTES) -> bool:
    """Stop glibc from returning freed memory to the kernel between training steps, or pages.

    A training step frees megabytes of activations that the next one allocates again. By default
    glibc returns them to the kernel, which clears and maps every page anew: on two cores that took
    more than half of the time of a training, and a fifth of the time of reading a page. The setting
    applies to the whole process, so a library should not change it for its users. With other C
    libraries, nothing happens.

    Args:
        max_bytes: how much freed memory is kept by each arena of the allocator.

    Returns:
        Whether the allocator accepted the settings.
    """
    if not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {
        _M_TRIM_THRESHOLD: max_bytes,
        _M_TOP_PAD: min(max_bytes, _MAX_TOP_PAD_BYTES),
        _M_MMAP_THRESHOLD: _MAX_MMAP_THRESHOLD_BYTES,
    }
    return all(mallopt(option, value) == 1 for option, value in settings.items())


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, OSError, ValueError):  # not POSIX, or the name is unknown
        return False
