"""The videos beside a file: which go to the archive with it, under which names, and which stay."""

from __future__ import annotations

import pytest
from share_bench import errors
from small_nwb import write_small_nwb

from miniscope_nwb.share.names import place
from miniscope_nwb.share.videos import find_videos

STEM = "sub-m06_ses-20260302T140507_behavior+ophys"
VIDEO = f"{STEM}/abc_external_file_0.mp4"


def with_video(folder, name=VIDEO, *, content=b"a video", stem=STEM):
    path = write_small_nwb(folder / "sub-m06" / f"{stem}.nwb", external_video=name)
    video = path.parent / VIDEO
    if content is not None:
        video.parent.mkdir()
        video.write_bytes(content)
    return path


def test_video_goes_under_the_name_that_the_file_says(tmp_path):
    path = with_video(tmp_path)
    (path.parent / STEM / "secret_raw.avi").write_bytes(b"stays at home")
    videos, findings = find_videos(path, place(path))
    assert findings == ()
    assert [(video.path, video.asset_path) for video in videos] == [
        (path.parent / VIDEO, f"sub-m06/{VIDEO}")
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (VIDEO, None, "is not there"),
        (VIDEO, b"", "is empty"),
        ("/data/raw/0.avi", b"x", "plain relative path"),
        ("C:/raw/0.avi", b"x", "plain relative path"),
        (f"..\\{VIDEO}", b"x", "plain relative path"),
        (f"{STEM}/../../raw.avi", b"x", "plain relative path"),
        (f"./{VIDEO}", b"x", "plain relative path"),
        ("other/0.mp4", b"x", f"in a folder {STEM}"),
        ("0.mp4", b"x", f"in a folder {STEM}"),
        (f"{STEM}/0.nwb", b"x", "no video for the archive"),
    ],
)
def test_video_that_cannot_go_is_an_error(name, content, words, tmp_path):
    path = with_video(tmp_path, name, content=content)
    videos, findings = find_videos(path, place(path))
    assert videos == ()
    (message,) = errors(findings)
    assert words in message


def test_renamed_file_is_told_that_its_videos_do_not_follow(tmp_path):
    path = with_video(tmp_path)
    renamed = path.with_name("mouse.nwb")
    path.rename(renamed)
    assert errors(find_videos(renamed, place(renamed))[1]) == []  # the planned stem is the old one
    split = renamed.with_name(STEM.replace("_behavior", "_desc-raw_behavior") + ".nwb")
    renamed.rename(split)
    assert "its videos must lie in a folder" in errors(find_videos(split, place(split))[1])[0]


def test_videos_go_before_the_file_that_names_them_and_nothing_else_goes(bench, tmp_path):
    path = with_video(tmp_path, content=b"v" * 100_000)
    (path.parent / STEM / "raw.avi").write_bytes(b"stays at home")
    (path.parent / "notes.mp4").write_bytes(b"stays at home")
    outcomes = bench.upload(path)
    paths = [f"sub-m06/{VIDEO}", f"sub-m06/{STEM}.nwb"]
    assert [outcome.asset_path for outcome in outcomes] == paths
    assert [outcome.exit_code for outcome in outcomes] == [0, 0], outcomes
    assert list(bench.stand_in.assets()) == paths
    assert bench.stand_in.content(paths[0]) == b"v" * 100_000
    from miniscope_nwb.share.record import read_records

    assert [record.file for record in read_records(path)] == [VIDEO, path.name]


def test_file_whose_video_is_refused_stays(bench, tmp_path):
    path = with_video(tmp_path)
    bench.upload(path)
    (path.parent / VIDEO).write_bytes(b"another video")
    outcomes = bench.upload(path)
    assert [(outcome.state, outcome.exit_code) for outcome in outcomes] == [("refused", 4)]


@pytest.mark.parametrize(("wrong", "code"), [("in the way", 1), ("changed", 4)])
def test_videos_of_a_file_that_is_refused_stay(wrong, code, bench, tmp_path):
    import h5py

    path = with_video(tmp_path)
    bench.upload(path)
    assets = bench.stand_in.assets()
    del assets[f"sub-m06/{VIDEO}"]
    place = f"sub-m06/{path.name}"
    if wrong == "in the way":
        assets[f"{place}/x"] = assets.pop(place)
        assets[f"{place}/x"].path = f"{place}/x"
    else:
        with h5py.File(path, "r+") as file:
            file["session_description"][()] = "changed"
    before = dict(assets)
    (outcome,) = bench.upload(path)
    assert (outcome.path, outcome.state, outcome.exit_code) == (path, "refused", code)
    assert assets == before
    if wrong == "changed":
        outcomes = bench.upload(path, may_replace=True)
        assert [item.state for item in outcomes] == ["already there", "replaced"]
