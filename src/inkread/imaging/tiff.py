"""Counts the pages of TIFF files, without decoding any of them."""

import struct

__all__ = ["count_pages"]

# By the first bytes: byte order, format and size of offsets, of a directory's count, of an entry.
_KINDS = {
    b"II*\0": ("<", "I", "H", 12),
    b"MM\0*": (">", "I", "H", 12),
    b"II+\0": ("<", "Q", "Q", 20),
    b"MM\0+": (">", "Q", "Q", 20),
}
_FIRST_OFFSET_AT = {"I": 4, "Q": 8}


def count_pages(data: bytes, most: int) -> int:
    """Count the directories of a TIFF file, each of which is a page.

    Pillow counts them too, but parses all of them before it says how many there are.

    Args:
        data: the bytes of the file.
        most: where counting ends.

    Returns:
        The number of pages, or ``most`` + 1 if there are more; at least 1. A directory that is cut
        off, or was there before, ends the file.
    """
    kind = _KINDS.get(data[:4])
    if kind is None:
        return 1
    order, offset_format, count_format, entry_bytes = kind
    offset_at, seen = _FIRST_OFFSET_AT[offset_format], set[int]()
    try:
        while len(seen) <= most:
            (offset,) = struct.unpack_from(order + offset_format, data, offset_at)
            if not offset or offset in seen:
                break
            (num_entries,) = struct.unpack_from(order + count_format, data, offset)
            seen.add(offset)
            offset_at = offset + struct.calcsize(count_format) + entry_bytes * num_entries
    except (struct.error, OverflowError):  # outside the file
        pass
    return max(1, len(seen))
