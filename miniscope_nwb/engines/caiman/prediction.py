"""What a job takes with CaImAn: memory, scratch disk and time.

Measured with CaImAn 1.12.1 through this adapter on simulated one-photon movies of 18, 26 and 90
million samples (pixels times frames). CaImAn as its users run it takes more disk, 8.2 times the raw
movie: it stores the corrected movie twice.
"""

from __future__ import annotations

from miniscope_nwb.engines.base import Prediction, Task

LEAST_BYTES = 660 << 20  # CaImAn and its libraries, whatever the movie
BASE_BYTES, PROCESS_BYTES = 300 << 20, 40 << 20  # below what grows with the movie
SAMPLE_BYTES = 28  # while the ring model of the whole field is fitted
MAP_BYTES = 4  # the mapped movie, float32; the raw frames lie beside it
SPARE_SHARE = 0.1  # of the disk, for CaImAn's own small files
TRACE_BYTES = 24  # of a cell and frame: CaImAn's three traces, and ours
IMPORT_S = 8.0  # at each start
# CPU seconds a sample. The pool works on patches; a part of the extraction is serial.
MOTION_S, PIECEWISE_S, EXTRACT_S = 2.0e-7, 5.5e-7, 3.5e-6


def predict(task: Task) -> Prediction:
    """Predict what a job of this size takes."""
    samples = task.n_frames * task.height * task.width
    n_processes = max(1, task.n_threads)
    memory = BASE_BYTES + n_processes * PROCESS_BYTES + SAMPLE_BYTES * samples
    frames = (1 + SPARE_SHARE) * (task.itemsize + MAP_BYTES) * samples
    motion = MOTION_S + (PIECEWISE_S if task.is_piecewise else 0)
    return Prediction(
        peak_memory_bytes=max(LEAST_BYTES, memory),
        scratch_bytes=int(frames) + TRACE_BYTES * task.n_cells * task.n_frames,
        seconds={
            "motion": IMPORT_S + motion * samples / n_processes,
            "extract": IMPORT_S + EXTRACT_S * samples / n_processes,
        },
    )
