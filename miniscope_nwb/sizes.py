"""Sizes of files and of memory as people read them: the one convention for all that is printed.

Decimal units, three digits: 1 kB is 1000 bytes, 1 MB 1000 kB, 1 GB 1000 MB. Makers of disks, the
archives and most systems count so. Options take binary units, too (`--max-memory 4GiB`), and what
a program reads (`--json`) is in bytes. Only the parts of an upload are told in MiB: the archive
defines them as 64 MiB.
"""

from __future__ import annotations


def size(n_bytes: float) -> str:
    """Write a number of bytes for people, as ``428 kB`` or ``3.22 GB``."""
    unit = "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if n_bytes < 999.5:  # what is above rounds to 1000
            break
        n_bytes, unit = n_bytes / 1000, larger
    return f"{n_bytes:.3g} {unit}" if n_bytes < 999.5 else f"{n_bytes:.0f} {unit}"
