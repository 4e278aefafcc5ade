"""`doctor`: one finding a fact, a remedy for each fault."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time

import pytest

from miniscope_nwb.check import decoders, doctor, machine, packages
from miniscope_nwb.cli.main import run


def by_topic(findings, topic):
    return [finding for finding in findings if finding.topic == topic]


def fake_package(folder, name, version, *, modules=(), entry_points=""):
    """An installed distribution, as far as its metadata and folders tell."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(text, encoding="utf-8")
    if entry_points:
        (info / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    for module in modules:
        (folder / module).mkdir(parents=True)
        (folder / module / "__init__.py").write_text("", encoding="utf-8")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty folder of packages in front of the real ones."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    importlib.invalidate_caches()
    return folder


def test_examines_all_topics_quickly(tmp_path):
    begin = time.perf_counter()
    findings = doctor.examine(tmp_path)
    assert time.perf_counter() - begin < 20  # under 5 s on an idle machine
    topics = {finding.topic for finding in findings}
    assert {
        "Python", "miniscope-nwb", "pynwb", "h5py", "HDF5", "FFmpeg", "OpenCV", "decoders",
        "CaImAn", "cores", "memory", "working folder", "temporary folder",
    } <= topics  # fmt: skip
    assert all(finding.remedy for finding in findings if finding.status in {"warning", "error"})
    assert list(tmp_path.iterdir()) == []


def test_both_decoders_read_both_codecs():
    findings = decoders.examine_decoders()
    assert [finding.status for finding in findings] == ["ok", "ok"]
    assert ["FFV1" in finding.message for finding in findings] == [True, False]


def test_broken_decoder_is_an_error_with_a_remedy(monkeypatch):
    import miniscope_nwb.video.second as second

    monkeypatch.setattr(second, "read_frames_again", lambda part: iter(()))
    findings = decoders.examine_decoders()
    assert [finding.status for finding in findings] == ["error", "error"]
    assert "opencv" in findings[0].remedy


def test_two_opencv_wheels_are_told_with_the_way_out(site):
    fake_package(site, "opencv-python", "4.9.0")
    finding = packages.examine_opencv_wheels()
    assert finding.status == "warning"
    assert "opencv-python 4.9.0" in finding.message
    assert "opencv-python-headless" in finding.message
    assert "uninstall -y opencv-python-headless opencv-python" in finding.remedy


def test_opencv_without_a_wheel_or_at_all(monkeypatch):
    monkeypatch.setattr(packages, "opencv_wheels", dict)
    assert packages.examine_opencv_wheels().status == "ok"  # conda's
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    finding = packages.examine_opencv_wheels()
    assert (finding.status, "opencv-python-headless" in finding.remedy) == ("error", True)


def test_missing_and_old_packages_are_errors(monkeypatch):
    from packaging.requirements import Requirement

    missing = packages._examine_package("no-such-package", "a test", None)
    assert (missing.status, "no-such-package" in missing.remedy) == ("error", True)
    old = packages._examine_package("numpy", "arrays", Requirement("numpy>=99"))
    assert old.status == "error"
    assert ">=99" in old.message


def test_caiman_is_told_from_its_namesake(site, monkeypatch):
    fake_package(site, "caiman", "0.1", modules=["caiman"])
    finding = packages.examine_caiman()
    assert finding.status == "warning"
    assert "not CaImAn" in finding.message
    (site / "caiman" / "source_extraction" / "cnmf").mkdir(parents=True)
    assert packages.examine_caiman().status == "ok"


def test_readers_of_other_packages_are_listed(site):
    points = "[miniscope_nwb.readers]\ngood = goodreader:Reader\nbroken = nowhere.reader:Reader\n"
    fake_package(site, "goodreader", "1.0", modules=["goodreader"], entry_points=points)
    broken, good = packages.examine_readers()
    assert (good.status, broken.status) == ("ok", "warning")
    assert "nowhere.reader" in broken.message


def test_little_room_and_memory_are_warnings(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "WORKING_SPACE", 1e18)
    monkeypatch.setattr(machine, "MEMORY_NEEDED", 1e18)
    room = by_topic(machine.examine_folders(tmp_path), "working folder")[0]
    assert (room.status, "Free some room" in room.remedy) == ("warning", True)
    memory = by_topic(machine.examine_machine(), "memory")[0]
    assert memory.status == "warning"


def test_folder_that_cannot_be_written_or_is_none(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine, "_can_clone", refuse)
    findings = by_topic(machine.examine_folders(tmp_path), "working folder")
    assert [finding.status for finding in findings][-1] == "warning"
    gone = by_topic(machine.examine_folders(tmp_path / "gone"), "working folder")
    assert [finding.status for finding in gone] == ["error"]


def test_command_answers_people_and_programs(tmp_path, capsys):
    assert run(["doctor", str(tmp_path), "--json"]) in {0, 1}
    answer = json.loads(capsys.readouterr().out)
    errors = [finding for finding in answer["findings"] if finding["status"] == "error"]
    assert answer["fit"] == (not errors)
    assert run(["doctor", str(tmp_path / "gone"), "--quiet"]) == 1
    printed = capsys.readouterr().out
    assert "ERROR" in printed
    assert "-> " in printed
    assert run(["doctor", "--no-such-option"]) == 2
