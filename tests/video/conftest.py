"""Small AVI files of every kind that acquisition programs write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from miniscope_nwb.video.write import AviWriter

HEIGHT, WIDTH = 37, 50  # odd, not square, rows that need padding


def make_frames(
    fourcc: str, n_frames: int, *, colour: bool = False, shape: tuple[int, int] = (HEIGHT, WIDTH)
) -> list[np.ndarray]:
    """Noise over a gradient: (height, width) or (height, width, 3)."""
    rng = np.random.default_rng(7)
    top = 65536 if fourcc == "Y16 " else 256
    size = (*shape, 3) if colour else shape
    ramp = np.linspace(0, top / 2, shape[1])[(None, slice(None)) + (None,) * colour]
    return [
        (ramp + rng.integers(0, top // 2, size)).astype(np.uint16 if top > 256 else np.uint8)
        for _ in range(n_frames)
    ]


@pytest.fixture
def make_avi(tmp_path: Path) -> Callable[..., tuple[Path, list[np.ndarray]]]:
    """Write an AVI and return its path and frames."""

    def make(fourcc: str, n_frames: int = 30, *, colour: bool = False, **options):
        shape = options.pop("shape", (HEIGHT, WIDTH))
        frames = make_frames(fourcc, n_frames, colour=colour, shape=shape)
        path = tmp_path / f"{fourcc.strip()}{'_colour' * colour}.avi"
        with AviWriter(
            path,
            width=shape[1],
            height=shape[0],
            fourcc=fourcc,
            header_rate=60,
            colour=colour,
            **options,
        ) as writer:
            for frame in frames:
                writer.write(frame)
        return path, frames

    return make
