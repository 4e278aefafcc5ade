"""The name and the folder that DANDI expects of a file, from what the file itself says."""

from __future__ import annotations

import re
from pathlib import Path

from miniscope_nwb.convert.names import label
from miniscope_nwb.nwb.read import Identity

# What dandi's validator accepts (dandi/organize.py): labels hold none of these characters.
_FORBIDDEN = r"_*\\/<>:|\"'?%@;. "
_LABEL = rf"[^{_FORBIDDEN}]+"
_FOLDER = re.compile(rf"sub-({_LABEL})")
_FILE = re.compile(
    rf"sub-({_LABEL})(_ses-{_LABEL})?(_(tis|slice|cell|desc|probe|obj)-{_LABEL})*"
    r"(_[a-z]+(\+[a-z]+)*)?\.nwb"
)

_OTHERS = re.compile(r"((?:_(?:tis|slice|cell|desc|probe|obj)-[^_.]+)+)")


def dandiset_root(path: Path) -> Path | None:
    """Return the folder above ``sub-X/sub-X_....nwb``, or None where the file lies otherwise."""
    resolved = path.resolve()
    folder = _FOLDER.fullmatch(resolved.parent.name)
    name = _FILE.fullmatch(resolved.name)
    if folder is None or name is None or folder[1] != name[1]:
        return None
    return resolved.parent.parent


def planned_name(identity: Identity, *, desc: str = "") -> str:
    """Return ``sub-X/sub-X_ses-Y[_desc-Z]_<modalities>.nwb`` from the file's subject and session.

    Parameters
    ----------
    identity
        What the file says of itself.
    desc
        What it is of the recording, where it is not all of it: ``raw`` or ``processed``.
    """
    subject = f"sub-{label(identity.subject_id)}"
    session = f"_ses-{label(identity.session_id)}" if identity.session_id else ""
    part = f"_desc-{label(desc)}" if desc else ""
    modalities = "behavior+ophys" if identity.has_behaviour else "ophys"
    return f"{subject}/{subject}{session}{part}_{modalities}.nwb"


def name_for(path: Path, identity: Identity) -> str:
    """Return the planned name of a file that is there.

    What is particular of it, such as ``_desc-raw``, its present name alone tells.
    """
    planned = planned_name(identity)
    others = _OTHERS.search(path.name) if subject_in_name(path) else None
    if others is None:
        return planned
    head, _, tail = planned.rpartition("_")
    return f"{head}{others[1]}_{tail}"


def subject_in_name(path: Path) -> str:
    """Return the subject that a well-formed file name speaks of, or ``""``."""
    match = _FILE.fullmatch(path.name)
    return match[1] if match else ""
