"""What the tests of V3 recordings share: changed stamps, and what the file must hold."""

from __future__ import annotations

from other_formats import check_frames

V3_FOLDER = ("6_9_2019", "H9_M5_S44")


def v3_rows(truth, change):
    """Change the rows of timestamp.dat: a list of lists of int, or of text."""
    path = truth.folder / "timestamp.dat"
    header, *lines = path.read_text().splitlines()
    rows = change([[int(cell) for cell in line.split("\t")] for line in lines])
    text = ["\t".join(str(cell) for cell in row) for row in rows]
    path.write_bytes("".join(line + "\r\n" for line in [header, *text]).encode())


def scope_rows(change):
    """Apply `change` to the rows of the miniscope only; the camera's follow."""

    def both(rows):
        return [*change([r for r in rows if r[0] == 1]), *[r for r in rows if r[0] == 0]]

    return both


def v3_seconds(truth, frames, device="Miniscope"):
    return truth.stamps_ms[device][list(frames)] / 1000.0


def check_v3(path, truth, frames):
    frames = list(frames)
    check_frames(path, truth.frames["Miniscope"][frames], v3_seconds(truth, frames))
