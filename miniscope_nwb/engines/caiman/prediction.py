"""What a job takes with CaImAn: memory, scratch disk and time.

Measured with CaImAn 1.12.1 through this adapter on simulated one-photon movies; see
`benchmarks/README.md`. CaImAn as its users run it takes more: it stores the corrected movie twice
and computes its summary images in memory.
"""

from __future__ import annotations

from miniscope_nwb.engines.base import Prediction, Task

BASE_BYTES = 500 << 20  # CaImAn and its libraries, imported
PROCESS_BYTES = 120 << 20  # what a process of its pool adds
FIELD_BYTES = 20  # for each pixel of each frame while the ring model of the field is fitted
MAP_BYTES = 4  # the mapped movie, float32
SPILL_SHARE = 0.5  # temporary maps of patches beside it
MOTION_S, PIECEWISE_S, EXTRACT_S = 2.0e-7, 5.5e-7, 4.3e-6  # CPU seconds a pixel and frame


def predict(task: Task) -> Prediction:
    """Predict what a job of this size takes."""
    samples = task.n_frames * task.height * task.width
    n_processes = max(1, task.n_threads)
    memory = BASE_BYTES + n_processes * PROCESS_BYTES + FIELD_BYTES * samples
    scratch = max(task.itemsize * samples, int((MAP_BYTES * (1 + SPILL_SHARE)) * samples))
    motion = MOTION_S + (PIECEWISE_S if task.is_piecewise else 0)
    return Prediction(
        peak_memory_bytes=memory,
        scratch_bytes=scratch,
        seconds={
            "motion": motion * samples / n_processes,
            "extract": EXTRACT_S * samples / n_processes,
        },
    )
