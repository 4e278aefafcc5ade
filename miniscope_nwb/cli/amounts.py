"""Amounts of memory as people write them: 4GB, 500MB, 1.5 GiB."""

from __future__ import annotations

import re

import click

_UNITS = {
    "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_LEAST_BYTES = 10**6  # less is a slip of the unit, and no frame would fit
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*", re.IGNORECASE)


class Amount(click.ParamType[int]):
    """Bytes; a unit must be given, for a bare 4 may mean bytes or gigabytes."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read an amount; what is no amount is wrong usage."""
        if isinstance(value, int):
            return value
        found = _AMOUNT.fullmatch(str(value))
        if found is not None and not found[2]:
            self.fail(
                f"{value!r} has no unit: write {found[1]}GB or {found[1]}MB of memory.", param, ctx
            )
        if found is None or found[2].lower() not in _UNITS:
            self.fail(f"{value!r} is no amount of memory: write 4GB or 500MB.", param, ctx)
        n_bytes = round(float(found[1]) * _UNITS[found[2].lower()])
        if n_bytes < _LEAST_BYTES:
            self.fail(
                f"{value!r} is too little memory for a frame: write 4GB or 500MB.", param, ctx
            )
        return n_bytes


def duration(seconds: float) -> str:
    """Write a time as people read it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
