"""Damage AVI files as crashes and full disks do, for tests."""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["header_only", "truncate", "unfinalise", "without_frames", "zero_tail"]


def truncate(path: Path, fraction: float) -> None:
    """Keep only the first `fraction` of the bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])


def _movi(data: bytes | bytearray) -> int:
    """Offset of ``LIST`` of the first movi list."""
    return data.index(b"movi") - 8


def unfinalise(path: Path, *, size: int = 0) -> None:
    """Make the file look as if its writer had been killed: no counts, no sizes, no index."""
    data = bytearray(path.read_bytes())
    start = _movi(data)
    end = start + 8 + struct.unpack_from("<I", data, start + 4)[0]
    struct.pack_into("<I", data, 4, size)
    struct.pack_into("<I", data, start + 4, size)
    struct.pack_into("<I", data, data.index(b"avih") + 8 + 16, 0)
    struct.pack_into("<I", data, data.index(b"strh") + 8 + 32, 0)
    path.write_bytes(data[:end])


def header_only(path: Path) -> None:
    """Keep the headers and no frame, as a recording stopped right after a new part began."""
    unfinalise(path)
    data = path.read_bytes()
    path.write_bytes(data[: _movi(data) + 12])


def without_frames(path: Path, how: str) -> None:
    """Take all frames of a file: ``missing``, ``zero bytes`` or ``header only``."""
    if how == "missing":
        path.unlink()
    elif how == "zero bytes":
        path.write_bytes(b"")
    else:
        header_only(path)


def zero_tail(path: Path, n_bytes: int) -> None:
    """Overwrite the last bytes with zeros, as a power loss does on NTFS."""
    data = path.read_bytes()
    path.write_bytes(data[:-n_bytes] + b"\0" * n_bytes)
