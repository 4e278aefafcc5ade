"""The whole page: which run, in which style, written where; and of the parts of a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from told_runs import DEFAULTS, RECORDED, paragraphs

import miniscope_nwb
from miniscope_nwb.cli.main import run as run_command
from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.methods import methods_text
from miniscope_nwb.methods.decision_words import _RULES
from miniscope_nwb.nwb.parting import recheck
from miniscope_nwb.nwb.parting.split import split_file
from miniscope_nwb.params.models import QualityParams

RUNS = ("first", "unused", "bent", "caiman", "imported", "still")


def test_the_last_run_is_told_unless_another_is_named(processed):
    assert methods_text(processed) == methods_text(processed, run="still")
    assert len({methods_text(processed, run=name) for name in RUNS}) == len(RUNS)
    with pytest.raises(NwbContentError, match="holds no run third: it holds first, unused, bent"):
        methods_text(processed, run="third")


def test_both_parts_tell_the_same(processed, tmp_path, monkeypatch):
    monkeypatch.setattr(recheck, "_check_cells", lambda *_: None)  # which has tests of its own
    parts = split_file(processed, tmp_path / "r.nwb", tmp_path / "p.nwb")
    codec = "The videos were recorded with the lossless codec FFV1. "
    for name in RUNS:
        whole = methods_text(processed, run=name)
        assert methods_text(parts.processed.path, run=name) == whole.replace(codec, "")
    assert paragraphs(methods_text(parts.raw.path))[0] == RECORDED


def test_text_and_markdown_say_the_same(processed, capsys, tmp_path):
    path = processed
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
