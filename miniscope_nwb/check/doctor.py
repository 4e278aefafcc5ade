"""Is this computer fit? Packages, decoders, engines, memory, disk; each fault with its remedy."""

from __future__ import annotations

from pathlib import Path

from miniscope_nwb.check.decoders import examine_decoders
from miniscope_nwb.check.engines import examine_engines
from miniscope_nwb.check.finding import Finding
from miniscope_nwb.check.machine import examine_folders, examine_machine
from miniscope_nwb.check.packages import (
    examine_libraries,
    examine_opencv_wheels,
    examine_packages,
    examine_python,
    examine_readers,
)


def examine(working: Path | None = None) -> list[Finding]:
    """Look at the Python environment and the computer; takes a few seconds and changes nothing.

    Parameters
    ----------
    working
        Folder in which files will be written; default: the current one.
    """
    return [
        *examine_python(),
        *examine_packages(),
        examine_opencv_wheels(),
        *examine_libraries(),
        *examine_decoders(),
        *examine_readers(),
        *examine_engines(),
        *examine_machine(),
        *examine_folders(working or Path()),
    ]
