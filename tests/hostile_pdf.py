"""PDF files that take much memory or time to draw, or end the process that draws them."""

import zlib

import numpy as np

__all__ = ["flate_bomb", "many_curves", "nested_forms", "pdf"]


def pdf(content, resources=b"", filters=b"/FlateDecode", objects=()):
    """A PDF of one page with this content, as it is stored."""
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<%s>>>>"
        % resources,
        b"<</Length %d/Filter %s>>stream\n%s\nendstream" % (len(content), filters, content),
        *objects,
    ]
    data, places = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(parts) + 1, table)
    return data + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(parts) + 1,
        start,
    )


def flate_bomb():
    """A content of 1.5 GB in a few kilobytes."""
    compress = zlib.compressobj(9)
    once = b"".join(compress.compress(b" " * 1_000_000) for _ in range(1500)) + compress.flush()
    return pdf(zlib.compress(once, 9), filters=b"[/FlateDecode/FlateDecode]")


def many_curves():
    rng = np.random.default_rng(0)
    curves = [
        b"%d %d m %d %d %d %d %d %d c S" % tuple(rng.integers(0, 800, 8)) for _ in range(300_000)
    ]
    return pdf(zlib.compress(b"40 w\n" + b"\n".join(curves)))


def nested_forms(depth=60_000):
    """Forms that each draw the next."""
    form = (
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F %d 0 R>>>>"
        b"/Length 5>>stream\n/F Do\nendstream"
    )
    objects = [form % (number + 6) for number in range(depth)]
    return pdf(zlib.compress(b"/F Do"), b"/XObject<</F 5 0 R>>", objects=objects)
