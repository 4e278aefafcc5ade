"""The readers that are installed: ours and those of other packages, imported when they are used.

A third party names its reader class in the entry-point group ``miniscope_nwb.readers``; the name
of the entry point is the reader's name. A reader that cannot be used is a warning with its name,
and the others go on working.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from miniscope_nwb.convert.readers.base import Match, Reader
from miniscope_nwb.entry_points import BrokenPluginWarning, PluginKind, load_plugins
from miniscope_nwb.errors import MiniscopeError, RecordingError

GROUP = "miniscope_nwb.readers"

# Strings, not classes: nothing is imported before somebody asks.
BUILT_IN = {
    "v4": "miniscope_nwb.convert.readers.miniscope_v4:MiniscopeV4Reader",
    "v3": "miniscope_nwb.convert.readers.miniscope_v3:MiniscopeV3Reader",
    "onix": "miniscope_nwb.convert.readers.onix:OnixReader",
    "v4gui": "miniscope_nwb.convert.readers.miniscope_v4_gui:MiniscopeV4GuiReader",
    "refused": "miniscope_nwb.convert.readers.refused:RefusedFormats",
}


KIND = PluginKind("reader", GROUP, BUILT_IN, Reader, "name, summary, sniff and read")


def readers() -> dict[str, Reader]:
    """Return every reader that works, by name: the built-in ones first."""
    return load_plugins(KIND)


def sniff(name: str, reader: Reader, folder: Path) -> Match:
    """Ask one reader about one folder.

    Our own errors become a refusal, which counts where no other reader claims the folder. A third
    party's reader that fails otherwise says no, with a warning.
    """
    try:
        match = reader.sniff(folder)
    except MiniscopeError as error:
        return Match(name, ("the folder is not as it should be",), refusal=str(error))
    except Exception as error:  # another's reader may raise anything; ours must not
        if name in BUILT_IN:
            raise
        why = f"it fails at this folder ({type(error).__name__}: {error})"
        warnings.warn(
            f"The reader {name!r} is left out: {why}; update its package.",
            BrokenPluginWarning,
            stacklevel=2,
        )
        return Match(name, (why,))
    return Match(name, match.reasons, match.sources, match.refusal)


def find_reader(name: str) -> Reader:
    """Return the reader called `name`.

    Raises
    ------
    RecordingError
        If there is none; names those that there are.
    """
    known = readers()
    if name not in known:
        raise RecordingError(
            f"there is no reader called {name!r}; installed are {', '.join(known)}: install the "
            "package that brings it."
        )
    return known[name]
