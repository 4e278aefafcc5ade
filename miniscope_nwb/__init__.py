"""Raw miniscope recordings to analysed, shareable science: one NWB file a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from miniscope_nwb.reading import open

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def __getattr__(name: str) -> Any:
    """Give ``miniscope_nwb.open`` when it is asked for: importing the package loads nothing."""
    if name == "open":
        from miniscope_nwb import reading

        return reading.open
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
