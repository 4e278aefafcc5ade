"""Which engine runs: the one that was asked for, or with ``auto`` the best one that fits.

``auto`` takes CaImAn, the reference, where it is found and its predicted memory and disk fit, and
our own engine otherwise. The reason is printed and stored beside the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.engines.base import Engine, Prediction, Task
from miniscope_nwb.engines.registry import find_engine
from miniscope_nwb.errors import EngineError
from miniscope_nwb.sizes import size

AUTO = "auto"
PREFERRED = "caiman"
FALLBACK = "builtin"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may take."""

    memory_bytes: int  # what the user allows, else what is free
    scratch_bytes: int  # free on the disk of the scratch folder


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine of a run, and why it is this one."""

    engine: Engine
    reason: str  # one clause: "asked for", "CaImAn is not installed"
    prediction: Prediction


def choose_engine(
    name: str, task: Task, limits: Limits, *, caiman_python: Path | None = None
) -> Choice:
    """Choose the engine of a run.

    Parameters
    ----------
    name
        An engine's name, or ``auto``.
    task
        How large the job is.
    limits
        What it may take; only ``auto`` looks at them, the plan refuses what does not fit.
    caiman_python
        Interpreter of CaImAn's environment, where the user named one.

    Raises
    ------
    EngineError
        If the engine that was asked for does not exist or cannot run here.
    """
    if name != AUTO:
        engine = find_engine(name, caiman_python=caiman_python)
        state = engine.availability()
        if not state.is_available:
            raise EngineError(state.reason)
        return Choice(engine, "asked for", engine.predict(task))
    preferred = find_engine(PREFERRED, caiman_python=caiman_python)
    state = preferred.availability()
    if not state.is_available:
        if caiman_python is not None:  # naming its interpreter is asking for it
            raise EngineError(state.reason)
        return _fall_back(task, state.clause or state.reason.rstrip("."))
    prediction = preferred.predict(task)
    too_large = _what_does_not_fit(prediction, limits)
    if too_large:
        return _fall_back(task, f"CaImAn {state.version} is installed, but {too_large}")
    needs = f"{size(prediction.peak_memory_bytes)} of memory"
    return Choice(preferred, f"CaImAn {state.version} is installed and fits ({needs})", prediction)


def _fall_back(task: Task, reason: str) -> Choice:
    engine = find_engine(FALLBACK)
    return Choice(engine, reason, engine.predict(task))


def _what_does_not_fit(prediction: Prediction, limits: Limits) -> str:
    if prediction.peak_memory_bytes > limits.memory_bytes:
        return (
            f"would take {size(prediction.peak_memory_bytes)} of memory where "
            f"{size(limits.memory_bytes)} may be used"
        )
    if prediction.scratch_bytes > limits.scratch_bytes:
        return (
            f"would take {size(prediction.scratch_bytes)} of scratch disk where "
            f"{size(limits.scratch_bytes)} are free"
        )
    return ""
