"""Checksums of FFV1 frames, because the decoder hides frames that fail them.

From version 3 on, every slice of an FFV1 frame may end in a footer: its size (3 bytes), an error
status (1 byte) and a CRC that makes the checksum of the whole slice zero (4 bytes). libavcodec
notices a slice that fails, logs it, and hands out wrong pixels until the next key frame; so the
checksums are looked at here, before decoding. Older versions have none.

Source: RFC 9043, sections 4.9 (slice footer) and 4.9.3 (slice_crc_parity: polynomial 0x04C11DB7,
most significant bit first, initial value 0).
"""

from __future__ import annotations

FOOTER = 8  # bytes
# zlib's CRC has the same polynomial, least significant bit first: so turn every byte round.
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_FROM_ZERO = 0xFFFFFFFF  # zlib inverts the register before and after


def has_checksums(first_chunk: bytes) -> bool:
    """Say whether the frames of a video carry checksums, by its first frame."""
    return is_whole(first_chunk)


def is_whole(chunk: bytes) -> bool:
    """Say whether the slices fill the chunk exactly and every checksum is right."""
    from isal import isal_zlib

    turned = memoryview(chunk.translate(_REVERSED))
    end = len(chunk)
    while end >= FOOTER:
        n_bytes = int.from_bytes(chunk[end - 8 : end - 5], "big")
        begin = end - FOOTER - n_bytes
        if not n_bytes or begin < 0:  # nothing but zeros would have checksums of zero
            return False
        if isal_zlib.crc32(turned[begin:end], _FROM_ZERO) != _FROM_ZERO:
            return False
        end = begin
    return end == 0 and bool(chunk)
