"""What the NWB schema requires of a file before a run can be written beside its movie.

pynwb reads a file without these only in part or not at all, and would say so after hours of
computing, in its own words.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.read import Source, open_nwb

_OF_FILE = (
    "identifier",
    "session_description",
    "session_start_time",
    "timestamps_reference_time",
    "file_create_date",
)
_OF_PLANE = ("device", "excitation_lambda", "indicator", "location")
_OF_CHANNEL = ("description", "emission_lambda")


def check_required(path: Source, series: str) -> None:
    """Refuse a file to which pynwb could not write what belongs to a movie.

    Parameters
    ----------
    series
        Name of the movie in `acquisition`.

    Raises
    ------
    NwbContentError
        One sentence with the file and all that it lacks.
    """
    with open_nwb(path) as file:
        missing = list(_missing(file, file[f"acquisition/{series}"]))
        if missing:
            name = Path(file.filename).name
            raise NwbContentError(
                f"{name} lacks {', '.join(missing)}, which NWB requires, so that nothing can be "
                "added to it: convert the recording again, or add what is missing by h5py or the "
                "program that wrote it."
            )


def _missing(file: h5py.File, series: h5py.Group) -> Iterator[str]:
    """List the paths of what is not there; of a link that leads nowhere, too."""
    yield from (name for name in _OF_FILE if file.get(name) is None)
    plane = series.get("imaging_plane")
    if plane is None:
        yield f"{series.name}/imaging_plane"
        return
    yield from (f"{plane.name}/{name}" for name in _OF_PLANE if plane.get(name) is None)
    channels = [item for item in plane.values() if _kind(item) == "OpticalChannel"]
    if not channels:
        yield f"{plane.name}/OpticalChannel"
    for channel in channels:
        yield from (f"{channel.name}/{name}" for name in _OF_CHANNEL if name not in channel)


def _kind(item: object) -> str:
    return str(item.attrs.get("neurodata_type", "")) if isinstance(item, h5py.Group) else ""
