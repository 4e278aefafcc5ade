"""Numbered video files, as the acquisition programs roll them over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.video.write import AviWriter


@dataclass(frozen=True, slots=True)
class VideoLook:
    """How the videos of a device are written."""

    path: Callable[[int], Path]  # of the n-th file, from 0
    width: int
    height: int
    fourcc: str
    header_rate: float
    is_colour: bool = False
    frames_per_file: int | None = None  # None: all in one file
    opens_ahead: bool = False  # the next file is made as soon as one is full, if only to stay empty
    threads: int = 1

    def open(self, number: int) -> AviWriter:
        """Open the n-th file."""
        return AviWriter(
            self.path(number),
            width=self.width,
            height=self.height,
            fourcc=self.fourcc,
            header_rate=self.header_rate,
            colour=self.is_colour,
            threads=self.threads,
        )


class PartWriter:
    """Writes frames into numbered files; use it as a context manager."""

    def __init__(self, look: VideoLook) -> None:
        self._look = look
        self._files = ExitStack()
        self._writer: AviWriter | None = None
        self.n_frames = 0
        self.n_files = 0

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.__exit__(kind, error, trace)

    def write(self, frames: Iterable[npt.NDArray[Any]]) -> None:
        """Append frames, (height, width) or (height, width, 3) uint8."""
        for frame in frames:
            self._write_one(np.ascontiguousarray(frame))

    def _write_one(self, frame: npt.NDArray[Any]) -> None:
        if self._writer is None:
            self._open_next()
        assert self._writer is not None
        self._writer.write(frame)
        self.n_frames += 1
        limit = self._look.frames_per_file
        if limit is not None and self.n_frames % limit == 0:
            self._files.close()
            self._writer = None
            if self._look.opens_ahead:
                self._open_next()

    def _open_next(self) -> None:
        self._writer = self._files.enter_context(self._look.open(self.n_files))
        self.n_files += 1
