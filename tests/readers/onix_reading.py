"""What the tests of the ONIX reader share."""

from __future__ import annotations

from miniscope_nwb.convert.readers.base import RecordingSource
from miniscope_nwb.convert.readers.onix import OnixReader
from miniscope_nwb.recording import ReadOptions

READER = OnixReader()
HZ = 250_000_000


def read(folder, key="0", **options):
    return READER.read(RecordingSource(folder, key=key), ReadOptions(**options))


def values_of(recording):
    return {s.key: s.value for s in recording.settings}
