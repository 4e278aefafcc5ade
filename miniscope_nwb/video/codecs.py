"""What the four-character codes of video streams mean."""

from __future__ import annotations

# Samples stand in the file as they are: bytes a pixel; "DIB " says in its header.
RAW_BYTES_PER_PIXEL = {"GREY": 1, "GRAY": 1, "Y800": 1, "Y8  ": 1, "Y16 ": 2, "DIB ": 0}

# FourCC in upper case -> decoder of libavcodec that can be fed with the chunks as they are.
_DECODERS = {
    "FFV1": "ffv1",
    "MJPG": "mjpeg",
    **dict.fromkeys(("XVID", "DX50", "DIVX", "FMP4", "MP4V"), "mpeg4"),
    **dict.fromkeys(("H264", "AVC1", "X264"), "h264"),
}

_LOSSLESS = frozenset(
    [
        *(*RAW_BYTES_PER_PIXEL, "FFV1", "HFYU", "FFVH", "LAGS", "MPNG", "PNG ", "MSZH", "ZLIB"),
        *("ULRG", "ULRA", "ULY0", "ULY2", "ULH0", "ULH2", "I420", "IYUV", "YV12", "YUY2", "UYVY"),
        *("UYNV", "Y422", "RLE8", "BITF"),
    ]
)

_INTRA_ONLY = frozenset(["MJPG"])
# RFC 9043: a frame begins with the bit "keyframe", range coded with state 128. So the first two
# bytes of a key frame, read as a big-endian number, are at least (0xFF00 * 128) >> 8.
_FFV1_KEYFRAME = 0x7F80


def is_raw(fourcc: str) -> bool:
    """Whether the samples stand in the file uncompressed, in a layout that we read ourselves."""
    return fourcc in RAW_BYTES_PER_PIXEL


def is_lossy(fourcc: str) -> bool:
    """Whether the codec changed the pixels; unknown codecs count as lossy."""
    return fourcc.upper() not in _LOSSLESS


def decoder_name(fourcc: str) -> str | None:
    """Name of the decoder that takes the chunks of an AVI one by one; None where there is none."""
    return _DECODERS.get(fourcc.upper())


def is_keyframe(fourcc: str, data: bytes) -> bool | None:
    """Whether a decoder may begin with this chunk; None where its bytes do not tell simply."""
    code = fourcc.upper()
    if code in _INTRA_ONLY:
        return True
    if code == "FFV1":
        return int.from_bytes(data[:2], "big") >= _FFV1_KEYFRAME
    return None
