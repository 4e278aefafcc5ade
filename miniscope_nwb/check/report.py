"""What `verify` found: how much was compared, and every difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal[
    "folder",  # RAW is another recording
    "missing_file",  # a raw file is not in RAW
    "checksum",  # a raw file is not the one that was converted
    "video",  # a video beside the NWB file is missing or altered
    "pixels",  # a stored frame is not the raw one
    "frames",  # frames too few, too many, or in the wrong place
    "stamp",  # a time stamp is not the raw one
    "rows",  # rows of a raw text file are neither stored nor explained
    "repair",  # a repair does not tell what the raw file says
    "signal",  # head orientation or another sampled signal
    "unreadable",  # a raw file cannot be decoded or parsed
]
MAX_LISTED = 20  # differences of a kind; all are counted


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which the NWB file and the raw recording differ.

    ``index`` is the 0-based frame or row in the series, -1 where the difference is of a whole
    file; ``part`` is the raw file, relative to the session root.
    """

    kind: Kind
    series: str
    index: int
    part: str
    message: str

    def __str__(self) -> str:
        where = [self.series] if self.series else []
        if self.index >= 0:
            where.append(f"frame {self.index}" if self.kind != "signal" else f"row {self.index}")
        if self.part:
            where.append(self.part)
        return f"{', '.join(where)}: {self.message}" if where else self.message


@dataclass(slots=True)
class Tally:
    """Collects differences: all are counted, the first ones of each kind are listed."""

    listed: list[Difference] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, difference: Difference) -> None:
        """Count a difference, and keep it while there is room for its kind."""
        self.counts[difference.kind] += 1
        if self.counts[difference.kind] <= MAX_LISTED:
            self.listed.append(difference)

    def extend(self, other: Tally) -> None:
        """Take over what another tally has counted."""
        kept = Counter(difference.kind for difference in self.listed)
        for difference in other.listed:
            kept[difference.kind] += 1
            if kept[difference.kind] <= MAX_LISTED:
                self.listed.append(difference)
        self.counts.update(other.counts)


@dataclass(frozen=True, slots=True)
class SeriesCount:
    """How much of one series was compared."""

    series: str
    device: str
    n_frames: int  # frames whose pixels were decoded again and compared
    n_stamps: int
    n_videos: int  # videos beside the NWB file whose bytes were compared
    n_explained: int  # raw frames and stamps that the file says are not stored, or are mended


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The answer of `verify`."""

    nwb_path: Path
    raw: Path
    series: tuple[SeriesCount, ...]
    n_files: int  # raw files whose checksum was compared
    n_rows: int  # rows of head orientation that were compared
    differences: tuple[Difference, ...]  # at most 20 of a kind
    counts: dict[str, int]  # all differences, by kind
    stub: int | None = None  # the file holds only the first frames, on purpose

    @property
    def n_differences(self) -> int:
        """Number of all differences, listed or not."""
        return sum(self.counts.values())

    @property
    def is_identical(self) -> bool:
        """Whether the NWB file holds exactly what the raw recording holds."""
        return self.n_differences == 0

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "path": str(self.nwb_path),
            "raw": str(self.raw),
            "identical": self.is_identical,
            "stub": self.stub,
            "files": self.n_files,
            "orientation_rows": self.n_rows,
            "series": [asdict(item) for item in self.series],
            "n_differences": self.n_differences,
            "counts": self.counts,
            "differences": [asdict(difference) for difference in self.differences],
        }

    def lines(self) -> Iterable[str]:
        """Say it for people, a line a fact."""
        for item in self.series:
            videos = f", {_count(item.n_videos, 'video file')} byte for byte"
            frames = f"{_count(item.n_frames, 'frame')} and "
            explained = f"; {item.n_explained} repaired or left out, as the file says"
            yield (
                f"{item.series}: {frames if item.n_frames or not item.n_videos else ''}"
                f"{_count(item.n_stamps, 'time stamp')} compared"
                f"{videos if item.n_videos else ''}{explained if item.n_explained else ''}"
            )
        yield f"{_count(self.n_files, 'checksum')} of raw files compared"
        if self.n_rows:
            yield f"{_count(self.n_rows, 'row')} of head orientation compared"
        for difference in self.differences:
            yield f"DIFFERENT: {difference}"
        n_hidden = self.n_differences - len(self.differences)
        if n_hidden:
            yield f"... and {_count(n_hidden, 'more difference')}"
        if self.is_identical and self.stub is not None:
            yield (
                f"{self.nwb_path} is a STUB: it holds the first {self.stub} frames of every device "
                f"of {self.raw}, bit for bit"
            )
        elif self.is_identical:
            repaired = any(item.n_explained for item in self.series)
            but = ", but for what it tells of as repaired or left out" if repaired else ""
            yield f"{self.nwb_path} holds what {self.raw} holds, bit for bit{but}"
        else:
            kinds = ", ".join(f"{number} {kind}" for kind, number in self.counts.items())
            yield f"{self.nwb_path} DIFFERS from {self.raw}: {self.n_differences} ({kinds})"


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
