"""What the first run of an installation takes beside its work: its inner loops are compiled.

Once: numba keeps what it has compiled (`engines.compiled`). Machine code is made function by
function by a library, LLVM, whose memory stays with the process until it ends.
"""

from __future__ import annotations

from miniscope_nwb.engines.base import Engine
from miniscope_nwb.engines.compiled import builtin_is_compiled, is_compiled
from miniscope_nwb.sizes import size

# Measured without and with a cache (200x160 px, 600 frames): 375 and 185 MB at the peak with one
# thread, 386 and 185 with two.
COMPILING_BYTES = 210_000_000
COMPILING_S = 36  # the first pair: 46 and 10 s of one processor's time


def is_first_run(engine: Engine) -> bool:
    """Return whether a run must compile; a few functions, from the first stage to the last, tell.

    The probe of a plan compiles, too: before it the answer may be another one than after it.
    """
    from miniscope_nwb.images import moment_kernels
    from miniscope_nwb.metrics import events_kernels
    from miniscope_nwb.prepare import survey_kernels
    from miniscope_nwb.traces import footprint_kernels

    kernels = (
        survey_kernels.look,
        moment_kernels.add_moments,
        footprint_kernels.project,
        events_kernels.scan,
    )
    if not all(map(is_compiled, kernels)):
        return True
    return engine.name == "builtin" and not builtin_is_compiled()


def in_words() -> str:
    """Say what compiling takes."""
    return (
        f"first run of this installation: compiling takes about {COMPILING_S} s and "
        f"{size(COMPILING_BYTES)} of memory more, once"
    )
