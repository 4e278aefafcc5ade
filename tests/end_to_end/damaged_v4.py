"""What the tests of damaged V4 recordings share: damage, convert, and compare with the truth."""

from __future__ import annotations

import numpy as np
from recordings import convert, opened


def device(session):
    return session.folder / "Miniscope"


def stamps_of(session, frames):
    return session.stamps_ms["Miniscope"][list(frames)] / 1000.0


def rewrite_stamps(session, change):
    """Change the rows of timeStamps.csv: a list of lists of text, without the header."""
    path = device(session) / "timeStamps.csv"
    header, *rows = path.read_text().splitlines()
    rows = change([row.split(",") for row in rows])
    path.write_bytes("".join(",".join(row) + "\n" for row in [header.split(","), *rows]).encode())


def check_stored(path, session, frames, *, stamps=None):
    """The file holds exactly these frames, each with its own stamp."""
    frames = list(frames)
    with opened(path) as nwb:
        series = nwb.acquisition["OnePhotonSeries"]
        stored = np.swapaxes(series.data[:], 1, 2)
        np.testing.assert_array_equal(stored, session.frames["Miniscope"][frames])
        expected = stamps_of(session, frames) if stamps is None else stamps
        np.testing.assert_array_equal(series.timestamps[:], expected)


def check_verified(shell, path, session):
    verified = shell("verify", path, "--raw", session.folder)
    assert verified.code == 0, verified.out + verified.err


def convert_well(shell, session, tmp_path, *options):
    path = tmp_path / "out.nwb"
    done = convert(shell, session.folder, path, *options)
    assert done.code == 0, done.err
    check_verified(shell, path, session)
    return path, done.out + done.err


def convert_badly(shell, session, tmp_path, *options):
    """The command stops with one clear message and leaves nothing behind."""
    path = tmp_path / "out.nwb"
    before = sorted(p.name for p in tmp_path.iterdir())
    done = convert(shell, session.folder, path, *options)
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert shell("inspect", session.folder).code in (0, 1)
    return done.err
