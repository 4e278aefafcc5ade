"""A processed recording as numpy arrays and pandas tables.

    session = miniscope_nwb.open("sub-m06_ses-1_ophys.nwb")
    session.frames[0]                     # (height, width), as recorded
    run = session.run()                   # the last run, or session.run("name")
    cells = run.cells                     # one row a component: accepted, snr, npix, ...
    run.noise_normalized[cells.accepted]  # (n_cells, n_frames)

Images are (height, width), x grows to the right and y downward, pixels are those of the raw movie,
traces are (n_cells, n_frames), times are seconds since the start of the session. Nothing is read
before it is asked for.
"""

from __future__ import annotations

from pathlib import Path

from miniscope_nwb.reading.frames import Frames
from miniscope_nwb.reading.run import Run
from miniscope_nwb.reading.session import Session

__all__ = ["Frames", "Run", "Session", "open"]


def open(path: str | Path, series: str | None = None) -> Session:
    """Open an NWB file for reading.

    Parameters
    ----------
    path
        The file; converted, or processed too.
    series
        Raw movie in `acquisition`, where there are several.

    Raises
    ------
    NwbContentError
        If it is not a whole NWB file.
    """
    return Session(path, series)
