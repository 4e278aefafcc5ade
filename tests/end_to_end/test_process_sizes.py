"""Sizes that cannot be true are refused before any work, by `process` and `plan` alike."""

from __future__ import annotations

import json

import numpy as np
import pytest
from nwb.foreign_files import write_foreign

HEIGHT, WIDTH = 48, 64


@pytest.fixture
def foreign(tmp_path):
    """Write a movie of noise, enough for all that is asked before the work."""
    frames = np.random.default_rng(1).normal(100, 4, (140, HEIGHT, WIDTH)).round().astype(np.uint8)
    return write_foreign(tmp_path / "foreign.nwb", frames, rate=20.0)


def sized(*choices: str) -> list[str]:
    return ["--engine", "builtin", *(word for choice in choices for word in ("-p", choice))]


@pytest.mark.parametrize("command", ["process", "plan"])
@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (["cell_diameter_px=1"], "preprocess.cell_diameter_px makes a cell 1 pixels wide, but"),
        (
            ["cell_diameter_px=3", "spatial_factor=2"],
            "cell_diameter_px makes a cell 1.5 pixels wide with spatial_factor=2, but at least 2 "
            "are needed to show one: give it in raw pixels, bin less, or leave it out.",
        ),
        (
            ["cell_diameter_um=12", "preprocess.pixel_size_um=8"],
            "preprocess.cell_diameter_um makes a cell 1.5 pixels wide",
        ),
    ],
)
def test_a_cell_below_two_pixels(shell, foreign, command, choices, said):
    before = foreign.read_bytes()
    done = shell(command, foreign, *sized(*choices))
    assert done.code == 1
    last = done.err.splitlines()[-1]
    assert last.startswith(f"Error: {foreign.name}: ")
    assert said in last
    assert foreign.read_bytes() == before
    assert [item.name for item in foreign.parent.iterdir()] == [foreign.name]


def test_a_cell_of_two_pixels_can_be_asked_for(shell, foreign):
    done = shell("plan", foreign, *sized("cell_diameter_px=4", "spatial_factor=2"), "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["run"] == "run1"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (
            "preprocess.pixel_size_um=50",
            "Warning: preprocess.pixel_size_um is 50 um, but a pixel of a miniscope measures 0.1 "
            "to 20 um in the tissue: give it in micrometers.",
        ),
        (
            "motion.block_px=10000",
            "Warning: motion.block_px is 10000, and the field has 64 x 48 pixels: it is one block, "
            "so that nothing is corrected piecewise; give a block's size in raw pixels.",
        ),
        ("preprocess.pixel_size_um=20", None),
        ("motion.block_px=48", None),
    ],
)
def test_sizes_that_are_probably_in_another_unit(shell, foreign, choice, said):
    done = shell("plan", foreign, *sized(choice), "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["warnings"] == ([said] if said else [])


@pytest.mark.parametrize("um", ["1640", "0.00000164"])
def test_no_miniscope_has_such_pixels(shell, foreign, um):
    done = shell("plan", foreign, *sized(f"preprocess.pixel_size_um={um}"))
    assert done.code == 1
    assert "preprocess.pixel_size_um is" in done.err
    assert "at least 0.02 and at most 200, or null (in micrometers)." in done.err


def test_micrometers_without_the_size_of_a_pixel_have_no_effect(shell, foreign):
    lengths = ("cell_diameter_um=12", "max_shift_um=30", "motion.highpass_um=8", "highpass_px=4")
    done = shell("plan", foreign, *sized(*lengths), "--json")
    assert json.loads(done.out)["warnings"] == [
        "Warning: preprocess.cell_diameter_um, motion.max_shift_um have no effect: the file does "
        "not tell the size of a pixel; give it as preprocess.pixel_size_um."
    ]
    known = (*lengths, "preprocess.pixel_size_um=1.64")
    assert json.loads(shell("plan", foreign, *sized(*known), "--json").out)["warnings"] == []
