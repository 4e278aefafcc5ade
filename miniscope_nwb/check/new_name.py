"""How a file whose videos lie elsewhere comes to the name, and they to the folder, of a dandiset.

The file names its videos as ``<stem of the file>/<video>``; renamed by hand it would lose them.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from miniscope_nwb.nwb.processed.runs import read_runs
from miniscope_nwb.nwb.read import open_nwb
from miniscope_nwb.nwb.video_names import named_videos


def keeps_its_videos(path: Path, planned: str) -> bool:
    """Whether the videos that a file names lie where they must for its planned name."""
    stem = PurePosixPath(planned).stem
    return all(name.partition("/")[0] == stem for _, name in named_videos(path))


def way_to_new_name(path: Path) -> str:
    """Say in one sentence how a file gets another name together with its videos.

    A file with runs must not be converted again: its cells would be lost. `split` copies the
    videos along and gives both parts their names.
    """
    with open_nwb(path) as file:
        has_cells = bool(read_runs(file))
    if has_cells:
        return (
            f"Share its parts: `miniscope-nwb split {path}` gives them the names, and the videos "
            "the folder, that DANDI wants; cells and curation stay. It cannot be renamed by hand."
        )
    return (
        "Convert again with -o naming a folder, which gives the file its name; a file that names "
        "videos cannot be renamed by hand."
    )
