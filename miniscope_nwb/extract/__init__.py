"""Source extraction: footprints, traces and background of a corrected movie (CNMF-E).

Written from the papers: Zhou et al. 2018 (eLife 7:e28728) for the seeding and the ring model,
Giovannucci et al. 2019 (eLife 8:e38173) for the updates on sufficient statistics, Friedrich et al.
2017 and 2021 (PLoS Computational Biology) for deconvolution and the coarse background.

    cnmfe.py        the whole, a table of contents
    state.py        what is known while it runs, and the steps that change it
    plan.py         sizes and thresholds of a run, each with what it was derived from
    coarse.py       means of consecutive frames, on which cells are searched and updated
    frames.py       the movie in blocks: what was seen, without its mean
    boxes.py        footprints as rectangles of pixels
    bright.py       the pixels that rise above their noise, sparse, of all frames
    seeding.py      where cells are, from the bright pixels
    null.py         which thresholds noise alone would reach
    ring.py         the background model
    project.py      the movie's projections on footprints, without a background movie
    temporal.py     traces from projections
    statistics.py   the movie times the traces: all that an update of footprints needs
    spatial.py      footprints from these statistics
    merging.py      components that are one cell
    weeding.py      components that are none
    result.py       the record of the result
"""
