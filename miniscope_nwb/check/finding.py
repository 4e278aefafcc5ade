"""What `doctor` says: one fact about this computer, and what to do where it is not as it should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about this computer.

    ``ok`` is as it should be, ``note`` is good to know, a ``warning`` may bite one day, an
    ``error`` keeps a command from working. Warnings and errors have a remedy.
    """

    topic: str  # "Python", "OpenCV", "disk", ...
    status: Status
    message: str
    remedy: str = ""
