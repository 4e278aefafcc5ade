"""CNMF-E of a corrected movie: the whole extraction, a table of contents."""

from __future__ import annotations

from miniscope_nwb.engines.base import ExtractInput, Resources
from miniscope_nwb.extract.state import Extraction
from miniscope_nwb.results import ExtractionResult


def extract(job: ExtractInput, resources: Resources) -> ExtractionResult:
    """Find the cells of a movie, their traces and the background.

    Parameters
    ----------
    job
        The corrected movie, parameters and earlier records. With ``seeds`` given no cell is
        searched: every mask stays one component, in their order.
    resources
        Scratch folder for the cells x frames arrays, threads, seed.

    Returns
    -------
    result
        No component, and ``emptied_by``, where nothing was found.
    """
    state = Extraction.begin(job, resources)
    if job.seeds is None:
        state.seed()
    else:
        state.take_given(job.seeds)
    if not len(state.footprints):
        return state.empty_result()
    state.fit_background()
    if job.seeds is not None:  # nothing was known of their light when the background was fitted
        state.update_traces()
        state.fit_background()
        state.update_traces()
    seeds_again = job.params.second_seeding and job.seeds is None
    for round_number in range(max(job.params.n_rounds, 2 if seeds_again else 1)):
        state.update_footprints()
        state.merge()
        state.update_traces()
        state.weed()
        if round_number == 0 and seeds_again:
            state.seed()
        if not len(state.footprints):
            return state.empty_result()
    while state.merge():
        state.update_traces()
    state.finish()
    return state.result()
