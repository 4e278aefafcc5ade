"""What the tests of files on a server share: limits, a look into a file, a private archive."""

from __future__ import annotations

import itertools
from pathlib import Path

from range_server import answer

import miniscope_nwb
from miniscope_nwb.remote.http import Waits

KEY = "0123456789abcdef0123456789abcdef01234567"
SIGNED = "X-Amz-Signature=5eC7e7&X-Amz-Expires=21600"
ASSET = "/api/assets/0b1c2d3e-0b1c-2d3e-4f50-0b1c2d3e4f50/download/"
QUICK = Waits(connect_s=2.0, read_s=2.0, first_s=0.01, n_repeats=3)
MOST_REQUESTS, MOST_BYTES = 40, 10_000_000


def look(path: str | Path, frame: int = 300, **options: object):
    """Open a file, read one trace and one frame."""
    with miniscope_nwb.open(path, **options) as session:
        trace = session.run().trace("noise_normalized", [3])
        return trace, session.frames[frame]


class PrivateArchive:
    """Gives the file to whoever brings the key, by a signed address of its storage."""

    def __init__(self, archive, storage) -> None:
        self.archive, self.storage = archive, storage
        self.refuses_with = 404
        self.signatures = itertools.count()
        self.valid = ""
        archive.rules.append(self.download)
        storage.rules.append(self.check)

    def download(self, request) -> bool:
        if request.path != ASSET:
            return False
        if request.headers.get("Authorization") != f"token {KEY}":
            return answer(request, self.refuses_with)
        self.valid = f"{SIGNED}&n={next(self.signatures)}"
        return answer(request, 302, headers={"Location": f"{self.storage.url}/x.nwb?{self.valid}"})

    def check(self, request) -> bool:
        return request.path.partition("?")[2] != self.valid and answer(request, 403)
