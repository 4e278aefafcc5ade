"""The spatial filter of CNMF-E: what is as large as a cell stays, wider background goes.

A Gaussian of the cell's size minus its own mean over its window, so that it sums to zero (Zhou et
al. 2018, eLife 7:e28728, "centre minus surround"). On a square window it is the difference of two
separable filters, exactly: no approximation of the kernel is needed to be fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import IntArray
from miniscope_nwb.results import Float32

# A disc of diameter d excites a Gaussian most that has a sigma of d / (2 sqrt 2); a little wider,
# cells that touch are not cut apart and less noise is let through.
DIAMETER_PER_SIGMA = 2.5
_WINDOW_SIGMAS = 2.0  # from the middle of the window to its edge: a window of 4 sigma + 1


@dataclass(frozen=True)
class CenterSurround:
    """Kernel of a centre-minus-surround filter.

    Attributes
    ----------
    sigma_px
        Of the Gaussian.
    radius_px
        Of the square window, which is ``2 * radius_px + 1`` wide.
    """

    sigma_px: float
    radius_px: int

    @property
    def width_px(self) -> int:
        """Side of the window."""
        return 2 * self.radius_px + 1

    @cached_property
    def taps(self) -> Float32:
        """Gaussian along one axis, (width_px,), of sum 1."""
        distance = np.arange(-self.radius_px, self.radius_px + 1)
        values = np.exp(-0.5 * (distance / self.sigma_px) ** 2)
        taps: Float32 = (values / values.sum()).astype(np.float32)
        return taps

    def array(self) -> Float32:
        """Return the kernel itself, (width_px, width_px); it sums to zero."""
        taps = self.taps.astype(np.float64)
        kernel: Float32 = (np.outer(taps, taps) - 1 / self.width_px**2).astype(np.float32)
        return kernel


def center_surround_kernel(diameter_px: float) -> CenterSurround:
    """Return the kernel for cells of the given diameter, in pixels of the frames."""
    sigma = diameter_px / DIAMETER_PER_SIGMA
    return CenterSurround(sigma, max(1, round(_WINDOW_SIGMAS * sigma)))


def highpass(
    frames: npt.NDArray[Any], kernel: CenterSurround, *, seen: IntArray | None = None
) -> Float32:
    """Filter every frame; at its edges (of what was seen) a frame is mirrored.

    Parameters
    ----------
    frames
        (n, height, width), of any real type.
    kernel
        Of `center_surround_kernel`.
    seen
        (n, 4) as `Movie.seen` gives it; by default everything was seen.

    Returns
    -------
    filtered
        (n, height, width) float32; NaN where a frame was not seen.
    """
    from miniscope_nwb.images.filtering_kernels import filter_frames

    n, height, width = frames.shape
    bounds = np.tile(np.array([0, height, 0, width]), (n, 1)) if seen is None else seen
    filtered = np.empty(frames.shape, np.float32)
    source = np.ascontiguousarray(frames)
    filter_frames(source, np.asarray(bounds, np.int64), kernel.taps, filtered)
    return filtered
