"""What is known of a simulated recording, as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import LostSpan

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrueCells:
    """What was planted; arrays have shape (n_cells,)."""

    mask: Callable[[int], FloatImage]  # number of a cell -> (height, width), its peak is 1
    npix: npt.NDArray[np.int64]
    in_focus: npt.NDArray[np.bool_]
    overlaps: npt.NDArray[np.bool_]
    center_x: npt.NDArray[np.float64]
    center_y: npt.NDArray[np.float64]
    amplitude: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.npix)


@dataclass(frozen=True, slots=True)
class TrueField:
    """The truth of one miniscope, but for what changes from frame to frame."""

    device: str  # as recorded, with spaces
    suffix: str  # of the names in the file; empty where there is one miniscope
    time_s: npt.NDArray[np.float64]  # true times of the recorded frames, shape (n_frames,)
    rate_hz: float
    pixel_size_um: float
    template: FloatImage  # (height, width): without motion, activity and noise, grey levels
    cells: TrueCells
    x_edges: tuple[int, ...] = ()  # of the blocks of the deformation; empty where nothing bends
    y_edges: tuple[int, ...] = ()
    losses: tuple[LostSpan, ...] = ()

    @property
    def n_blocks(self) -> int:
        """Number of blocks whose displacement is stored."""
        return max(0, len(self.x_edges) - 1) * max(0, len(self.y_edges) - 1)


@dataclass(frozen=True, slots=True)
class TrueSession:
    """The head of the file."""

    identifier: str
    start: datetime
    session_id: str
    subject_id: str
    parameters: Mapping[str, Any]  # all that the simulation was made with
