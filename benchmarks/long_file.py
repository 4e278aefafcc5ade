"""Long NWB files for benchmarks: the stored chunks of a short movie, again and again.

Simulating an hour of 600x600 takes longer than processing it. The frames repeat, the time goes on:
speed and memory are those of a long recording.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np

_SERIES = "acquisition/OnePhotonSeries"


def repeat_movie(source: Path, target: Path, n_frames: int) -> None:
    """Write `target`, a copy of `source` whose movie goes on to `n_frames` frames.

    The number of frames of `source` is a multiple of its chunks' length.
    """
    shutil.copyfile(source, target)
    with h5py.File(source) as short, h5py.File(target, "r+") as file:
        group, old = file[_SERIES], short[f"{_SERIES}/data"]
        times = short[f"{_SERIES}/timestamps"][:]
        step = float(np.median(np.diff(times)))
        n_times = -(-n_frames // len(times))
        starts = np.arange(n_times) * (times[-1] - times[0] + step)
        longer = (starts[:, None] + times).ravel()[:n_frames]
        attributes = {name: dict(group[name].attrs) for name in ("data", "timestamps")}
        for name in attributes:
            del group[name]
        group.create_dataset("timestamps", data=longer)
        data = group.create_dataset(
            "data", (n_frames, *old.shape[1:]), old.dtype, chunks=old.chunks,
            compression=old.compression, compression_opts=old.compression_opts,
        )  # fmt: skip
        for name, values in attributes.items():
            group[name].attrs.update(values)
        length = old.chunks[0]
        for first in range(0, n_frames, length):
            place = first % (len(old) // length * length)
            mask, packed = old.id.read_direct_chunk((place, 0, 0))
            data.id.write_direct_chunk((first, 0, 0), packed, mask)
