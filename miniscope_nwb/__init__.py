"""Raw miniscope recordings to analysed, shareable science: one NWB file a recording."""

from __future__ import annotations

__version__ = "0.1.0"
