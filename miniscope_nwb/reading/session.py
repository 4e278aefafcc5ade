"""One recording: its raw movie, its clock and its runs."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from miniscope_nwb.movie import FrameClock
from miniscope_nwb.reading.frames import Frames
from miniscope_nwb.reading.run import Run
from miniscope_nwb.recording import FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from miniscope_nwb.nwb.processed.runs import RunRow
    from miniscope_nwb.nwb.stored_movie import StoredMovie
    from miniscope_nwb.remote.file import RemoteFile


class Session:
    """One recording and its runs; use it as a context manager, or `close` it.

    Parameters
    ----------
    path
        The NWB file, or one on a server that is open already.
    series
        Raw movie in `acquisition`, where there are several.
    """

    def __init__(self, path: str | Path | RemoteFile, series: str | None = None) -> None:
        from miniscope_nwb.nwb.read import open_nwb

        self.path = Path(path) if isinstance(path, str | Path) else path
        with open_nwb(self.path) as file:
            self.identifier = str(file["identifier"].asstr()[()])
        self._series = series
        self._movies: dict[str, StoredMovie] = {}

    def __repr__(self) -> str:
        return f"Session({str(self.path)!r}, runs: {', '.join(self.run_names) or 'none'})"

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the raw movie, if it was read, and the line to a server."""
        for name in ("movie", "frames"):
            self.__dict__.pop(name, None)
        while self._movies:
            self._movies.popitem()[1].close()
        if not isinstance(self.path, Path):
            self.path.close()

    @cached_property
    def movie(self) -> StoredMovie:
        """The raw movie: what the stages of the processing read."""
        return self._movie(self._series)

    def _movie(self, series: str | None) -> StoredMovie:
        from miniscope_nwb.nwb.read import open_nwb
        from miniscope_nwb.nwb.recording_file import choose_series
        from miniscope_nwb.nwb.stored_movie import StoredMovie

        with open_nwb(self.path) as file:
            name = choose_series(file, series, option='miniscope_nwb.open(path, series="{}")')
        if name not in self._movies:
            self._movies[name] = StoredMovie(self.path, name)
        return self._movies[name]

    @cached_property
    def frames(self) -> Frames:
        """Raw frames: ``frames[10]`` is (height, width), ``frames[10:20]`` (10, height, width)."""
        return Frames(self.movie)

    @property
    def clock(self) -> FrameClock:
        """When the frames were taken, which were lost, and where a joined recording begins."""
        clock: FrameClock = self.movie.clock
        return clock

    @property
    def times_s(self) -> FloatArray:
        """Times of the raw frames, (n_frames,), s."""
        return self.clock.times_s

    @property
    def run_names(self) -> list[str]:
        """Names of the runs, the oldest first."""
        return [row.run for row in self._rows()]

    @property
    def runs(self) -> pd.DataFrame:
        """The runs, one row each."""
        import pandas as pd

        return pd.DataFrame([row.values for row in self._rows()])

    def run(self, name: str | None = None, *, round: int | None = None) -> Run:
        """Return a run by name; None: the last one.

        Parameters
        ----------
        name
            Of the run.
        round
            Round of curation whose decisions `Run.cells` shows; None: the current one.

        Raises
        ------
        NwbContentError
            If there is no such run or round.
        """
        from miniscope_nwb.nwb.processed.read import find_run, read_decisions
        from miniscope_nwb.nwb.read import open_nwb

        with open_nwb(self.path) as file:
            row = find_run(file, name)
            read_decisions(file, row, round)
        return Run(self.path, row, round, lambda: self._movie(row.values["series"]))

    def _rows(self) -> list[RunRow]:
        from miniscope_nwb.nwb.processed.runs import read_runs
        from miniscope_nwb.nwb.read import open_nwb

        with open_nwb(self.path) as file:
            return read_runs(file)
