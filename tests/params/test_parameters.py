"""Parameters from presets, files and the command line: who wins, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from miniscope_nwb.errors import ParameterError
from miniscope_nwb.params.describe import parameters_page
from miniscope_nwb.params.identity import as_table, parameter_hash
from miniscope_nwb.params.load import load_parameters, parse_assignment
from miniscope_nwb.params.models import Parameters
from miniscope_nwb.params.names import stages
from miniscope_nwb.params.presets import PRESETS
from miniscope_nwb.results import Derived

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def yaml_file(tmp_path):
    def write(text, name="lab.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_nothing_given_is_all_defaults():
    given = load_parameters()
    assert given.values == Parameters()
    assert given.source("motion", "method") == "default"


def test_later_wins(yaml_file):
    first = yaml_file("quality: {event_min_s: 0.5, event_refractory_s: 0.6}\n", "first.yaml")
    second = yaml_file("quality:\n  event_min_s: 0.7\n", "second.yaml")
    given = load_parameters(
        preset="gcamp6s", files=[first, second], assignments=["event_min_s=0.8"]
    )
    quality = given.values.quality
    assert (quality.event_min_s, quality.event_refractory_s) == (0.8, 0.6)
    assert given.values.extract.indicator == "GCaMP6s"
    assert given.source("quality", "event_min_s") == "user"
    assert given.source("extract", "indicator") == "preset"
    assert given.source("quality", "event_enter") == "default"
    assert load_parameters(preset="GCaMP6s", files=[first]).values.quality.event_min_s == 0.5


def test_a_crop_is_the_same_whichever_corners_name_it():
    crops = ["10,20,200,150", "200,150,10,20", "10,150,200,20"]
    found = [load_parameters(assignments=[f"crop={crop}"]).values for crop in crops]
    assert {values.preprocess.crop for values in found} == {(10, 20, 200, 150)}
    assert len({parameter_hash(values) for values in found}) == 1


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("decay_time_s=0", "at least 0.01 and at most 30"),
        ("decay_time_s=400", "at least 0.01 and at most 30"),
        ("detrend_window_s=-60", "at least 1 and at most 3600"),
        ("detrend_window_s=60000", "at least 1 and at most 3600"),
        ("f0_window_s=0.1", "at least 1 and at most 3600"),
    ],
)
def test_times_have_bounds(assignment, words):
    with pytest.raises(ParameterError, match=words):
        load_parameters(assignments=[assignment])


def test_blocks_that_overlap_by_more_than_they_lie_apart_are_refused(yaml_file):
    path = yaml_file("motion: {block_px: 48}\n")
    assert load_parameters(files=[path], assignments=["overlap_px=47"]).values.motion.block_px == 48
    with pytest.raises(ParameterError, match=r"overlap_px is 48 and motion\.block_px 48"):
        load_parameters(files=[path], assignments=["overlap_px=48"])


def test_micrometers_given_later_take_the_place_of_pixels(yaml_file):
    path = yaml_file("motion: {max_shift_px: 12, highpass_um: 5, highpass_px: 4}\n")
    given = load_parameters(files=[path], assignments=["motion.max_shift_um=30"])
    assert given.values.motion.max_shift_px is None
    assert given.values.motion.max_shift_um == 30
    assert given.values.motion.highpass_px == 4  # of one file both are kept: the pixels win


@pytest.mark.parametrize(
    ("assignment", "stage", "key", "value"),
    [
        ("method=none", "motion", "method", "none"),
        ("motion.method=rigid", "motion", "method", "rigid"),
        ("crop=10,20,200,150", "preprocess", "crop", (10, 20, 200, 150)),
        ("preprocess.crop=[10, 20, 200, 150]", "preprocess", "crop", (10, 20, 200, 150)),
        ("mend_pixels=false", "preprocess", "mend_pixels", False),
        ("min_pnr=1e1", "extract", "min_pnr", 10.0),
        ("extract.max_cells=null", "extract", "max_cells", None),
        ("ar_order=2", "extract", "ar_order", 2),
        ("s_min=-1", "extract", "s_min", -1.0),
    ],
)
def test_assignment(assignment, stage, key, value):
    given = load_parameters(assignments=[assignment])
    assert getattr(getattr(given.values, stage), key) == value
    assert type(getattr(getattr(given.values, stage), key)) is type(value)
    assert given.source(stage, key) == "user"


def test_caiman_names_pass_through_as_they_are(yaml_file):
    path = yaml_file("caiman: {gSig: [4, 4], nonsense: yes}\n")
    given = load_parameters(files=[path], assignments=["caiman.min_SNR=2.5", "caiman.fr=null"])
    assert given.values.caiman == {"gSig": [4, 4], "nonsense": True, "min_SNR": 2.5, "fr": None}


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("motion.methd=rigid", ["motion.methd", "motion.method"]),
        ("motoin.method=rigid", ["'motoin'", "motion"]),
        ("min_por=3", ["'min_por'", "extract.min_pnr"]),
        ("motion.min_pnr=3", ["extract.min_pnr"]),
        ("motion.method=rigd", ["'rigd'", "auto, rigid, piecewise, none", "did you mean rigid"]),
        ("extract.indicator=gcamp6f", ["did you mean GCaMP6f"]),
        ("ar_order=3", ["one of 1, 2"]),
        ("spatial_factor=9", ["whole number at least 1 and at most 8"]),
        ("spatial_factor=1.5", ["whole number"]),
        ("min_corr=1.5", ["at least 0 and at most 1"]),
        ("min_corr=yes", ["at least 0"]),
        ("f0_percentile=100", ["above 0 and below 100"]),
        ("max_shift_um=.inf", ["a number above 0"]),
        ("max_shift_px=1e9", ["a number above 0 and at most 1000000, or null"]),
        ("min_snr=-1e7", ["at least -1000000 and at most 1000000"]),
        ("n_background=101", ["whole number at least 0 and at most 100"]),
        ("n_template_frames=999999999999999999999", ["at most 1000000"]),
        ("max_shift_um=far", ["'far'", "a number above 0"]),
        ("crop=1,2,3", ["x0,y0,x1,y1"]),
        ("n_rounds=null", ["whole number"]),
        ("mend_pixels=maybe", ["true or false"]),
        ("min_pnr", ["stage.key=value"]),
        ("=3", ["stage.key=value"]),
        ("min_pnr=[1", ["YAML"]),
    ],
)
def test_what_is_not_known_is_refused_in_one_sentence(assignment, words):
    with pytest.raises(ParameterError) as refused:
        load_parameters(assignments=[assignment])
    message = str(refused.value)
    assert message.startswith(f"-p {assignment}: ")
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("motion:\n  method: rigid\n  max_shft_um: 3\n", ["line 3", "motion.max_shift_um"]),
        ("motion: {method: 3}\n", ["line 1", "one of auto"]),
        ("\nmin_pnr: 8\n", ["line 2", "below 'extract:'"]),
        ("motion: rigid\n", ["line 1", "below 'motion:'"]),
        ("- a\n", ["line 1", "sections"]),
        ("motion:\n  method: rigid\n  method: none\n", ["line 3", "twice"]),
        ("motion: [\n", ["no valid YAML"]),
    ],
)
def test_errors_of_a_file_name_it_and_the_line(yaml_file, text, words):
    path = yaml_file(text)
    with pytest.raises(ParameterError) as refused:
        load_parameters(files=[path])
    for word in [str(path), *words]:
        assert word in str(refused.value)


def test_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ParameterError, match=r"absent\.yaml cannot be read"):
        load_parameters(files=[tmp_path / "absent.yaml"])


def test_sections_may_be_empty(yaml_file):
    assert load_parameters(files=[yaml_file("motion:\n")]).values == Parameters()
    assert load_parameters(files=[yaml_file("# nothing yet\n")]).values == Parameters()


def test_unknown_preset_names_the_nearest_and_all():
    with pytest.raises(ParameterError, match=r"did you mean GCaMP6s\? There are GCaMP6f"):
        load_parameters(preset="GCaMP6ss")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_and_gives_its_reasons(name):
    given = load_parameters(preset=name)
    assert given.values.extract.indicator == name
    assert PRESETS[name].reasons.keys() == PRESETS[name].values.keys()


def test_hash_is_of_the_values_not_of_how_they_were_given(yaml_file):
    default = parameter_hash(load_parameters().values)
    assert len(default) == 64
    same = load_parameters(assignments=["motion.method=auto"]).values
    assert parameter_hash(same) == default
    from_file = load_parameters(files=[yaml_file("extract: {min_pnr: 8}")]).values
    from_line = load_parameters(assignments=["min_pnr=8.0"]).values
    assert parameter_hash(from_file) == parameter_hash(from_line) != default
    assert parameter_hash(same, extra={"seed": 1}) != parameter_hash(same, extra={"seed": 0})


def test_table_tells_who_gave_each_value():
    given = load_parameters(
        preset="GCaMP6f", assignments=["min_pnr=8", "caiman.gSig=[4, 4]", "max_shift_px=9"]
    )
    derived = [
        Derived("extract", "min_corr", 0.75, "null movie"),
        Derived("extract", "min_pnr", 11.0, "null movie"),  # was given: what was given counts
        Derived("quality", "area_unit_px", 50.0, "median of the run"),
    ]
    rows = {(row.stage, row.parameter): row for row in as_table(given, derived)}
    assert rows["extract", "min_corr"].source == "derived"
    assert rows["extract", "min_corr"].basis == "null movie"
    assert (rows["extract", "min_pnr"].value, rows["extract", "min_pnr"].source) == (8.0, "user")
    assert rows["extract", "indicator"].source == "preset"
    assert rows["motion", "method"].source == "default"
    assert rows["caiman", "gSig"].value == [4, 4]
    assert rows["quality", "area_unit_px"].value == 50.0
    for stage, model in stages().items():
        for key in model.model_fields:
            assert (stage, key) in rows


def test_page_is_current():
    page = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    assert page == parameters_page(), "write it anew: python -m miniscope_nwb.params.describe"


@hypothesis_given(st.text(max_size=40))
def test_any_assignment_is_read_or_refused_with_our_error(text):
    with suppress(ParameterError):  # anything else fails
        (stage, key), _ = parse_assignment(text)
        assert stage == "caiman" or key in stages()[stage].model_fields


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("quality.min_snrr=3", "; did you mean quality.min_snr?"),
        ("min_snrr=3", "; did you mean quality.min_snr?"),
        ("qualty.min_snr=3", "; did you mean quality?"),
        ("motion.method=rigd", "; did you mean rigid?"),
        ("zzzz=3", "."),
        ("zzzz.x=3", "."),
        ("motion.zzzz=3", "."),
        ("motion.method=zzzz", "."),
    ],
)
def test_a_sentence_ends_once(text, end):
    with pytest.raises(ParameterError) as caught:
        load_parameters(assignments=[text])
    said = str(caught.value)
    assert said.endswith(end)
    assert said[-2].isalnum() or said[-2] in "'\")"
