"""`doctor`: one finding a fact, a remedy for each fault."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from miniscope_nwb.check import decoders, doctor, engines, machine, packages
from miniscope_nwb.cli.main import run
from miniscope_nwb.engines.caiman.find import VARIABLE
from miniscope_nwb.engines.registry import GROUP as ENGINES
from miniscope_nwb.plugins import GROUP as READERS

ROOT = Path(__file__).resolve().parents[2]


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
        "engine", "cores", "memory", "working folder", "temporary folder",
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
    missing = packages._examine_package("no-such-package", "a test", None)
    assert (missing.status, "no-such-package" in missing.remedy) == ("error", True)
    old = packages._examine_package("numpy", "arrays", Requirement("numpy>=99"))
    assert old.status == "error"
    assert ">=99" in old.message


def test_every_dependency_is_looked_at():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {Requirement(line).name for line in project["dependencies"]}
    assert asked - set(packages.NEEDED) == {"opencv-python-headless", "tzdata"}
    assert set(packages.NEEDED) <= asked
    assert (packages.READERS, engines.GROUP) == (READERS, ENGINES)


def test_missing_pydantic_is_told_and_no_fault(tmp_path):
    """Where a package is missing, this command above all must still run."""
    code = (
        "import sys\n"
        "sys.modules['pydantic'] = sys.modules['numba'] = None\n"
        "from miniscope_nwb.check.doctor import examine\n"
        "print(sorted({finding.topic for finding in examine()}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'engine'" in done.stdout
    assert "'memory'" in done.stdout


@pytest.fixture
def unnamed(monkeypatch):
    """No other interpreter is named."""
    monkeypatch.delenv(VARIABLE, raising=False)


def name_interpreter(monkeypatch, folder, *, answer):
    """Let the variable name a program that answers like the interpreter of another environment."""
    interpreter = folder / "python"
    interpreter.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
    interpreter.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(interpreter))
    return interpreter


def test_caiman_is_told_from_its_namesake(site, unnamed):
    fake_package(site, "caiman", "1.12.1", modules=["caiman"])
    finding = engines.examine_caiman()
    assert finding.status == "warning"
    assert "not CaImAn" in finding.message
    assert VARIABLE in finding.remedy
    (site / "caiman" / "source_extraction" / "cnmf").mkdir(parents=True)
    finding = engines.examine_caiman()
    assert finding.status == "ok"
    assert "CaImAn 1.12.1 in this environment" in finding.message


def test_old_caiman_is_a_warning(site, unnamed):
    fake_package(site, "caiman", "1.8.0", modules=["caiman/source_extraction/cnmf"])
    finding = engines.examine_caiman()
    assert (finding.status, "1.8.0" in finding.message) == ("warning", True)
    assert "too old" in finding.message


def test_no_caiman_is_a_note(monkeypatch, unnamed):
    absent = {"state": "absent", "version": "", "python": "3.11"}
    monkeypatch.setattr("miniscope_nwb.engines.caiman.find._look_here", lambda: absent)
    ours, caiman = engines.examine_engines()[:2]
    assert (ours.status, "builtin" in ours.message) == ("ok", True)
    assert (caiman.status, "conda-forge" in caiman.message) == ("note", True)


def test_caiman_of_another_environment_that_is_gone(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone" / "python"))
    finding = engines.examine_caiman()
    assert finding.status == "warning"
    assert "no such file" in finding.message
    assert VARIABLE in finding.remedy


@pytest.mark.skipif(os.name == "nt", reason="a script cannot stand for an interpreter on Windows")
def test_caiman_of_another_environment(monkeypatch, tmp_path):
    answer = '{"state": "found", "version": "1.12.3", "python": "3.11.9"}'
    interpreter = name_interpreter(monkeypatch, tmp_path, answer=f"echo '{answer}'")
    finding = engines.examine_caiman()
    assert finding.status == "ok"
    assert f"CaImAn 1.12.3 by {interpreter}" in finding.message


@pytest.mark.skipif(os.name == "nt", reason="a script cannot stand for an interpreter on Windows")
def test_interpreter_that_does_not_answer(monkeypatch, tmp_path):
    name_interpreter(monkeypatch, tmp_path, answer="echo 'Killed' >&2; exit 3")
    finding = engines.examine_caiman()
    assert (finding.status, "Killed" in finding.message) == ("warning", True)


@pytest.mark.parametrize(("word", "group"), [("reader", READERS), ("engine", ENGINES)])
def test_plugins_of_other_packages_are_listed(site, word, group):
    points = f"[{group}]\ngood = goodplugin:Class\nbroken = nowhere.plugin:Class\n"
    fake_package(site, "goodplugin", "1.0", modules=["goodplugin"], entry_points=points)
    broken, good = packages.examine_plugins(word, group)
    assert (good.topic, good.status, broken.status) == (word, "ok", "warning")
    assert "good, added by goodplugin" in good.message
    assert "nowhere.plugin" in broken.message
    assert {good, broken} <= set(doctor.examine(site))


def test_little_room_and_memory_are_warnings(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "WORKING_SPACE", 1e18)
    monkeypatch.setattr(machine, "MEMORY_NEEDED", 1e18)
    room = by_topic(machine.examine_folders(tmp_path), "working folder")[0]
    assert (room.status, "Free some room" in room.remedy) == ("warning", True)
    memory = by_topic(machine.examine_machine(), "memory")[0]
    assert memory.status == "warning"
    assert "`process`" in memory.message


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
