"""Write an NWB file anew without the space of removed objects; chunks are copied packed."""

from __future__ import annotations

import warnings
from pathlib import Path

import h5py
from pynwb import NWBHDF5IO

from miniscope_nwb.nwb.careful_file import CarefulFile


def export(source: Path, target: Path) -> None:
    """Export a file with all object ids, links and the packed bytes of its data kept.

    Parameters
    ----------
    source
        A whole NWB file.
    target
        A new file beside it, so that relative names of external videos stay true.
    """
    with CarefulFile(target) as disk, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Ignoring the following cached namespace")
        warnings.filterwarnings("ignore", message="The file path provided")
        with (
            h5py.File(disk, "w") as file,
            # HDF5 packs a chunk anew that lies in its cache: without one, bytes stay as they are.
            h5py.File(source, "r", rdcc_nbytes=0) as stored,
            NWBHDF5IO(source.absolute(), file=stored, mode="r") as reader,
            # Without a path, however odd, hdmf takes links inside the file for external ones.
            NWBHDF5IO(Path(file.filename).absolute(), file=file, mode="w") as writer,
        ):
            writer.export(src_io=reader, write_args={"link_data": False})
            disk.check()
        disk.sync()
