"""One decoded frame, and the two forms in which we hand it on: recorded grey, or RGB.

Both decoders (`decode` and `second`) end here, so that frames compare bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from miniscope_nwb.errors import RecordingError

Samples = npt.NDArray[Any]

# Chroma of a grey picture is 128; lossy codecs leave it within a level or two.
_GREY_CHROMA = 4.0  # mean distance from 128, in levels, above which a picture is coloured

# Interleaved formats of libavutil: bytes a pixel, and where red, green and blue stand.
_INTERLEAVED = {
    **dict.fromkeys(("bgra", "bgr0"), (4, (2, 1, 0))),
    **dict.fromkeys(("rgba", "rgb0"), (4, (0, 1, 2))),
    **dict.fromkeys(("argb", "0rgb"), (4, (1, 2, 3))),
    **dict.fromkeys(("abgr", "0bgr"), (4, (3, 2, 1))),
    "rgb24": (3, (0, 1, 2)),
    "bgr24": (3, (2, 1, 0)),
}
_GREY16 = ("gray16le", "gray14le", "gray12le", "gray10le", "gray9le")
_YUV = ("yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p")
_YUVJ = tuple(name.replace("yuv", "yuvj") for name in _YUV)


@dataclass(frozen=True, slots=True)
class Picture:
    """The samples of a frame.

    ``planes``: one array of shape (height, width) uint8 or uint16 (``"grey"``), three uint8 of
    that shape, red, green and blue (``"rgb"``), or luma and two chroma planes that may be smaller
    (``"yuv"``, BT.601).
    """

    kind: Literal["grey", "rgb", "yuv"]
    planes: tuple[Samples, ...]
    is_full_range: bool = True  # yuv only: 0 to 255, not 16 to 235

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.planes[0].shape
        return height, width

    def is_grey(self) -> bool:
        """Whether there is no colour in the picture: equal channels, or neutral chroma."""
        if self.kind == "grey":
            return True
        if self.kind == "rgb":
            red, green, blue = self.planes
            return np.array_equal(red, green) and np.array_equal(blue, green)
        return all(
            float(np.abs(plane.astype(np.int16) - 128).mean()) <= _GREY_CHROMA
            for plane in self.planes[1:]
        )

    def grey(self) -> Samples:
        """Return the recorded levels, (height, width): luma, or one of three equal channels."""
        return self.planes[1] if self.kind == "rgb" else self.planes[0]

    def rgb(self) -> Samples:
        """Return (height, width, 3) uint8, red-green-blue."""
        if self.kind == "yuv":
            return _rgb_of_yuv(self.planes, is_full_range=self.is_full_range)
        planes = self.planes if self.kind == "rgb" else self.planes * 3
        if planes[0].dtype != np.uint8:
            raise RecordingError("16-bit pictures have no colour; convert this device as a scope.")
        return np.stack(planes, axis=2)


def of_interleaved(pixels: Samples, order: tuple[int, ...]) -> Picture:
    """Make a picture of (height, width, channels) uint8 with red, green, blue at `order`."""
    planes = (np.ascontiguousarray(pixels[:, :, channel]) for channel in order)
    return Picture("rgb", tuple(planes))


def of_palette(indices: Samples, palette: Samples) -> Picture:
    """Make a picture of palette indices (height, width) and colours (n, 4): blue, green, red, -."""
    table = np.zeros((256, 4), np.uint8)
    table[: len(palette)] = palette
    used = table if len(palette) else np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, axis=1)
    red, green, blue = (used[:, channel] for channel in (2, 1, 0))
    if np.array_equal(green, red) and np.array_equal(green, blue):
        is_identity = np.array_equal(green, np.arange(256))
        return Picture("grey", (indices if is_identity else green[indices],))
    return Picture("rgb", (red[indices], green[indices], blue[indices]))


def of_av_frame(frame: Any) -> Picture:
    """Make a picture of a decoded ``av.VideoFrame``; its planes are copied, never converted.

    Raises
    ------
    RecordingError
        The pixel format is not one that cameras write.
    """
    name = frame.format.name
    height, width = frame.height, frame.width
    if name == "gray":
        return Picture("grey", (_plane(frame.planes[0], height, width),))
    if name in _GREY16:
        samples = _plane(frame.planes[0], height, 2 * width).view("<u2")
        return Picture("grey", (samples.astype(np.uint16, copy=False),))
    if name in _INTERLEAVED:
        step, order = _INTERLEAVED[name]
        pixels = _plane(frame.planes[0], height, step * width).reshape(height, width, step)
        return of_interleaved(pixels, order)
    if name == "gbrp":
        green, blue, red = (_plane(plane, height, width) for plane in frame.planes)
        return Picture("rgb", (red, green, blue))
    if name == "pal8":
        palette = np.frombuffer(frame.planes[1], np.uint8)[:1024].reshape(256, 4)
        return of_palette(_plane(frame.planes[0], height, width), palette)
    if name in _YUV or name in _YUVJ:
        planes = tuple(_plane(plane, plane.height, plane.width) for plane in frame.planes)
        is_full = name in _YUVJ or int(frame.color_range) == 2  # AVCOL_RANGE_JPEG
        return Picture("yuv", planes, is_full_range=is_full)
    raise RecordingError(
        f"pixel format {name} is not supported; re-encode the video losslessly as 8-bit grey FFV1."
    )


def _plane(plane: Any, height: int, row_bytes: int) -> Samples:
    """Copy a plane without the padding at the end of its rows.

    A negative length of rows means that the lowest row comes first in memory.
    """
    stride = abs(plane.line_size)
    view = np.ndarray((height, row_bytes), np.uint8, buffer=plane, strides=(stride, 1))
    return (view if plane.line_size > 0 else view[::-1]).copy()


def _rgb_of_yuv(planes: tuple[Samples, ...], *, is_full_range: bool) -> Samples:
    """BT.601, chroma repeated over its pixels, in whole numbers: the same on every machine."""
    import cv2

    luma, blue, red = planes
    height, width = luma.shape
    size = (width, height)
    if not is_full_range:
        levels = np.arange(256, dtype=np.float64)
        luma = cv2.LUT(luma, _levels((levels - 16) * 255 / 219))
        wide = _levels((levels - 128) * 255 / 224 + 128)
        blue, red = cv2.LUT(blue, wide), cv2.LUT(red, wide)
    chroma = (_repeat(plane, size) for plane in (red, blue))
    converted: Samples = cv2.cvtColor(cv2.merge([luma, *chroma]), cv2.COLOR_YCrCb2RGB)
    return converted


def _levels(values: npt.NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _repeat(plane: Samples, size: tuple[int, int]) -> Samples:
    """Repeat each chroma sample over the pixels that it covers, and cut to `size` (x, y)."""
    width, height = size
    down, across = -(-height // plane.shape[0]), -(-width // plane.shape[1])
    return plane.repeat(down, axis=0)[:height].repeat(across, axis=1)[:, :width]
