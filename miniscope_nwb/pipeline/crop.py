"""The part of the field that is processed, before any frame is read."""

from __future__ import annotations

from miniscope_nwb.params.models import Crop


def field_size(height: int, width: int, crop: Crop | None) -> tuple[int, int]:
    """Return rows and columns of the processed field, raw px; corners come in any order.

    What lies outside of the frame is refused by the preprocessing, which names the frame.
    """
    if crop is None:
        return height, width
    x0, y0, x1, y1 = crop
    return max(1, min(abs(y1 - y0), height)), max(1, min(abs(x1 - x0), width))
