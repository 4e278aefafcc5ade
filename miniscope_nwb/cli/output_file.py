"""A text file that a command writes: what is there already is not written over by itself."""

from __future__ import annotations

from pathlib import Path

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def check_output_file(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over a file, unless that was asked for; never over an NWB file.

    Raises
    ------
    OutputError
        The file exists and `overwrite` is not given, or it is an NWB file, the recording perhaps.
    """
    from miniscope_nwb.errors import OutputError

    if _is_hdf5(path):
        raise OutputError(
            f"{path} is an NWB or HDF5 file and is not written over: name another file."
        )
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; give --overwrite to replace it.")


def write_output_file(path: Path, text: str) -> None:
    """Write the file whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written: one sentence with the reason.
    """
    from miniscope_nwb.nwb.target import output_errors
    from miniscope_nwb.text_file import write_text_file

    with output_errors(path):
        write_text_file(path, text)


def _is_hdf5(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE
