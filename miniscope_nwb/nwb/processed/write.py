"""Write a run into the NWB file of its recording: a copy is changed, checked, and put in place."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.movie import Movie
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.frame_clock import series_times
from miniscope_nwb.nwb.processed.names import GROUP, check_run_name
from miniscope_nwb.nwb.processed.new_version import new_version
from miniscope_nwb.nwb.processed.remove import remove_run
from miniscope_nwb.nwb.processed.rows import append_rows
from miniscope_nwb.nwb.processed.runs import Corrected, read_runs
from miniscope_nwb.results import RunRecord

Progress = Callable[[int, int], None]
_OVERHEAD_BYTES = 16_000_000  # tables, images and HDF5's own records


def write_run(
    path: Path,
    run: RunRecord,
    *,
    movie: Movie | None = None,
    corrected: Corrected = "preview",
    replace: bool = False,
    check: Callable[[Path], None] | None = None,
    progress: Progress | None = None,
    n_threads: int = 2,
) -> None:
    """Add a run to the NWB file of its recording.

    The file is replaced at the very end by a copy that holds the run, so that it is whole at any
    moment; nothing that stands in it is lost, and the bytes of the raw series are not touched.

    Parameters
    ----------
    path
        NWB file that holds the raw series.
    run
        What was computed.
    movie
        Corrected frames (grey levels as recorded) of the size of the prepared movie; not needed
        where nothing of it is stored.
    corrected
        What to store of the corrected movie: a small preview, all of it, or nothing. A run that
        shares the motion result of an earlier one stores nothing anew.
    replace
        Whether a run of the same name is replaced.
    check
        Called with the copy before it is changed; raises where the file is not what it was when
        the run began.
    progress
        Called with the pieces written and in all.
    n_threads
        That pack data.

    Raises
    ------
    OutputError
        If the run is there already and not to be replaced, another process is writing the file,
        or it cannot be written; the file is unchanged then.
    NwbContentError
        If pynwb cannot read what stands in the file; it is unchanged then, too.
    """
    check_run_name(run.name)
    kind: Corrected = "none" if movie is None else corrected
    with new_version(path, extra_bytes=_extra_bytes(run, movie, kind)) as version:
        if check is not None:
            check(version.part)
        with h5py.File(version.part, "r") as file:
            is_there = any(row.run == run.name for row in read_runs(file))
        if is_there and not replace:
            raise OutputError(
                f"{path} holds a run {run.name} already: give --force to replace it, or name this "
                "one otherwise with --run."
            )
        if is_there:
            with version.edit() as (file, _):
                remove_run(file, run.name)
            version.compact()
        with version.edit() as (file, disk):
            _append(path, file, disk, run, movie, kind, progress=progress, n_threads=n_threads)
        from miniscope_nwb.nwb.processed.recheck import recheck_run

        recheck_run(version, run)
        version.is_checked = True


def _extra_bytes(run: RunRecord, movie: Movie | None, corrected: Corrected) -> int:
    """Bytes by which the file grows at most."""
    n_bytes = _OVERHEAD_BYTES + 4 * 6 * run.extraction.n_cells * len(run.motion.shifts_px)
    if run.motion.block_shifts_px is not None:
        n_bytes += 4 * run.motion.block_shifts_px.size
    if movie is not None:
        from miniscope_nwb.nwb.processed.corrected import stored_samples

        n_bytes += 2 * stored_samples(movie, corrected, run.prepared.spatial_factor)
    return n_bytes


def _append(
    path: Path,
    file: h5py.File,
    disk: CarefulFile,
    run: RunRecord,
    movie: Movie | None,
    corrected: Corrected,
    *,
    progress: Progress | None,
    n_threads: int,
) -> None:
    """Add the objects through pynwb, then the large data, then rows to the tables of all runs."""
    from pynwb import NWBHDF5IO

    from miniscope_nwb.nwb.processed import objects
    from miniscope_nwb.nwb.processed.in_sight import only_run
    from miniscope_nwb.nwb.processed.later import write_later

    plan = objects.plan_run(file, run, corrected)
    rows = objects.run_tables(run, plan)
    new = {name: found for name, found in rows.items() if f"{GROUP}/{name}" not in file}
    latest = next((row.run for row in reversed(read_runs(file))), None)
    times = series_times(file, file[f"acquisition/{run.series}"])
    with warnings.catch_warnings():
        # A file of an earlier schema is extended by the present one.
        warnings.filterwarnings("ignore", message="Ignoring the following cached namespace")
        with NWBHDF5IO(file=file, mode="a") as nwb_io:
            with only_run(file, latest):
                nwb = _read(nwb_io, path)
                later = objects.add_objects(nwb, run, plan, movie, times)
                objects.add_tables(nwb, new)
                nwb_io.write(nwb)
            disk.check()
            total = sum(len(item.items) for item in later)
            for n_done in write_later(later, n_threads=n_threads):
                disk.check()
                if progress is not None:
                    progress(n_done, total)
            for name in rows.keys() - new.keys():
                append_rows(file[f"{GROUP}/{name}"], rows[name])


def _read(nwb_io: Any, path: Path) -> Any:
    """Read what stands in the file; a run is added to all of it, or to nothing."""
    try:
        return nwb_io.read()
    except (OSError, MemoryError):
        raise  # the disk's or the machine's, and told as such
    except Exception as error:  # of whatever another program left in it, pynwb raises what it meets
        why = " ".join(str(error).split())[:200]
        raise NwbContentError(
            f"{path.name} holds what pynwb cannot read ({type(error).__name__}: {why}), so that "
            f"nothing can be added to it: look for it with `miniscope-nwb validate {path}`, mend "
            "or remove it, and run the command again; finished stages are kept."
        ) from error
