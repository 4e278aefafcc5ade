"""A reader of another package: recordings of ToyScope, ``scope.avi`` beside ``clock.txt``.

``clock.txt`` holds the start of the recording in its first line, in ISO 8601, and then the time
of each frame in milliseconds, one a line.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from miniscope_nwb.convert.readers.base import Match, RecordingSource
from miniscope_nwb.convert.readers.parts import list_source_files
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import Device, ReadOptions, Recording, Stamps, StartTime
from miniscope_nwb.video.probe import probe_part

CLOCK = "clock.txt"
VIDEO = "scope.avi"


class ToyScopeReader:
    """Reads recordings of ToyScope."""

    name = "toyscope"
    summary = "ToyScope: scope.avi and clock.txt"

    def sniff(self, folder: Path) -> Match:
        """Say whether `folder` is a recording."""
        if not (folder / CLOCK).is_file() or not (folder / VIDEO).is_file():
            return Match(self.name, (f"no {CLOCK} beside {VIDEO}",))
        return Match(self.name, (f"{CLOCK} beside {VIDEO}",), (RecordingSource(folder),))

    def read(self, source: RecordingSource, options: ReadOptions) -> Recording:
        """Read everything but the pixels.

        Raises
        ------
        RecordingError
            Where the clock cannot be read.
        """
        root = source.folder
        start, stamps = _read_clock(root / CLOCK)
        part = probe_part(root / VIDEO, relative_path=VIDEO, index=0)
        scope = Device(
            name="ToyScope",
            folder=".",
            role=options.roles.get("ToyScope", "scope"),
            role_evidence="the only device of the format",
            device_type="ToyScope",
            parts=(part,),
            stamps=stamps,
        )
        files = [
            replace(file, converted=file.relative_path in (CLOCK, VIDEO))
            for file in list_source_files(root)
        ]
        return Recording(
            format=self.name,
            root=root,
            label="",
            software="ToyScope",
            start=StartTime(start, f"{CLOCK}, line 1", is_assumed=False),
            devices=(scope,),
            source_files=tuple(files),
        )


def _read_clock(path: Path) -> tuple[datetime, Stamps]:
    try:
        first, *lines = path.read_text(encoding="utf-8").split()
        start = datetime.fromisoformat(first)
        times_ms = np.array([int(line) for line in lines], dtype=np.float64)
    except ValueError as error:
        raise RecordingError(
            f"{path.name}: expected a date and whole milliseconds ({error}); restore the file."
        ) from error
    stamps = Stamps(
        source=path.name,
        frame_index=np.arange(len(times_ms)),
        recorded=times_ms,
        unit="ms",
        time_s=times_ms / 1000.0,
    )
    return start, stamps
