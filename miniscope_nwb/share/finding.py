"""What `share` finds out about a file, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "public", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    An ``error`` keeps the file at home; a ``warning`` should be looked at; ``public`` is what
    everybody will be able to read; a ``note`` is good to know.
    """

    severity: Severity
    topic: str  # "name", "validation", "videos", "archive", ...
    where: str  # place in the file or path; "" for the file as a whole
    message: str
    fix: str = ""
