"""The C library's allocator, told to keep the memory that training frees and wants back at once."""

import ctypes
import platform

__all__ = ["keep_freed_memory"]

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_PAD_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Stop glibc from handing memory back to the kernel between two steps of a training.

    A step frees megabytes of activations and the next one asks for them again. By default glibc
    returns them, and the kernel then clears and maps every page anew: on two cores that was more
    than half of the time of a training. The setting holds for the whole process. Where the C
    library is another one, nothing happens.

    Returns:
        Whether the allocator took the settings.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {
        _M_TRIM_THRESHOLD: 2**31 - 1,
        _M_TOP_PAD: _PAD_BYTES,
        _M_MMAP_THRESHOLD: 32 << 20,  # the largest that glibc accepts
    }
    return all(mallopt(option, value) == 1 for option, value in settings.items())
