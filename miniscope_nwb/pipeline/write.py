"""The last step: the run goes into the NWB file, which is replaced whole."""

from __future__ import annotations

import time
from pathlib import Path

from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.movie import Movie
from miniscope_nwb.pipeline.job import Job, stored_runs
from miniscope_nwb.pipeline.memory import MemoryWatch
from miniscope_nwb.pipeline.options import Watch
from miniscope_nwb.pipeline.refuse import check_curation
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
            check=lambda copy: _check_copy(job, copy),
            progress=progress,
            n_threads=n_threads,
        )
    timing = StageTiming(STAGE, time.perf_counter() - started, memory.peak_bytes)
    watch.finished(timing, False)
    return timing


def _check_copy(job: Job, copy: Path) -> None:
    """Look at the file as it is now: its recording, and rounds of curation made meanwhile."""
    check_same_recording(job, copy)
    check_curation(job, stored_runs(copy))


def check_same_recording(job: Job, copy: Path) -> None:
    """Make sure that a run goes into the recording that it was computed from.

    Hours lie between reading and writing. Another run or a curation may have changed the file
    meanwhile, and that is well; another recording of its name is not.

    Parameters
    ----------
    copy
        Of the file as it is now.

    Raises
    ------
    OutputError
        If the movie or its timestamps are others than when the job was opened.
    """
    from miniscope_nwb.nwb.recording_file import input_hash
    from miniscope_nwb.pipeline.job import fingerprint

    if fingerprint(job.path) == job.fingerprint:
        return
    try:
        is_same = input_hash(copy, job.series) == job.input_hash
    except (KeyError, NwbContentError):
        is_same = False
    if not is_same:
        raise OutputError(
            f"{job.path} holds another recording now than when its processing began: nothing was "
            "written to it; run the command again to process what it holds now."
        )
