"""What is told of a run, against what a person wrote of the same files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import made_runs as made
import numpy as np
from told_runs import RECORDED, VERSION, changed, keys, make_run, paragraphs

from miniscope_nwb.methods import methods_text
from miniscope_nwb.nwb.processed.curation import curate
from miniscope_nwb.nwb.processed.decisions_csv import DecisionRow


def test_a_run_of_our_own_engine(processed):
    text = methods_text(processed, run="first")
    shifts = make_run(processed).motion.shifts_px[~np.isin(np.arange(made.N), made.LEFT_OUT)] * 2
    x, y = (f"{value:.2f}" for value in shifts.std(axis=0))
    assert paragraphs(text) == [
        RECORDED,
        f"The movie was processed with miniscope-nwb {VERSION}. 2 of 150 frames were left out (1 "
        "black and 1 that could not be aligned well). 2 defective pixels were read from the "
        "neighbours. Columns 8 to 47 and rows 4 to 35 were processed. Pixels were averaged in "
        "squares of 2 x 2. Cells were searched on means of 2 frames each and traces made of every "
        "frame. Motion was corrected rigidly with an implementation of NoRMCorre "
        "(Pnevmatikakis and Giovannucci, 2017). The shifts had a standard deviation of "
        f"{x} px (x) and {y} px (y) and 0.2 px (RMS) of motion remained. Components were "
        "extracted with an implementation of CNMF-E (Zhou et al., 2018), with the ring model of "
        "the background on a coarser grid (Friedrich et al., 2021). Traces were deconvolved by "
        "OASIS (Friedrich et al., 2017) with an autoregressive model of order 2, the decay time "
        "starting from 0.5 s (indicator GCaMP6f). For dF/F, F0 was the running 10th percentile "
        "over 60 s of the motion-corrected fluorescence, background included. Parameters that "
        "were set: preprocess.crop = [8, 4, 48, 36], quality.min_snr = 4.5. Derived from the "
        "recording: preprocess.temporal_factor = 2, extract.decay_time_s = 0.5, "
        "extract.ar_order = 2.",
        "A component was accepted by rule with an event of at least 4 noise standard deviations, "
        "a signal-to-noise ratio by event exceptionality (Giovannucci et al., 2019) of at least "
        "4.5, a correlation of at least 0.5 between footprint and mean event image, an r-value of "
        "at least 0.5 beside an event image, an r-value of at least 0.7 without one, an "
        "area of at least 0.5 times that of the run's own cells, an "
        "area of at most 1.9 times that of the run's own cells, an area lit by its events of at "
        "most 2.2 times the same, an edge at most 0.25 radii wider than that of the run's own "
        "cells, unless small and well shown by its events, a correlation of at most 0.7 between "
        "trace and motion and no better component on the same cell. Components were not curated "
        "by hand. Of 2 components, 1 was accepted (1 soma).",
    ]
    assert keys(text) == {
        "Rubel2022", "Pnevmatikakis2017", "Zhou2018", "Friedrich2021", "Friedrich2017",
        "Giovannucci2019",
    }  # fmt: skip
    assert "CaImAn" not in text.partition("## References")[0]


def test_what_a_run_did_not_use_is_not_cited(processed):
    text = methods_text(processed, run="unused")
    assert "Motion was not corrected." in text
    assert "Traces were not deconvolved." in text
    assert "starting from the masks given in cells.nwb." in text
    assert "No component was found (min_pnr 7.5: the highest was 3.1)." in text
    assert "F0" not in text, "there is no dF/F"
    assert keys(text) == {"Rubel2022", "Zhou2018", "Giovannucci2019"}


def test_a_piecewise_run(processed):
    text = methods_text(processed, run="bent")
    assert "Motion was corrected piecewise in 6 blocks with an implementation" in text


def test_a_run_of_caiman(processed):
    text = methods_text(processed, run="caiman")
    processing, decisions = paragraphs(text)[1:]
    assert processing.startswith(
        f"The movie was processed with miniscope-nwb {VERSION} and CaImAn 1.12.1 (Giovannucci et "
        "al., 2019). "
    )
    assert (
        "CaImAn averaged 3 frames each for its initialization. Motion was corrected rigidly with "
        "CaImAn's NoRMCorre (Pnevmatikakis and Giovannucci, 2017)." in processing
    )
    assert (
        "Components were extracted with CNMF-E (Zhou et al., 2018). Traces were deconvolved by "
        "OASIS (Friedrich et al., 2017) with an autoregressive model of order 1." in processing
    )
    assert "Parameters that were set: caiman.min_SNR = 2.5." in processing
    assert "caiman.init.gSig = [3, 3]" in processing
    assert (
        "Decisions were made in 2 rounds: round 1 automatically by caiman on 2026-03-04 (1 "
        "accepted); round 2 automatically by miniscope-nwb on 2026-03-04 (1 accepted, 2 changed, "
        "current). Components were not curated by hand." in decisions
    )
    assert keys(text) == {
        "Rubel2022", "Giovannucci2019", "Pnevmatikakis2017", "Zhou2018", "Friedrich2017",
    }  # fmt: skip


def test_imported_results(processed):
    text = methods_text(processed, run="imported")
    processing = paragraphs(text)[1]
    assert processing.startswith(
        "Results of CaImAn 1.9.2 (Giovannucci et al., 2019) were imported with miniscope-nwb "
        f"{VERSION} from old.hdf5."
    )
    for sentence in (
        "Motion had been corrected rigidly with CaImAn's NoRMCorre (Pnevmatikakis and Giovannucci, "
        "2017).",
        "Components had been extracted with CNMF-E (Zhou et al., 2018).",
        "Traces had been deconvolved by OASIS (Friedrich et al., 2017) with an autoregressive "
        "model of order 1.",
        "CaImAn's parameters were: gSig = [4, 4], p = 1.",
    ):
        assert sentence in processing
    assert keys(text) >= {"Giovannucci2019", "Zhou2018", "Friedrich2017", "Pnevmatikakis2017"}


def test_what_imported_results_do_not_tell_is_not_guessed(processed):
    text = methods_text(processed, run="still")
    processing = paragraphs(text)[1]
    assert "Results of CaImAn of unknown version (" in processing
    assert (
        "The imported results hold no shifts; whether motion was corrected is not known."
        in processing
    )
    assert (
        "Components had been extracted with CaImAn; which of its methods is not known. How traces "
        "were deconvolved is not known." in processing
    )
    assert keys(text) == {"Rubel2022", "Giovannucci2019"}


def test_another_method_of_caiman_is_cited_as_such(processed, tmp_path):
    record = {"init": {"method_init": "greedy_roi"}, "temporal": {"p": 0}}
    path = changed(processed, tmp_path / "x.nwb", "imported", parameter=json.dumps(record))
    text = methods_text(path, run="imported")
    assert (
        "Components had been extracted with CNMF (Pnevmatikakis et al., 2016) (greedy_roi)." in text
    )
    assert "Traces had not been deconvolved." in text
    assert "Zhou2018" not in keys(text)


def test_an_engine_that_is_not_ours(processed, tmp_path):
    path = changed(
        processed, tmp_path / "x.nwb", "still", engine="toy", engine_version="3.1",
        engine_reason="asked for",
    )  # fmt: skip
    text = methods_text(path, run="still")
    assert "and its engine toy 3.1, whose methods are not known from the file." in text
    assert "Motion was corrected rigidly by the engine." in text
    assert "Components were extracted by the engine." in text
    assert keys(text) == {"Rubel2022", "Giovannucci2019"}, "and that for the acceptance alone"


def test_curation_by_hand(processed, tmp_path):
    path = Path(shutil.copyfile(processed, tmp_path / "x.nwb"))
    rows = [DecisionRow(2, 1, True, None, None, None)]
    curate(path, rows, run="first", by="J. Doe", note="second look")
    with h5py.File(path) as file:
        day = file["processing/ophys/CurationRounds/made_at"].asstr()[-1][:10]
    decisions = paragraphs(methods_text(path, run="first"))[2]
    assert (
        "Decisions were made in 2 rounds: round 1 automatically by miniscope-nwb on 2026-03-04 (1 "
        f"accepted); round 2 by hand by J. Doe on {day}, noted 'second look' (2 accepted, 1 "
        "changed, current). Of 2 components, 2 were accepted (1 soma, 1 unknown)." in decisions
    )
    assert "not curated" not in decisions


def test_parameters_of_another_version_are_told_as_they_were_given(processed, tmp_path):
    """Its defaults are not known here, so whatever was given is told."""
    path = changed(processed, tmp_path / "x.nwb", "first", versions="miniscope-nwb 9.9")
    text = methods_text(path, run="first")
    assert (
        "Parameters that were set: preprocess.crop = [8, 4, 48, 36], motion.n_template_frames = "
        "400, quality.min_snr = 4.5, quality.min_r_value = null." in text
    )
    assert "version = {9.9}" in text
