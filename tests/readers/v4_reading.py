"""What the tests of the V4 reader share."""

from __future__ import annotations

import json

from miniscope_nwb.convert.readers.base import RecordingSource
from miniscope_nwb.convert.readers.miniscope_v4 import MiniscopeV4Reader
from miniscope_nwb.recording import ReadOptions

READER = MiniscopeV4Reader()


def read(folder, device="", **options):
    return READER.read(RecordingSource(folder, device=device), ReadOptions(**options))


def edit_json(path, **changes):
    values = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        if value is ...:
            values.pop(key, None)
        else:
            values[key] = value
    path.write_text(json.dumps(values), encoding="utf-8")


def edit_text(path, change):
    path.write_bytes(change(path.read_bytes()))
