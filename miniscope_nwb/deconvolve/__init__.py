"""Sparse deconvolution: from a fluorescence trace to denoised calcium and its events.

`deconvolve` does one trace, `deconvolve_many` all cells of a memory map in threads, `update_many`
is the short form for the iterations of an extraction. `decay_kernel` makes AR coefficients of
times, `estimate_kernels` finds them in the traces, `estimate_noise` the noise. Everything follows
true time: lost frames let the calcium decay further, joined recordings start from scratch, missing
samples are filled by the model.
"""

from miniscope_nwb.deconvolve.estimate import Kernels, estimate_kernels
from miniscope_nwb.deconvolve.noise import estimate_noise, estimate_noises
from miniscope_nwb.deconvolve.oasis import (
    Deconvolved,
    Fits,
    deconvolve,
    deconvolve_many,
    update_many,
)
from miniscope_nwb.deconvolve.times import (
    INDICATOR_DECAY_S,
    decay_kernel,
    indicator_decay_s,
    kernel_times,
)

__all__ = [
    "INDICATOR_DECAY_S",
    "Deconvolved",
    "Fits",
    "Kernels",
    "decay_kernel",
    "deconvolve",
    "deconvolve_many",
    "estimate_kernels",
    "estimate_noise",
    "estimate_noises",
    "indicator_decay_s",
    "kernel_times",
    "update_many",
]
