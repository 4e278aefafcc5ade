"""What keeps a file at home, and what it tells the world: names and validation."""

from __future__ import annotations

import shutil

import pytest
from share_bench import errors, unvalidated
from small_nwb import write_small_nwb

from miniscope_nwb.share.check import check_file, same_place_twice, seen_together
from miniscope_nwb.share.names import place
from miniscope_nwb.share.public import public_findings


@pytest.mark.parametrize(
    ("folder", "name", "path"),
    [
        ("sub-m06", "sub-m06_ses-20260302T140507_ophys.nwb", None),
        ("x", "mouse 6.nwb", "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"),
        ("sub-m06", "sub-m06_ses-20260302T140507_desc-raw_ophys.nwb", None),
        ("sub-m06", "sub-m06_ses-20260302T140507_desc-processed_ophys.nwb", None),
        ("x", "sub-m06.nwb", "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"),
    ],
)
def test_name_is_made_of_the_content(folder, name, path, blank_nwb, tmp_path):
    target = tmp_path / folder / name
    target.parent.mkdir()
    shutil.copyfile(blank_nwb, target)
    found = place(target)
    assert errors(found.findings) == []
    assert found.path == (path or f"{folder}/{name}")
    assert found.session == "20260302T140507"
    assert bool(found.findings) == (path is not None)


@pytest.mark.parametrize(
    ("folder", "name", "words"),
    [
        ("x", "sub-m07_ses-20260302T140507_ophys.nwb", "subject m07"),
        ("x", "sub-m06_ses-20260302T140508_ophys.nwb", "session 20260302T140508"),
        ("x", "sub-m06_ses-20260302T140507_behavior+ophys.nwb", "modalities behavior"),
        ("sub-m07", "mouse.nwb", "the folder says subject m07"),
    ],
)
def test_name_that_says_otherwise_is_an_error(folder, name, words, blank_nwb, tmp_path):
    target = tmp_path / folder / name
    target.parent.mkdir()
    shutil.copyfile(blank_nwb, target)
    (finding,) = place(target).findings
    assert finding.severity == "error"
    assert words in finding.message
    assert "rename it to sub-m06/sub-m06_ses-20260302T140507_ophys.nwb" in finding.fix


def test_link_keeps_its_name_whatever_it_leads_to(blank_nwb, tmp_path):
    """As git-annex and DataLad keep files: under their checksums, far from where they are used."""
    stored = tmp_path / "objects" / "MD5E-s428--0123.nwb"
    link = tmp_path / "sub-m06" / "sub-m06_ses-20260302T140507_desc-raw_ophys.nwb"
    stored.parent.mkdir()
    link.parent.mkdir()
    shutil.copyfile(blank_nwb, stored)
    link.symlink_to(stored)
    found = place(link)
    assert (found.path, found.findings) == (f"sub-m06/{link.name}", ())
    wrong = link.with_name("sub-m07_ses-20260302T140507_ophys.nwb")
    wrong.symlink_to(stored)
    assert "says subject m07" in place(wrong).findings[0].message


def test_file_without_a_subject_gets_no_name(tmp_path):
    path = write_small_nwb(tmp_path / "a.nwb", has_subject=False)
    assert any("names no subject" in message for message in errors(place(path).findings))


def test_what_becomes_public_is_listed(blank_nwb):
    found = {finding.where: finding.message for finding in public_findings(blank_nwb)}
    assert found["general/experimenter"] == "experimenter: Cajal, Santiago"
    assert all(finding.severity == "public" for finding in public_findings(blank_nwb))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('"D:/data/Jane Doe/open field/a.avi"', "D:/data/Jane Doe/open field/a.avi"),
        ('"C:\\\\Users\\\\Jane"', "C:\\Users\\Jane"),
        ('["\\\\\\\\labserver\\\\doe"]', "\\\\labserver\\doe"),
        ("results imported from /home/jane/x.hdf5", "/home/jane/x.hdf5"),
        ("https://example.org/a/b", None),
        ("um/s, 1/2 and Miniscope/metaData.json", None),
        ("/acquisition/OnePhotonSeries", None),  # a place in the file
        ("12/03/2026 14:05", None),
    ],
)
def test_paths_of_computers_in_tables_are_listed(text, path, blank_nwb, tmp_path):
    import h5py

    copy = tmp_path / "a.nwb"
    shutil.copyfile(blank_nwb, copy)
    with h5py.File(copy, "r+") as file:
        file["processing/recording/DeviceSettings/value_json"] = ["20", text]
    found = {finding.where: finding.message for finding in public_findings(copy)}
    message = found.get("processing/recording/DeviceSettings")
    assert message == (f"1 path of computers: {path}" if path else None)


def test_birth_date_is_listed(tmp_path):
    from datetime import UTC, datetime

    born = datetime(2026, 1, 1, tzinfo=UTC)
    path = write_small_nwb(tmp_path / "a.nwb", subject={"date_of_birth": born})
    found = {finding.where: finding.message for finding in public_findings(path)}
    assert "2026-01-01" in found["general/subject/date_of_birth"]


def test_fit_file_is_fit(nwb_file):
    check = check_file(nwb_file)
    assert check.is_fit, check.findings
    assert [file.asset_path for file in check.files] == [f"sub-m06/{nwb_file.name}"]


