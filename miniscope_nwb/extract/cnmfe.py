"""CNMF-E of a corrected movie: the whole extraction, a table of contents."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from miniscope_nwb.engines.base import ExtractInput, Resources
from miniscope_nwb.extract.coarse import NOT_AVERAGED, CoarseMovie, in_coarse_time
from miniscope_nwb.extract.state import Extraction
from miniscope_nwb.results import Derived, ExtractionResult


def extract(job: ExtractInput, resources: Resources, *, hold_bytes: int = 0) -> ExtractionResult:
    """Find the cells of a movie, their traces and the background.

    With a ``temporal_factor`` above 1 all is searched and updated on means of frames; the traces
    are then made of every frame.

    Parameters
    ----------
    job
        The corrected movie, parameters and earlier records. With ``seeds`` given no cell is
        searched: every mask stays one component, in their order.
    resources
        Scratch folder for the cells x frames arrays, threads, seed.
    hold_bytes
        Memory that means of frames may take which are held between passes over the movie. No
        number depends on it.

    Returns
    -------
    result
        No component, and ``emptied_by``, where nothing was found.
    """
    coarse = in_coarse_time(job, hold_bytes=hold_bytes)
    if coarse is None:
        state = Extraction.begin(job, resources)
        if job.prepared.temporal_factor > 1:
            state.derived.append(Derived("preprocess", "temporal_factor", 1, NOT_AVERAGED))
        if not _find(state):
            return state.empty_result()
    else:
        folder = resources.scratch / "coarse"
        with _fresh_folder(folder):
            found = Extraction.begin(coarse, replace(resources, scratch=folder))
            is_any = _find(found)
            means = coarse.movie
            assert isinstance(means, CoarseMovie)
            means.forget()
            state = Extraction.begin(job, resources)
            state.take_over(found)
        if not is_any:
            return state.empty_result()
        state.update_traces()
    state.finish()
    resources.progress(_n_steps(job), _n_steps(job))
    return state.result()


def _find(state: Extraction) -> bool:
    """Find footprints, background and traces; say whether there is any cell."""
    job, n_steps = state.job, _n_steps(state.job)
    progress = state.resources.progress
    if job.seeds is None:
        state.seed()
    else:
        state.take_given(job.seeds)
    progress(1, n_steps)
    if not len(state.footprints):
        return False
    state.fit_background()
    if job.seeds is not None:  # nothing was known of their light when the background was fitted
        state.update_traces()
        state.fit_background()
        state.update_traces()
    progress(2, n_steps)
    for round_number in range(_n_rounds(job)):
        state.update_footprints()
        state.merge()
        state.update_traces()
        state.weed()
        if not len(state.footprints):  # the same seeds would be found again, and go as these did
            return False
        if round_number == 0 and _seeds_again(job):
            state.seed()
        progress(3 + round_number, n_steps)
    while state.merge():
        state.update_traces()
    return True


def _seeds_again(job: ExtractInput) -> bool:
    return job.params.second_seeding and job.seeds is None


def _n_rounds(job: ExtractInput) -> int:
    return max(job.params.n_rounds, 2 if _seeds_again(job) else 1)


def _n_steps(job: ExtractInput) -> int:
    """Return the number of steps that progress is told in: seeds, background, rounds, the end."""
    return _n_rounds(job) + 3


@contextmanager
def _fresh_folder(folder: Path) -> Iterator[None]:
    """Make a folder and remove it afterwards, as far as the system lets mapped files go."""
    folder.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
