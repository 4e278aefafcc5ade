"""What the tests of formats other than V4 share: convert, verify, and compare frame by frame."""

from __future__ import annotations

import json
import shutil

import numpy as np
from recordings import convert, opened, table

from miniscope_nwb.video.write import AviWriter

ZONE = ("--timezone", "Europe/Berlin")


def work(shell, folder, tmp_path, *options, name="out.nwb"):
    """Convert and verify; return the file and what was said."""
    path = tmp_path / name
    done = convert(shell, folder, path, *options)
    assert done.code == 0, done.err
    verified = shell("verify", path, "--raw", folder)
    assert verified.code == 0, verified.out + verified.err
    return path, done.out + done.err


def stop(shell, folder, tmp_path, *options):
    """Convert what cannot be: one message, and nothing is left behind."""
    before = sorted(p.name for p in tmp_path.iterdir())
    done = convert(shell, folder, tmp_path / "out.nwb", *options)
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert shell("inspect", folder).code in (0, 1)
    return done.err


def check_frames(path, frames, time_s):
    """The only scope of the file holds exactly these frames and stamps."""
    with opened(path) as nwb:
        series = nwb.acquisition["OnePhotonSeries"]
        stored = series.data[:]
        assert stored.dtype == frames.dtype
        np.testing.assert_array_equal(np.swapaxes(stored, 1, 2), frames)
        np.testing.assert_array_equal(series.timestamps[:], time_s)


def repairs(path):
    with opened(path) as nwb:
        found = table(nwb, "Repairs")
    return [] if found.empty else found["rule"].tolist()


def settings(path):
    with opened(path) as nwb:
        rows = table(nwb, "DeviceSettings")
    return {(row.device, row.setting): json.loads(row.value_json) for row in rows.itertuples()}


def check_change_is_found(shell, path, folder, video, stamps, tmp_path):
    """`verify` sees one changed pixel, and one changed stamp."""
    for file, place in ((video, -400), (stamps, None)):
        copy = tmp_path / "changed"
        shutil.copytree(folder, copy)
        data = bytearray((copy / file).read_bytes())
        if place is None:
            place = data.rindex(b"1") if file.suffix in (".csv", ".dat") else 0
        data[place] ^= 1
        (copy / file).write_bytes(data)
        done = shell("verify", path, "--raw", copy)
        shutil.rmtree(copy)
        assert done.code == 1
        assert file.name in done.out + done.err


def write_colour(path, frames):
    height, width = frames.shape[1:3]
    with AviWriter(
        path, width=width, height=height, fourcc="DIB ", header_rate=20, colour=True
    ) as writer:
        for frame in frames:
            writer.write(frame)
