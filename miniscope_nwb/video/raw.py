"""Read uncompressed AVI frames straight from the file: exact, and without a decoder's tricks.

OpenCV crashes on bottom-up 24-bit frames and PyAV's grey conversion is off by one on palettes, so
the layout is undone here: rows padded to four bytes, lowest row first, a palette of grey levels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.video.codecs import RAW_BYTES_PER_PIXEL
from miniscope_nwb.video.picture import Picture, Samples, of_interleaved, of_palette
from miniscope_nwb.video.riff import AviIndex


def bytes_per_pixel(index: AviIndex) -> int:
    """Bytes a pixel of a raw stream.

    Raises
    ------
    RecordingError
        The header tells of a layout that cameras do not write (4-bit palette, RGB555).
    """
    known = RAW_BYTES_PER_PIXEL.get(index.fourcc, 0)
    n_bytes = known or index.bits_per_pixel // 8
    if not known and index.bits_per_pixel not in (8, 24, 32):
        raise RecordingError(
            f"{index.path.name} holds raw pictures of {index.bits_per_pixel} bits a pixel; "
            "8, 24 and 32 are supported: re-encode the video losslessly as FFV1."
        )
    return n_bytes


def read_pictures(index: AviIndex, start: int, stop: int) -> Iterator[Picture]:
    """Yield the pictures [start, stop) of a raw AVI, exactly as recorded.

    Raises
    ------
    RecordingError
        A chunk has not the size of a frame, or the file cannot be read.
    """
    step = bytes_per_pixel(index)
    row = index.width * step
    padded_row = (row + 3) // 4 * 4
    with index.path.open("rb", buffering=0) as file:
        for number in range(start, stop):
            size = int(index.sizes[number])
            if size not in (row * index.height, padded_row * index.height):
                raise RecordingError(
                    f"frame {number} of {index.path.name} holds {size} bytes instead of "
                    f"{row * index.height} ({index.width} x {index.height} pixels): the frame size "
                    "changes inside the file, or it is damaged."
                )
            data = np.empty((index.height, size // index.height), np.uint8)
            file.seek(int(index.offsets[number]))
            view = data.data.cast("B")
            filled = 0
            while filled < size:
                n_read = file.readinto(view[filled:])
                if not n_read:
                    raise RecordingError(
                        f"{index.path.name} ended inside frame {number} although it was longer "
                        "before; is another program still writing it?"
                    )
                filled += n_read
            yield _picture(index, data[:, :row], step)


def _picture(index: AviIndex, rows: Samples, step: int) -> Picture:
    if index.is_bottom_up:
        rows = rows[::-1]
    rows = np.ascontiguousarray(rows)
    if index.fourcc == "Y16 ":
        return Picture("grey", (rows.view("<u2").astype(np.uint16, copy=False),))
    if step > 1:
        return of_interleaved(rows.reshape(index.height, index.width, step), (2, 1, 0))
    if index.palette:
        usable = len(index.palette) // 4 * 4
        palette = np.frombuffer(index.palette[:usable], np.uint8).reshape(-1, 4)
        return of_palette(rows, palette)
    return Picture("grey", (rows,))
