"""Which videos an NWB file names: they lie beside it, and do not follow when it is renamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniscope_nwb.nwb.read import open_nwb


def named_videos(path: Path) -> list[tuple[str, str]]:
    """Return (series, name of the video) of every external file, in the file's order.

    Parameters
    ----------
    path
        The NWB file.

    Raises
    ------
    NwbContentError
        If the file cannot be read.
    """
    found: list[tuple[str, str]] = []

    def look(_: str, node: Any) -> None:
        if node.name.rpartition("/")[2] == "external_file" and hasattr(node, "asstr"):
            series = node.name.rpartition("/")[0].lstrip("/")
            found.extend((series, str(name)) for name in node.asstr()[:].ravel().tolist())

    with open_nwb(path) as file:
        for group in ("acquisition", "processing", "stimulus"):
            if group in file:
                file[group].visititems(look)
    return found
