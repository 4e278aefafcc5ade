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
    params = job.params
    seeds_again = params.second_seeding and job.seeds is None
    n_rounds = max(params.n_rounds, 2 if seeds_again else 1)
    state = Extraction.begin(job, resources)
    if job.seeds is None:
        state.seed()
    else:
        state.take_given(job.seeds)
    resources.progress(1, n_rounds + 3)
    if not len(state.footprints):
        return state.empty_result()
    state.fit_background()
    if job.seeds is not None:  # nothing was known of their light when the background was fitted
        state.update_traces()
        state.fit_background()
        state.update_traces()
    resources.progress(2, n_rounds + 3)
    for round_number in range(n_rounds):
        state.update_footprints()
        state.merge()
        state.update_traces()
        state.weed()
        if round_number == 0 and seeds_again:
            state.seed()
        resources.progress(3 + round_number, n_rounds + 3)
        if not len(state.footprints):
            return state.empty_result()
    while state.merge():
        state.update_traces()
    state.finish()
    resources.progress(n_rounds + 3, n_rounds + 3)
    return state.result()
