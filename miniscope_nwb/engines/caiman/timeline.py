"""The frames as CaImAn gets them: even steps in time, and no frame that is not to be trusted.

CaImAn knows neither lost frames nor frames to be left out. So in the copy that it gets,

- a frame that is left out is replaced by the mean of its usable neighbours, weighted by their
  distance in time;
- frames that were lost while recording are put in again, made in the same way, so that a decay
  of the calcium follows true time; of a long gap, and between two joined recordings, as many as it
  takes for the calcium to be forgotten.

Afterwards the frames that were put in are dropped, and the measured traces of frames that were
left out are NaN. So no event and no value that is reported was interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.errors import EngineError
from miniscope_nwb.movie import FrameClock
from miniscope_nwb.recording import BoolArray, IntArray
from miniscope_nwb.results import Float32

FORGOTTEN_DECAYS = 5.0  # decay times after which less than 1 % of the calcium is left


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which frames CaImAn gets. Arrays but `place` have shape (n_handed,)."""

    place: IntArray  # (n_frames,): where a recorded frame is among those handed over
    before: IntArray  # recorded frame that is shown, or mixed in
    after: IntArray  # the next usable one
    weight: Float32  # share of `after`; 0 where a recorded frame is shown as it is

    @property
    def n_handed(self) -> int:
        """Number of frames that CaImAn gets."""
        return len(self.before)

    @property
    def n_made(self) -> int:
        """Number of frames that CaImAn gets and that were not recorded, or not as they are."""
        as_recorded = self.before[self.place] == np.arange(len(self.place))
        as_recorded &= self.weight[self.place] == 0
        return self.n_handed - int(np.count_nonzero(as_recorded))


def even_timeline(clock: FrameClock, is_left_out: BoolArray, *, decay_s: float) -> Timeline:
    """Lay the frames out in even steps of time.

    Parameters
    ----------
    clock
        When the frames were taken.
    is_left_out
        (n_frames,) frames to be replaced.
    decay_s
        Decay time of the indicator, seconds.
    """
    forgotten = int(np.ceil(FORGOTTEN_DECAYS * decay_s * clock.rate_hz))
    inserted = np.clip(clock.steps - 1, 0, forgotten)
    inserted[1:][np.diff(clock.segment) != 0] = forgotten
    inserted[0] = 0
    return _lay_out(np.cumsum(1 + inserted) - 1, is_left_out)


def same_timeline(is_left_out: BoolArray) -> Timeline:
    """Lay the frames out as they are; those left out are replaced."""
    return _lay_out(np.arange(len(is_left_out)), is_left_out)


def _lay_out(place: IntArray, is_left_out: BoolArray) -> Timeline:
    usable = np.flatnonzero(~is_left_out)
    if len(usable) == 0:
        raise EngineError(
            "every frame of the movie is left out (torn, black or flashed), so that none is left "
            "for CaImAn: look at the recording, or rerun with -p preprocess.leave_out_frames=false."
        )
    anchors = place[usable]
    handed = np.arange(int(place[-1]) + 1)
    right = np.clip(np.searchsorted(anchors, handed), 0, len(anchors) - 1)
    left = np.clip(np.searchsorted(anchors, handed, side="right") - 1, 0, len(anchors) - 1)
    distance = np.maximum(anchors[right] - anchors[left], 1)
    weight = np.clip((handed - anchors[left]) / distance, 0, 1)
    weight[left == right] = 0
    return Timeline(place, usable[left], usable[right], weight.astype(np.float32))
