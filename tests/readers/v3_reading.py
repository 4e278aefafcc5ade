"""What the tests of the V3 reader share."""

from __future__ import annotations

from miniscope_nwb.convert.readers.base import RecordingSource
from miniscope_nwb.convert.readers.miniscope_v3 import MiniscopeV3Reader
from miniscope_nwb.recording import ReadOptions

READER = MiniscopeV3Reader()


def read(folder, **options):
    return READER.read(RecordingSource(folder), ReadOptions(**options))


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


def truncate(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
