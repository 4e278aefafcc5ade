"""Recognise the image of a wire-free Miniscope's SD card, whatever its name.

Sectors of 512 bytes; one of the first thousand-odd holds the configuration as 32-bit words: width,
height, frames a second, buffer size, numbers of recorded and dropped buffers.
"""

from __future__ import annotations

import struct
from pathlib import Path

SECTOR_BYTES = 512
CONFIG_SECTORS = (1023, 1024)  # newer and older layout
_SIDES = range(100, 1301)  # pixels of any sensor in use
_RATES = range(1, 121)  # frames a second
_BUFFER_BYTES = range(512, 10_000_001)


def is_card_image(path: Path) -> bool:
    """Say whether the configuration of a recording stands where the card has it."""
    try:
        with path.open("rb") as file:
            for sector in CONFIG_SECTORS:
                file.seek(sector * SECTOR_BYTES)
                data = file.read(16)
                if len(data) == 16 and _is_config(*struct.unpack("<4I", data)):
                    return True
    except OSError:
        return False
    return False


def _is_config(width: int, height: int, rate: int, buffer_bytes: int) -> bool:
    return width in _SIDES and height in _SIDES and rate in _RATES and buffer_bytes in _BUFFER_BYTES
