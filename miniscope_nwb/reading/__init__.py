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


def open(
    path: str | Path,
    series: str | None = None,
    *,
    instance: str | None = None,
    api_key_file: str | Path | None = None,
) -> Session:
    """Open an NWB file for reading.

    Parameters
    ----------
    path
        The file, converted or processed too; or its address, ``https://...`` or
        ``s3://bucket/key``, of which only what is asked for is fetched. A private file of an
        archive is opened by its download address, with the key as `share` looks for it.
    series
        Raw movie in `acquisition`, where there are several.
    instance
        Address of the archive that a private file lies in, where dandi does not know it.
    api_key_file
        File with the key to that archive.

    Raises
    ------
    NwbContentError
        If it is not a whole NWB file.
    AccessError, UnreachableError
        If an address is private or does not answer.
    """
    from miniscope_nwb.remote.address import is_remote

    if not is_remote(path):
        return Session(path, series)
    from miniscope_nwb.reading.remote import open_remote

    key_file = None if api_key_file is None else Path(api_key_file)
    source = open_remote(str(path), instance=instance, api_key_file=key_file)
    try:
        return Session(source, series)
    except BaseException:  # whatever it is, Ctrl-C too: nobody else could close the connection
        source.close()
        raise
