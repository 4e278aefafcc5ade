"""Readers of other packages: found by their entry points, and harmless where they are broken."""

from __future__ import annotations

import sys
import tomllib
import warnings
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from builders.v3 import make_v3
from builders.v4 import write_avi

from miniscope_nwb import plugins
from miniscope_nwb.convert.detect import explain, find_recordings
from miniscope_nwb.convert.readers.base import Match, Reader, RecordingSource
from miniscope_nwb.convert.reconcile import reconcile_recording
from miniscope_nwb.errors import DetectionError, RecordingError
from miniscope_nwb.plugins import BUILT_IN, GROUP, BrokenPluginWarning, find_reader, readers
from miniscope_nwb.recording import ReadOptions
from miniscope_nwb.video.decode import read_frames

PACKAGE = Path(__file__).parent / "third_party_reader"
TOY = "toyscope_reader:ToyScopeReader"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that makes entry points known, as pip would, without a network."""

    def install(entries, *, name="toyscope-reader", modules=None):
        site = tmp_path / f"site_{name}"
        info = site / f"{name.replace('-', '_')}-0.1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
        lines = [f"[{GROUP}]", *(f"{key} = {value}" for key, value in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for module, text in (modules or {}).items():
            (site / f"{module}.py").write_text(text)
            monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(str(site))

    monkeypatch.syspath_prepend(str(PACKAGE))
    yield install
    sys.modules.pop("toyscope_reader", None)


@pytest.fixture
def toy_folder(tmp_path):
    folder = tmp_path / "toy recording"
    folder.mkdir()
    frames = np.random.default_rng(2).integers(0, 255, (6, 48, 64), dtype=np.uint8)
    write_avi(folder / "scope.avi", frames, "GREY")
    lines = ["2024-05-06T07:08:09+02:00", *(str(3 + 50 * frame) for frame in range(6))]
    (folder / "clock.txt").write_text("\n".join(lines) + "\n")
    return folder, frames


def test_built_in_readers():
    found = readers()
    assert list(found)[: len(BUILT_IN)] == list(BUILT_IN)
    for name, reader in found.items():
        assert isinstance(reader, Reader)
        assert reader.summary
        assert name in BUILT_IN
        assert reader.name == name


def test_every_built_in_answers_an_empty_folder(tmp_path):
    for match in explain(tmp_path):
        assert not match.is_match
        assert match.reasons
        assert all(match.reasons)


def test_third_party_reads_its_format(install, toy_folder):
    folder, frames = toy_folder
    with pytest.raises(DetectionError):
        find_recordings(folder)
    entries = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["entry-points"]
    install(entries[GROUP])
    ((reader, source),) = find_recordings(folder.parent)
    assert (reader.name, source) == ("toyscope", RecordingSource(folder))
    recording = reader.read(source, ReadOptions())
    assert recording.start.value == datetime.fromisoformat("2024-05-06T07:08:09+02:00")
    (timeline,) = reconcile_recording(recording, on_mismatch="stop", stamps="strict").values()
    assert np.array_equal(timeline.time_s, (3 + 50 * np.arange(6)) / 1000.0)
    assert np.array_equal(np.stack(list(read_frames(recording.devices[0].parts[0]))), frames)
    assert [file.converted for file in recording.source_files] == [True, True]


def test_third_party_refuses_damage(install, toy_folder):
    folder, _ = toy_folder
    install({"toyscope": TOY})
    (folder / "clock.txt").write_text("yesterday\n")
    ((reader, source),) = find_recordings(folder)
    with pytest.raises(RecordingError, match="restore the file"):
        reader.read(source, ReadOptions())


def test_name_of_a_built_in_is_taken(install):
    install({"v4": TOY})
    with pytest.warns(BrokenPluginWarning, match="'v4'.*name is taken"):
        found = readers()
    assert type(found["v4"]).__name__ == "MiniscopeV4Reader"


def test_two_packages_with_one_name(install):
    install({"toyscope": TOY})
    install({"toyscope": "zzz:Other"}, name="another", modules={"zzz": "Other = 1"})
    with pytest.warns(BrokenPluginWarning, match="name is taken"):
        found = readers()
    assert type(found["toyscope"]).__name__ == "ToyScopeReader"


def test_one_package_found_twice(install):
    install({"toyscope": TOY})
    install({"toyscope": TOY}, name="toyscope-reader-again")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "toyscope" in readers()


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (None, "ModuleNotFoundError"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("class Other: pass", "AttributeError"),
        ("def Broken(): raise ValueError('x')", "ValueError: x"),
        ("class Broken: name = 'broken'", "lacks one of name, summary, sniff and read"),
    ],
)
def test_broken_package(install, tmp_path, module, why):
    modules = {"broken_reader": module} if module else {}
    install({"broken": "broken_reader:Broken"}, modules=modules)
    with pytest.warns(BrokenPluginWarning, match=f"'broken'.*{why}"):
        found = readers()
    assert list(found) == list(BUILT_IN)
    make_v3(tmp_path / "s", n_scope=3, n_camera=0)
    with pytest.warns(BrokenPluginWarning):
        ((reader, _),) = find_recordings(tmp_path / "s")
    assert reader.name == "v3"


class _Fails:
    name = "fails"
    summary = "fails"

    def __init__(self, error):
        self.error = error

    def sniff(self, folder):
        raise self.error

    def read(self, source, options):
        raise self.error


def test_third_party_that_fails_at_a_folder(tmp_path):
    with pytest.warns(BrokenPluginWarning, match="'fails'.*ZeroDivisionError"):
        match = plugins.sniff("fails", _Fails(ZeroDivisionError("x")), tmp_path)
    assert not match.is_match


def test_own_error_becomes_a_refusal(tmp_path):
    match = plugins.sniff("fails", _Fails(RecordingError("two files.")), tmp_path)
    assert match.refusal == "two files."
    assert not match.sources


def test_fault_of_a_built_in_is_not_hidden(tmp_path):
    with pytest.raises(ZeroDivisionError):
        plugins.sniff("v4", _Fails(ZeroDivisionError("x")), tmp_path)


def test_match_carries_the_name_of_the_entry_point(tmp_path):
    class Renamed(_Fails):
        def sniff(self, folder):
            return Match("something else", ("yes",), (RecordingSource(folder),))

    assert plugins.sniff("renamed", Renamed(None), tmp_path).reader == "renamed"


def test_find_reader():
    assert find_reader("v3").name == "v3"
    with pytest.raises(RecordingError, match="no reader called 'v5'; installed are v4, v3"):
        find_reader("v5")