def test_missing_species_is_found_here_because_the_archive_would_take_it(tmp_path):
    import h5py

    path = write_small_nwb(tmp_path / "sub-m06" / "sub-m06_ses-20260302T140507_ophys.nwb")
    with h5py.File(path, "r+") as file:
        del file["general/subject/species"]
    check = check_file(path)
    assert not check.is_fit
    assert any("species" in message for message in errors(check.findings))
    assert all(finding.fix for finding in check.findings if finding.severity == "error")


def add_masks(path, *, n_cells, height, width):
    """Add a table of cells whose masks would fill the memory; on disk they take no room."""
    import h5py
    import numpy as np
    from pynwb import NWBHDF5IO
    from pynwb.ophys import ImageSegmentation

    with NWBHDF5IO(path, "a") as io:
        file = io.read()
        module = file.create_processing_module("ophys", "Processed.")
        segmentation = ImageSegmentation()
        module.add(segmentation)
        table = segmentation.create_plane_segmentation(
            name="PlaneSegmentation",
            description="Cells.",
            imaging_plane=file.imaging_planes["ImagingPlane"],
        )
        for _ in range(n_cells):
            table.add_roi(image_mask=np.ones((2, 3), np.float32))
        io.write(file)
    with h5py.File(path, "r+") as file:
        group = file["processing/ophys/ImageSegmentation/PlaneSegmentation"]
        kept = dict(group["image_mask"].attrs)
        del group["image_mask"]
        shape = (n_cells, width, height)
        masks = group.create_dataset(
            "image_mask", shape, "f4", chunks=(1, width, height), fillvalue=1.0
        )
        for name, value in kept.items():
            masks.attrs[name] = value


@pytest.mark.parametrize("command", [["share", "check"], ["validate"]], ids=" ".join)
def test_memory_stays_small_whatever_is_in_the_file(command, nwb_file):
    """200 masks of 1000 x 1200 pixels are 960 MB; NWB Inspector would read them all."""
    import subprocess
    import sys

    add_masks(nwb_file, n_cells=200, height=1000, width=1200)
    code = (
        "from pathlib import Path\n"
        "from miniscope_nwb.cli.main import run\n"
        f"code = run({[*command, str(nwb_file)]!r})\n"
        "status = Path('/proc/self/status').read_text().splitlines()\n"
        "(peak,) = [line.split()[1] for line in status if line.startswith('VmHWM')]\n"
        "print(code, int(peak) // 1000)\n"
    )
    if sys.platform != "linux":  # elsewhere, and by getrusage, the process that started it counts
        pytest.skip("no peak of the memory to be read")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    code, peak_mb = map(int, done.stdout.splitlines()[-1].split())
    assert code == 0, done.stdout
    assert peak_mb < 400


@pytest.mark.parametrize("name", ["a.part.nwb", "folder.nwb", "movie.avi", "missing.nwb", "no.nwb"])
def test_what_is_no_finished_file_is_refused(name, tmp_path, blank_nwb):
    path = tmp_path / name
    if name == "folder.nwb":
        path.mkdir()
    elif name == "no.nwb":
        path.write_bytes(b"not HDF5")
    elif name != "missing.nwb":
        shutil.copyfile(blank_nwb, path)
    check = check_file(path)
    assert not check.is_fit
    assert check.files == ()


def test_two_files_of_one_path_are_told(blank_nwb, tmp_path):
    paths = [tmp_path / name for name in ("a.nwb", "b.nwb")]
    for path in paths:
        shutil.copyfile(blank_nwb, path)
    checks = same_place_twice([unvalidated(path) for path in paths])
    assert [check.is_fit for check in checks] == [False, False]
    assert "a.nwb and" in errors(checks[0].findings)[0]


def test_whole_file_named_with_its_halves_is_told(nwb_file):
    names = [
        nwb_file.name.replace("_ophys", f"_desc-{half}_ophys") for half in ("raw", "processed")
    ]
    halves = [nwb_file.with_name(name) for name in names]
    for half in halves:
        shutil.copyfile(nwb_file, half)
    whole, *others = seen_together([unvalidated(path) for path in (nwb_file, *halves)])
    (finding,) = [item for item in whole.findings if item.severity == "warning"]
    assert finding.message == f"the same data are in {' and '.join(names)}: they would go up twice"
    assert whole.is_fit
    assert not any(item.findings for item in others)
    (alone,) = seen_together([unvalidated(nwb_file)])
    assert not alone.findings


def test_leftovers_of_another_name_are_named_and_stay(bench, nwb_file):
    from miniscope_nwb.share.online import compare_with_dandiset

    bench.upload(nwb_file)
    raw = nwb_file.with_name(nwb_file.name.replace("_ophys", "_desc-raw_ophys"))
    nwb_file.rename(raw)
    archive, dandiset = bench.enter()
    plans, findings = compare_with_dandiset(
        archive, dandiset, unvalidated(raw), progress=lambda *_: None
    )
    assert [plan.state for plan in plans] == ["bytes already in the archive"]
    (finding,) = findings
    assert (finding.topic, finding.where) == ("leftovers", f"sub-m06/{nwb_file.name}")
    (outcome,) = bench.upload(raw)
    assert outcome.state == "already there"
    assert len(bench.stand_in.assets()) == 2
    processed = raw.with_name(raw.name.replace("raw", "processed"))
    raw.rename(processed)
    _, findings = compare_with_dandiset(
        archive, dandiset, unvalidated(processed), progress=lambda *_: None
    )
    assert "same bytes" in " ".join(finding.message for finding in findings)
