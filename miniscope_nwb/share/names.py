"""The path that a file gets in a dandiset: made from what the file itself says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.check import dandi_names
from miniscope_nwb.convert.names import label
from miniscope_nwb.nwb.read import Identity, read_identity
from miniscope_nwb.share.finding import Finding

HALVES = ("_desc-raw_", "_desc-processed_")  # what `split` makes of one file
_SUBJECT = re.compile(r"sub-([^_.]+)")
_SESSION = re.compile(r"_ses-([^_.]+)")
_MODALITIES = re.compile(r"_([a-z]+(?:\+[a-z]+)*)\.nwb$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an NWB file goes in a dandiset."""

    path: str  # sub-X/sub-X_ses-Y[_desc-Z]_<modalities>.nwb
    session: str  # label of the session; "" where the file names none
    findings: tuple[Finding, ...]

    @property
    def folder(self) -> str:
        """The subject's folder."""
        return self.path.rpartition("/")[0]

    @property
    def stem(self) -> str:
        """Name of the file without ``.nwb``: the folder of its videos."""
        return Path(self.path).stem


def place(path: Path) -> Place:
    """Plan the path of an NWB file in a dandiset.

    Neither the archive nor its client compares name and content, so a name that says otherwise
    than the file is an error here.

    Raises
    ------
    NwbContentError
        If it is no whole NWB file.
    """
    identity = read_identity(path)
    path = path.absolute()  # a link keeps its own name: what it leads to may be named by checksum
    name = path.name
    planned = dandi_names.name_for(path, identity)
    session = label(identity.session_id) if identity.session_id else ""
    findings = [*_contradictions(path, identity, planned), *_unfit(identity)]
    if not findings and name != planned.rpartition("/")[2]:
        findings.append(
            Finding("note", "name", name, f"in the dandiset the file will be called {planned}", "")
        )
    return Place(planned, session, tuple(findings))


def _unfit(identity: Identity) -> list[Finding]:
    """Find what leaves a name without its parts."""
    found = []
    if not identity.subject_id:
        message = "the file names no subject, so no name can be made for it"
        fix = "Convert again with subject_id in the session file."
        found.append(Finding("error", "name", "general/subject", message, fix))
    if not identity.session_id:
        message = "the file names no session: two sessions of this subject would get one name"
        fix = "Convert again; session_id is then made of the recording's start."
        found.append(Finding("error", "name", "general/session_id", message, fix))
    return found


def _contradictions(path: Path, identity: Identity, planned: str) -> list[Finding]:
    """Compare what a name made for DANDI says with what the file says."""
    found = []
    folder = _SUBJECT.fullmatch(path.parent.name)
    pairs = [("the folder", "subject", folder, label(identity.subject_id))]
    if dandi_names.subject_in_name(path):
        modalities = planned.rpartition("_")[2].removesuffix(".nwb")
        pairs += [
            ("the name", "subject", _SUBJECT.match(path.name), label(identity.subject_id)),
            ("the name", "session", _SESSION.search(path.name), label(identity.session_id)),
            ("the name", "modalities", _MODALITIES.search(path.name), modalities),
        ]
    for who, what, said, inside in pairs:
        if said is not None and said[1] != inside:
            found.append(
                Finding(
                    "error",
                    "name",
                    path.name if who == "the name" else path.parent.name,
                    f"{who} says {what} {said[1]}, the file itself {inside}",
                    f"Find out which is true. If the file is right, rename it to {planned}; if "
                    "not, convert again.",
                )
            )
    return found
