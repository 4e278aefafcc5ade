"""What the first run of an installation takes beside its work: its inner loops are compiled.

Once: numba keeps what it has compiled (`engines.compiled`). Machine code is made function by
function by a library, LLVM, whose memory stays with the process until it ends.
"""

from __future__ import annotations

from collections.abc import Mapping

from miniscope_nwb.engines.base import Engine
from miniscope_nwb.engines.compiled import builtin_is_compiled, is_compiled

# Measured without and with a cache (200x160 px, 600 frames): 375 and 185 MB at the peak with one
# thread, 386 and 185 with two.
COMPILING_BYTES = 210_000_000
# The first pair: 46 and 10 s of one processor's time; its parts as the wall times of both differed.
COMPILING_S: Mapping[str, float] = {
    "prepare": 0.9,
    "motion": 5.5,
    "images": 1.5,
    "extract": 21.0,
    "traces": 4.4,
    "quality": 2.7,
}
_ALWAYS = "motion"  # compiles with every movie; later stages do only where there are cells


def is_first_run(engine: Engine) -> bool:
    """Return whether a run must compile; a few functions, from the first stage to the last, tell.

    To be asked before anything is computed: the probe of a plan compiles, too.
    """
    from miniscope_nwb.images import moment_kernels
    from miniscope_nwb.metrics import events_kernels
    from miniscope_nwb.prepare import survey_kernels
    from miniscope_nwb.traces import footprint_kernels

    kernels = (
        survey_kernels.bin_columns,
        moment_kernels.add_moments,
        footprint_kernels.project,
        events_kernels.scan,
    )
    if not all(map(is_compiled, kernels)):
        return True
    return engine.name == "builtin" and not builtin_is_compiled()


def compiling_times(once: Mapping[str, float]) -> dict[str, float]:
    """Return how long each stage compiles on this machine, seconds.

    Parameters
    ----------
    once
        How much longer a short piece took in each stage the first time than the second. Where the
        piece shows no cells, the stages that need them are told by the others' speed.
    """
    scale = once[_ALWAYS] / COMPILING_S[_ALWAYS]
    told = {stage: scale * COMPILING_S.get(stage, 0.0) for stage in once}
    return {stage: once[stage] if once[stage] > told[stage] / 2 else told[stage] for stage in once}
