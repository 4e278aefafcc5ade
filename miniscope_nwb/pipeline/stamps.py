"""Time stamps that go backward: frames are taken in their order, and the user is told."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.movie import FrameClock


def say_backward(clock: FrameClock, series: str) -> str:
    """Return a sentence if the time of a frame is before that of the frame before, else "".

    `convert --stamps keep` stores such stamps, and other programs' files may hold them. A joined
    recording may begin at any time.

    Parameters
    ----------
    clock
        Of the movie.
    series
        Its name.
    """
    goes_back = (np.diff(clock.times_s) < 0) & (np.diff(clock.segment) == 0)
    n_places = int(np.count_nonzero(goes_back))
    if not n_places:
        return ""
    first = int(np.argmax(goes_back)) + 1
    where = f"at frame {first}" if n_places == 1 else f"at {n_places} frames, first at {first}"
    return (
        f"Warning: the time stamps of {series} go backward {where}: frames are taken in the order "
        "in which they stand in the file, and the times of traces and events go back with them; "
        "`miniscope-nwb convert --stamps interpolate` mends isolated stamps."
    )
