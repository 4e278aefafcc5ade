"""A key in a file that others can read works, and is warned of."""

from __future__ import annotations

import pytest
from share_bench import QUICK, unvalidated

from miniscope_nwb.cli.main import run
from miniscope_nwb.share.keys import say_readable


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o640, True), (0o604, True)])
def test_key_file_that_others_can_read(mode, is_told, bench, nwb_file, monkeypatch, capsys):
    monkeypatch.setattr("miniscope_nwb.share.settings.DEFAULT", QUICK)
    monkeypatch.setattr("miniscope_nwb.share.check.check_file", unvalidated)
    key = nwb_file.parent / "key.txt"
    key.write_text(bench.stand_in.key)
    key.chmod(mode)
    where = ["--dandiset", bench.stand_in.dandiset, "--instance", bench.stand_in.url]
    assert run(["share", "check", str(nwb_file), *where, "--api-key-file", str(key)]) == 0
    said = capsys.readouterr().err
    assert (f"Warning: others on this computer may read {key}" in said) == is_told
    assert (f"chmod 600 {key}" in said) == is_told
    assert bench.stand_in.key not in said
    assert key.stat().st_mode & 0o777 == mode, "nothing is changed unasked"


def test_on_systems_whose_modes_tell_nothing_nothing_is_said(tmp_path, monkeypatch):
    key = tmp_path / "key.txt"
    key.write_text("x")
    key.chmod(0o644)
    assert say_readable(key)
    monkeypatch.setattr("miniscope_nwb.share.keys.os.name", "nt")
    assert say_readable(key) == ""
