"""How much disk a simulated recording takes at most."""

from __future__ import annotations

from miniscope_nwb.simulate.behaviour import CAMERA_SIZE
from miniscope_nwb.simulate.motion import make_blocks
from miniscope_nwb.simulate.options import level_of, n_cells
from miniscope_nwb.simulate.raw import Scene

_OVERHEAD_BYTES = 1_000_000  # texts, headers of videos, the empty truth file
_FRAME_BYTES = 300  # of a frame beside its pixels: stamps, head orientation, true time and shift
_PIXEL_BYTES = {"v3": 3, "v4": 1}  # of a camera: uncompressed colour; JPEG, which stays below
_FLOAT_BYTES = 4
_TRACES = 2  # of a cell: fluorescence and spikes


def needed_bytes(scene: Scene, format: str) -> int:
    """Bytes that the raw folder and the truth take at most: as if nothing were compressed."""
    options = scene.options
    pixels, cells = options.width * options.height, n_cells(options)
    blocks = make_blocks(options.width, options.height)
    bends = 2 * len(blocks) if level_of(options).nonrigid_rms_px else 0
    frame = pixels + _FRAME_BYTES + _FLOAT_BYTES * (_TRACES * cells + bends)
    total = _OVERHEAD_BYTES
    for clock in scene.scopes:
        total += len(clock.time_s) * frame + _FLOAT_BYTES * pixels  # and the template
        total += _FLOAT_BYTES * cells * _footprint(pixels)
    width, height = CAMERA_SIZE
    for clock in scene.cameras:
        total += len(clock.time_s) * (width * height * _PIXEL_BYTES[format] + _FRAME_BYTES)
    return total


def _footprint(pixels: int) -> int:
    """Pixels of a cell's mask that take room: the empty ones are compressed to nearly nothing."""
    return min(pixels, 4000 + pixels // 200)
