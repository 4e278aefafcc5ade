"""Large data that are packed and written chunk by chunk after the objects stand in the file.

Nothing large is held: each chunk is made when its turn comes, packed in a thread, and put into the
file as it is, by ISA-L's deflate behind HDF5's shuffle, which every reader unpacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from hdmf.backends.hdf5 import H5DataIO

from miniscope_nwb.movie import map_in_order
from miniscope_nwb.nwb.movie import GZIP_LEVEL

Place = tuple[int, ...]
Packed = list[tuple[Place, bytes]]  # where in the dataset, and the bytes of the chunk


@dataclass(frozen=True, slots=True)
class Later:
    """A dataset that is filled after the file was laid out.

    ``make`` is called from several threads with an item of ``items`` and gives whole chunks.
    """

    data: H5DataIO
    items: list[Any]
    make: Callable[[Any], Packed]


def reserve(
    shape: Place, chunks: Place, dtype: str = "f4", *, shuffle: bool = True
) -> tuple[H5DataIO, Place]:
    """Make room for a dataset; returns it and the shape of its chunks, cut to its size."""
    sizes = tuple(max(1, min(a, b)) for a, b in zip(shape, chunks, strict=True))
    data = H5DataIO(
        shape=shape,
        dtype=np.dtype(dtype),
        chunks=sizes,
        compression="gzip",
        compression_opts=GZIP_LEVEL,
        shuffle=shuffle,
    )
    return data, sizes


def chunk_places(shape: Place, chunks: Place) -> list[Place]:
    """First elements of all chunks of a dataset."""
    return list(product(*(range(0, size, step) for size, step in zip(shape, chunks, strict=True))))


def pack(block: npt.NDArray[Any], chunks: Place, *, shuffle: bool = True) -> bytes:
    """Return the bytes of a chunk; a block at the edge is filled up with zeros."""
    from isal import isal_zlib

    little = block.astype(block.dtype.newbyteorder("<"), copy=False)
    if block.shape != chunks:
        padded = np.zeros(chunks, little.dtype)
        padded[tuple(slice(size) for size in block.shape)] = little
        little = padded
    samples = np.ascontiguousarray(little)
    if shuffle and samples.dtype.itemsize > 1:
        parts = samples.reshape(-1).view(np.uint8).reshape(-1, samples.dtype.itemsize)
        samples = np.ascontiguousarray(parts.T)
    packed: bytes = isal_zlib.compress(samples, GZIP_LEVEL)
    return packed


def write_later(found: Iterable[Later], *, n_threads: int) -> Iterator[int]:
    """Fill the datasets; yields the number of items done."""
    n_done = 0
    for later in found:
        for chunks in map_in_order(later.make, later.items, n_threads=n_threads):
            for place, packed in chunks:
                later.data.dataset.id.write_direct_chunk(place, packed)
            n_done += 1
            yield n_done
