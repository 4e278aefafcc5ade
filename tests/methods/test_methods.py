"""The methods paragraph, against what a person wrote of the same files."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "nwb"))

import foreign_files
import made_runs as made
import plans

import miniscope_nwb
from miniscope_nwb.cli.main import run as run_command
from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.methods import methods_text
from miniscope_nwb.methods.decision_words import _RULES
from miniscope_nwb.methods.references import PAPERS
from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.nwb.parting.split import split_file
from miniscope_nwb.nwb.processed.curation import curate
from miniscope_nwb.nwb.processed.decisions_csv import DecisionRow
from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.params.models import Parameters, QualityParams
from miniscope_nwb.results import RunParameter

VERSION = miniscope_nwb.__version__
RECORDED = (
    "One-photon calcium imaging in CA1 of one male Mus musculus (aged 90 days) was recorded "
    "through the UCLA Miniscope V4 (UCLA) with Miniscope-DAQ-QT-Software. The indicator was "
    "GCaMP6f (excitation 470 nm, emission 525 nm). 150 frames of 56 x 40 pixels (1.5 x 1.6 µm "
    "each in the tissue) were stored at 20.27 frames/s (measured from the time stamps) over 7.4"
    " s. 2 frames (1.32 %) were lost, as told by gaps between time stamps. The videos were "
    "recorded with the lossless codec FFV1. The recording was converted to Neurodata Without "
    f"Borders (Rübel et al., 2022) with miniscope-nwb {VERSION}."
)
# As `process` writes them: what was not given stands with its default.
DEFAULTS = {
    stage: section
    for stage, section in Parameters().model_dump(mode="json").items()
    if stage != "caiman"
}


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("converted")
    frames = plans.grey_frames(made.N, shape=(made.HEIGHT, made.WIDTH))
    plan = plans.make_plan(folder / "raw", (plans.Rig("HPC", frames, per_file=100),)).plan
    return write_plan(plan, folder / "x.nwb").path


@pytest.fixture
def path(converted, tmp_path):
    copy = tmp_path / "x.nwb"
    copy.write_bytes(converted.read_bytes())
    return copy


def parameters(*changes: RunParameter) -> tuple[RunParameter, ...]:
    rows = {
        (stage, name): RunParameter(stage, name, value, "default")
        for stage, section in DEFAULTS.items()
        for name, value in section.items()
    }
    rows |= {(row.stage, row.parameter): row for row in changes}
    return tuple(rows.values())


OWN = (
    RunParameter("preprocess", "temporal_factor", 2, "derived", "decay"),
    RunParameter("preprocess", "crop", list(made.CROP), "user"),
    RunParameter("extract", "ar_order", 2, "derived", "20.0 frames a second"),
    RunParameter("extract", "decay_time_s", 0.5, "derived", "indicator GCaMP6f"),
    RunParameter("quality", "min_snr", 4.5, "user"),
    RunParameter("quality", "min_r_value", None, "user"),
    RunParameter("motion", "n_template_frames", 400, "user"),
    RunParameter("run", "seed", 0, "default"),
)


def make_run(path: Path, *rows: RunParameter, name: str = "first", **changes):
    fields = ("n_cells", "n_blocks", "with_engine")
    options = {key: changes.pop(key) for key in fields if key in changes}
    run = made.make_run(path, name, series="OnePhotonSeries", **options)
    versions = {"miniscope-nwb": VERSION, "numpy": "2.4.6"} | changes.pop("versions", {})
    figures = {"n_black": 1.0, "n_flash": 0.0, "n_torn": 0.0}
    prepared = replace(run.prepared, figures=figures)
    made_of = {"versions": versions, "parameters": parameters(*rows), "prepared": prepared}
    return replace(run, **(made_of | changes))


def paragraphs(text: str) -> list[str]:
    body = text.split("## Methods\n\n")[1].split("\n\n## References")[0]
    return body.split("\n\n")


def keys(text: str) -> set[str]:
    """Which papers stand in the BibTeX block; the list above it holds the same."""
    found = set(re.findall(r"@article\{(\w+),", text))
    by_key = {paper.key: paper for paper in PAPERS}
    listed = text.split("## References\n\n")[1].split("\n\n```bibtex")[0].splitlines()
    assert [f"- {by_key[key].text}" for key in re.findall(r"@article\{(\w+),", text)] == listed[:-1]
    for key in found:
        assert f"({by_key[key].cite})" in text, "nothing is listed that is not cited"
    block = text.split("```bibtex\n")[1].split("\n```")[0]
    assert block.count("{") == block.count("}")
    return found


def test_a_recording_that_was_not_processed(converted):
    text = methods_text(converted)
    assert paragraphs(text) == [RECORDED, "The file holds no processing."]
    assert keys(text) == {"Rubel2022"}
    assert f"version = {{{VERSION}}}" in text


def test_a_run_of_our_own_engine(path):
    write_run(path, make_run(path, *OWN), corrected="none")
    text = methods_text(path)
    shifts = make_run(path).motion.shifts_px[~np.isin(np.arange(made.N), made.LEFT_OUT)] * 2
    x, y = (f"{value:.2f}" for value in shifts.std(axis=0))
    assert paragraphs(text) == [
        RECORDED,
        f"The movie was processed with miniscope-nwb {VERSION}. 2 of 150 frames were left out (1 "
        "black and 1 that could not be aligned well). 2 defective pixels were read from the "
        "neighbours. Columns 8 to 47 and rows 4 to 35 were processed. Pixels were averaged in "
        "squares of 2 x 2. Motion was corrected rigidly with an implementation of NoRMCorre "
        "(Pnevmatikakis and Giovannucci, 2017). The shifts had a standard deviation of "
        f"{x} px (x) and {y} px (y) and 0.2 px (RMS) of motion remained. Components were "
        "extracted with an implementation of CNMF-E (Zhou et al., 2018), with the ring model of "
        "the background on a coarser grid (Friedrich et al., 2021). Traces were deconvolved by "
        "OASIS (Friedrich et al., 2017) with an autoregressive model of order 2, the decay time "
        "starting from 0.5 s (indicator GCaMP6f). For dF/F, F0 was the running 10th percentile "
        "over 60 s of the motion-corrected fluorescence, background included. Parameters that "
        "were set: preprocess.crop = [8, 4, 48, 36], quality.min_snr = 4.5. Derived from the "
        "recording: extract.decay_time_s = 0.5, extract.ar_order = 2.",
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


def test_what_a_run_did_not_use_is_not_cited(path):
    rows = (
        RunParameter("motion", "method", "none", "user"),
        RunParameter("extract", "deconvolve", False, "user"),
        RunParameter("extract", "background_factor", 1, "user"),
        RunParameter("run", "masks", "cells.nwb", "user"),
    )
    write_run(path, make_run(path, *rows, n_cells=0), corrected="none")
    text = methods_text(path)
    assert "Motion was not corrected." in text
    assert "Traces were not deconvolved." in text
    assert "starting from the masks given in cells.nwb." in text
    assert "No component was found (min_pnr 7.5: the highest was 3.1)." in text
    assert "F0" not in text, "there is no dF/F"
    assert keys(text) == {"Rubel2022", "Zhou2018", "Giovannucci2019"}


def test_a_piecewise_run(path):
    write_run(path, make_run(path, *OWN, n_blocks=(2, 3)), corrected="none")
    assert "Motion was corrected piecewise in 6 blocks with an implementation" in methods_text(path)


OF_CAIMAN = (
    RunParameter("caiman", "min_SNR", 2.5, "user"),
    RunParameter("caiman", "init.method_init", "corr_pnr", "derived", "one-photon data"),
    RunParameter("caiman", "init.gSig", [3, 3], "derived", "cell diameter of 7.4 px"),
    RunParameter("caiman", "temporal.p", 1, "derived", "10 frames/s"),
    RunParameter("caiman", "temporal.method_deconvolution", "oasis", "derived", "10 frames/s"),
    RunParameter("preprocess", "temporal_factor", 3, "derived", "decay"),
)


def test_a_run_of_caiman(path):
    run = make_run(
        path, *OF_CAIMAN, engine="caiman", engine_version="1.12.1", with_engine=True,
        versions={"caiman": "1.12.1"},
    )  # fmt: skip
    run = replace(run, prepared=replace(run.prepared, temporal_factor=3))
    write_run(path, run, corrected="none")
    text = methods_text(path)
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


def imported(path: Path, *, record: dict, moved: bool = True, version: str = "1.9.2"):
    record_row = RunParameter("caiman", "parameters", record, "derived", "stored in old.hdf5")
    run = make_run(
        path, record_row, engine="caiman", engine_version=f"caiman {version}",
        engine_reason="results imported from old.hdf5",
    )  # fmt: skip
    if not moved:
        still = np.zeros_like(run.motion.shifts_px)
        run = replace(run, motion=replace(run.motion, shifts_px=still))
    write_run(path, run, corrected="none")
    return methods_text(path)


def test_imported_results(path):
    record = {
        "init": {"method_init": "corr_pnr", "gSig": [4, 4], "K": None},
        "temporal": {"p": 1, "method_deconvolution": "oasis"},
    }
    text = imported(path, record=record)
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


def test_what_imported_results_do_not_tell_is_not_guessed(path):
    text = imported(path, record={}, moved=False, version="of unknown version")
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


def test_another_method_of_caiman_is_cited_as_such(path):
    record = {"init": {"method_init": "greedy_roi"}, "temporal": {"p": 0}}
    text = imported(path, record=record)
    assert (
        "Components had been extracted with CNMF (Pnevmatikakis et al., 2016) (greedy_roi)." in text
    )
    assert "Traces had not been deconvolved." in text
    assert "Zhou2018" not in keys(text)


def test_an_engine_that_is_not_ours(path):
    run = make_run(path, engine="toy", engine_version="3.1")
    write_run(path, run, corrected="none")
    text = methods_text(path)
    assert "and its engine toy 3.1, whose methods are not known from the file." in text
    assert "Motion was corrected rigidly by the engine." in text
    assert "Components were extracted by the engine." in text
    assert keys(text) == {"Rubel2022", "Giovannucci2019"}, "and that for the acceptance alone"


def test_curation_by_hand(path):
    write_run(path, make_run(path, *OWN), corrected="none")
    curate(path, [DecisionRow(2, 1, True, None, None, None)], by="J. Doe", note="second look")
    with h5py.File(path) as file:
        day = file["processing/ophys/CurationRounds/made_at"].asstr()[1][:10]
    decisions = paragraphs(methods_text(path))[2]
    assert (
        "Decisions were made in 2 rounds: round 1 automatically by miniscope-nwb on 2026-03-04 (1 "
        f"accepted); round 2 by hand by J. Doe on {day}, noted 'second look' (2 accepted, 1 "
        "changed, current). Of 2 components, 2 were accepted (1 soma, 1 unknown)." in decisions
    )
    assert "not curated" not in decisions


def test_parameters_of_another_version_are_told_as_they_were_given(path):
    """Its defaults are not known here, so whatever was given is told."""
    write_run(path, make_run(path, *OWN, versions={"miniscope-nwb": "9.9"}), corrected="none")
    text = methods_text(path)
    assert (
        "Parameters that were set: preprocess.crop = [8, 4, 48, 36], motion.n_template_frames = "
        "400, quality.min_snr = 4.5, quality.min_r_value = null." in text
    )
    assert "version = {9.9}" in text


def test_the_run_is_chosen_and_both_parts_tell_the_same(path, tmp_path):
    write_run(path, make_run(path, *OWN), corrected="none")
    write_run(path, make_run(path, name="toy", engine="toy", motion_hash="b"), corrected="none")
    assert "engine toy" in methods_text(path)
    first = methods_text(path, run="first")
    assert "engine toy" not in first
    with pytest.raises(NwbContentError, match="holds no run third: it holds first, toy"):
        methods_text(path, run="third")
    parts = split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    codec = "The videos were recorded with the lossless codec FFV1. "
    assert methods_text(parts.processed.path, run="first") == first.replace(codec, "")
    assert paragraphs(methods_text(parts.raw.path))[0] == RECORDED


def test_a_file_that_tells_little(tmp_path):
    frames = foreign_files.grey_movie()
    path = foreign_files.write_foreign(tmp_path / "f.nwb", frames, rate=15.0)
    write_run(path, bare_run(path), corrected="none")
    text = methods_text(path)
    assert paragraphs(text)[0] == (
        "One-photon calcium imaging in CA1 of one animal was recorded through a one-photon "
        "miniscope. The indicator was GCaMP8f (excitation 470 nm, emission 525 nm). 130 frames of "
        "36 x 24 pixels were stored at 15 frames/s (as stated in the file). Not known from the "
        "file are the species, sex, age, model of the miniscope, pixel size and number of lost "
        "frames."
    )
    assert "with miniscope-nwb of unknown version." in text
    assert "The parameters are not known from the file." in text
    assert "Whether traces were deconvolved is not known from the file." in text
    assert "By which rules components were accepted is not known from the file." in text
    assert "Rubel2022" not in keys(text)


def bare_run(path: Path):
    """A run of the small foreign movie that brings no parameters and no versions."""
    from unittest import mock

    sizes = {"N": 130, "HEIGHT": 24, "WIDTH": 36, "CROP": (0, 0, 36, 24), "INNER": (12, 18)}
    with mock.patch.multiple(made, **sizes):
        run = made.make_run(path, "bare")
    return replace(run, parameters=(), versions={}, traces=short(run.traces))


def short(traces):
    return replace(traces, dff=np.full_like(traces.dff, np.nan))


def test_text_and_markdown_say_the_same(path, capsys, tmp_path):
    write_run(path, make_run(path, *OWN), corrected="none")
    assert run_command(["methods", str(path)]) == 0
    markdown = capsys.readouterr().out
    assert markdown == methods_text(path)
    out = tmp_path / "methods.txt"
    assert run_command(["methods", str(path), "--format", "text", "-o", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "#" not in text.partition("BIBTEX")[0]
    assert max(map(len, text.partition("REFERENCES")[0].splitlines())) <= 100
    words = " ".join(text.partition("REFERENCES")[0].split())
    assert words == "METHODS " + " ".join(" ".join(paragraphs(markdown)).split())
    assert text.partition("BIBTEX\n\n")[2].strip() in markdown
    capsys.readouterr()
    out.write_text("edited by hand", encoding="utf-8")
    assert run_command(["methods", str(path), "-o", str(out)]) == 1
    assert "exists already; give --overwrite" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "edited by hand"
    assert run_command(["methods", str(path), "-o", str(out), "--overwrite"]) == 0
    assert out.read_text(encoding="utf-8") == markdown
    assert run_command(["methods", str(path), "-o", str(path), "--overwrite"]) == 1
    assert "is not written over" in capsys.readouterr().err
    assert run_command(["methods", str(tmp_path / "no.nwb")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_the_names_of_the_parameters_are_those_of_the_models():
    assert set(_RULES) < set(QualityParams.model_fields)
    source = Path(miniscope_nwb.__file__).parent / "methods"
    used = re.findall(
        r'run\.(?:value|find)\("(\w+)", "(\w+)"\)',
        "".join(file.read_text(encoding="utf-8") for file in source.glob("*.py")),
    )
    assert len(used) > 10
    for stage, name in used:
        assert stage == "run" or name in DEFAULTS[stage], f"{stage}.{name}"
