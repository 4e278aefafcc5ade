"""The last step: the run goes into the NWB file, which is replaced whole."""

from __future__ import annotations

import time

from miniscope_nwb.movie import Movie
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.memory import MemoryWatch
from miniscope_nwb.pipeline.options import Watch
from miniscope_nwb.results import RunRecord, StageTiming

STAGE = "write"


def write(
    job: Job, record: RunRecord, movie: Movie, *, n_threads: int, watch: Watch
) -> StageTiming:
    """Add a run to its file.

    Parameters
    ----------
    movie
        Corrected frames in recorded grey levels, of the prepared size: the preview is made of it.

    Returns
    -------
    StageTiming
        What writing took; it cannot stand in the file itself.
    """
    from miniscope_nwb.nwb.processed.write import write_run

    started = time.perf_counter()
    with watch.stage(STAGE) as progress, MemoryWatch() as memory:
        write_run(
            job.path,
            record,
            movie=movie,
            corrected=job.options.corrected,
            replace=job.decision.replaces,
            progress=progress,
            n_threads=n_threads,
        )
    timing = StageTiming(STAGE, time.perf_counter() - started, memory.peak_bytes)
    watch.finished(timing, False)
    return timing
