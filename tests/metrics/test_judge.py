"""The whole judgement of a small scene in which every component's nature is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from quality_scene import HEIGHT, KINDS, RATE, WIDTH, N, Scene, make_scene
from scipy.sparse import csc_array

from miniscope_nwb.engines.base import Resources, Scale
from miniscope_nwb.metrics.measures import DESCRIPTIONS, Measures
from miniscope_nwb.metrics.stage import judge
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.results import Quality


def judged(scene: Scene, folder, *, threads: int = 2, **params) -> Quality:
    return judge(
        scene.movie,
        extraction=scene.extraction,
        traces=scene.traces,
        images=scene.images,
        motion=scene.motion,
        is_left_out=scene.is_left_out,
        params=QualityParams(**params),
        scale=Scale(1.64, RATE),
        resources=Resources(folder, n_threads=threads),
    )


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene()


@pytest.fixture(scope="module")
def quality(scene, tmp_path_factory) -> Quality:
    folder = tmp_path_factory.mktemp("quality")
    found = judged(scene, folder)
    assert not list(folder.iterdir())  # what was scratch is gone
    return found


def test_cells_are_kept_and_each_other_is_rejected_for_what_it_is(quality):
    decisions = quality.decisions
    accepted = dict(zip(KINDS, decisions.accepted.tolist(), strict=True))
    assert decisions.accepted[:5].all()
    assert not any(accepted[kind] for kind in ("blur", "noise", "second", "fragment"))
    reason = dict(zip(KINDS, decisions.reason, strict=True))
    assert "out of focus" in reason["blur"]
    assert "event" in reason["noise"] or "SNR" in reason["noise"]
    assert reason["second"] == "a second component on the cell of roi 1"
    assert "fragment" in reason["fragment"]
    assert all("events, SNR" in words for words in decisions.reason[:5])
    assert decisions.mask_type[:5] == ("soma",) * 5
    assert (decisions.confidence[:5] > 0.5).all()
    assert quality.engine_decisions is None


def test_every_metric_has_a_description_and_a_value_for_each_component(quality):
    assert set(quality.metrics) <= set(DESCRIPTIONS)
    assert set(DESCRIPTIONS) == {item.name for item in dataclasses.fields(Measures)}
    assert "cnn" not in quality.metrics  # no network was asked: a column of NaN is left out
    for name, column in quality.metrics.items():
        assert column.values.shape == (len(KINDS),), name
        assert column.description == DESCRIPTIONS[name]


def test_measures_of_the_scene_are_those_it_was_made_with(quality):
    values = {name: column.values for name, column in quality.metrics.items()}
    cells = slice(0, 5)
    assert values["equivalent_diameter"][cells] == pytest.approx(8.0, rel=0.05)
    assert values["event_diameter"][cells] == pytest.approx(8.0, rel=0.08)
    assert values["event_diameter"][5] > 14
    assert values["relative_area"][cells] == pytest.approx(1.0, abs=0.1)
    assert values["relative_area"][5] == pytest.approx(4.0, rel=0.15)
    assert values["decay_time"][cells] == pytest.approx(0.5, abs=0.1)
    assert values["n_events"][cells] == pytest.approx(9, abs=1)
    assert values["event_rate"][cells] == pytest.approx(9 / (N / RATE / 60), rel=0.12)
    assert (values["false_positive_rate"] <= 3).all()
    assert values["center_x"][0] == pytest.approx(14, abs=0.1)
    assert values["center_y"][0] == pytest.approx(14, abs=0.1)
    assert values["overlap"][7] > 0.8
    assert values["neighbour_correlation"][7] > 0.9
    assert (values["r_value"][cells] > 0.95).all()


def test_event_images_show_the_cells_and_the_null_does_not(scene, quality):
    images = quality.event_images
    side = images.image.shape[1]
    assert images.image.shape == images.null_image.shape == (len(KINDS), side, side)
    assert side == 33  # four diameters, odd
    assert (images.correlation[:5] > 0.9).all()
    nulls = images.null_correlation[np.isfinite(images.null_correlation)]
    assert np.abs(nulls).max() < 0.4
    assert (images.n_events[:5] >= 7).all()
    cell = 2
    inner = images.image[cell]
    peak = np.unravel_index(np.nanargmax(inner), inner.shape)
    assert images.x_start[cell] + peak[1] == pytest.approx(60, abs=4)
    assert images.y_start[cell] + peak[0] == pytest.approx(15, abs=4)
    assert np.isnan(images.image[0][: max(0, -int(images.y_start[0]))]).all()  # above the field


def test_the_split_takes_the_selection_out_of_pure_noise(tmp_path):
    """Peaks picked with a footprint look like it; judged on the other half they do not."""
    scores, flattered = [], []
    for seed in range(6):
        scene = make_scene(seed, kinds=("noise",))
        found = judged(scene, tmp_path, event_enter=2.2, event_confirm=1.0, event_min_s=0.05)
        scores.append(found.event_images.correlation[0])
        flattered.append(found.metrics["r_value"].values[0])
    assert np.mean(flattered) > 0.25
    assert abs(np.mean(scores)) < 0.15


def test_the_result_does_not_depend_on_the_threads(scene, quality, tmp_path):
    alone = judged(scene, tmp_path, threads=1)
    for name, column in quality.metrics.items():
        assert np.array_equal(alone.metrics[name].values, column.values, equal_nan=True), name
    assert np.array_equal(alone.event_images.image, quality.event_images.image, equal_nan=True)
    assert alone.decisions.reason == quality.decisions.reason


def test_frames_left_out_and_unseen_pixels_take_no_part(scene, tmp_path):
    frames = scene.movie.read(0, N)
    left_out = np.zeros(N, bool)
    left_out[100:130] = left_out[400] = True
    frames[left_out] = 1e6
    frames[::7, :, :5] = np.nan
    normal = scene.traces.noise_normalized.copy()
    halves = scene.traces.halves.copy()
    normal[:, left_out] = np.nan
    halves[:, :, left_out] = np.nan
    changed = dataclasses.replace(
        scene,
        movie=type(scene.movie)(frames, scene.movie.clock),
        traces=dataclasses.replace(scene.traces, noise_normalized=normal, halves=halves),
        is_left_out=left_out,
    )
    found = judged(changed, tmp_path)
    assert found.decisions.accepted[:5].all()
    assert not found.decisions.accepted[5:].any()
    assert np.nanmax(np.abs(found.event_images.image)) < 100


def test_nothing_found_is_judged_without_a_word(scene, tmp_path):
    empty = np.zeros((0, N), np.float32)
    extraction = dataclasses.replace(
        scene.extraction,
        footprints=csc_array((HEIGHT * WIDTH, 0), dtype=np.float32),
        denoised=empty,
        deconvolved=empty,
        raw=empty,
        baseline=np.zeros(0, np.float32),
        noise=np.zeros(0, np.float32),
        kernel=np.zeros((0, 1), np.float32),
    )
    traces = dataclasses.replace(
        scene.traces,
        denoised=empty,
        noise_normalized=empty,
        neuropil=empty,
        halves=np.zeros((2, 0, N), np.float32),
    )
    found = judged(dataclasses.replace(scene, extraction=extraction, traces=traces), tmp_path)
    assert len(found.decisions.accepted) == len(found.decisions.reason) == 0
    assert found.event_images.image.shape == (0, 33, 33)
    assert all(len(column.values) == 0 for column in found.metrics.values())


def test_a_run_with_nothing_in_focus_says_so(tmp_path):
    scene, words = make_scene(kinds=("cell", "blur"), blurred=True), []
    images = dataclasses.replace(scene.images, cell_diameter_px=16.0)
    found = judge(
        scene.movie,
        extraction=scene.extraction,
        traces=scene.traces,
        images=images,
        motion=scene.motion,
        is_left_out=scene.is_left_out,
        params=QualityParams(),
        scale=Scale(1.64, RATE),
        resources=Resources(tmp_path, say=words.append),
    )
    assert found.decisions.accepted.any()
    assert len(words) == 1
    assert "or nothing was in focus" in words[0]


def test_the_engines_own_decision_is_kept_beside(scene, tmp_path):
    own = np.arange(len(KINDS)) % 2 == 0
    scores = {"cnn": np.linspace(0, 1, len(KINDS))}
    extraction = dataclasses.replace(
        scene.extraction, engine_accepted=own, engine_reasons=("r 0.9",) * len(KINDS), scores=scores
    )
    found = judged(dataclasses.replace(scene, extraction=extraction), tmp_path, use_cnn=True)
    assert found.engine_decisions is not None
    assert np.array_equal(found.engine_decisions.accepted, own)
    assert found.engine_decisions.reason == ("r 0.9",) * len(KINDS)
    assert found.metrics["cnn"].values == pytest.approx(scores["cnn"])
    assert found.decisions.reason[0] == "network score 0.00 is below 0.5"
    assert found.decisions.accepted[4]
