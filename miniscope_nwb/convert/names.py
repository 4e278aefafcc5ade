r"""Names that we make: file names that DANDI accepts, session ids, names of NWB objects.

The rule is the archive's (``sub-L_ses-L_<modalities>.nwb``, a label without
``_ * \ / < > : | " ' ? % @ ; .`` and without white space); the archive's server takes ASCII only.
A name is made once, at `convert`, and never changes afterwards.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from miniscope_nwb.recording import Problem
from miniscope_nwb.session import ConversionPlan, SessionInfo

UNKNOWN = "unknown"
# A label twice in the folder and file name, a session id and the modalities: with this limit they
# stay far below the 260 characters of a Windows path.
MAX_LABEL = 40
_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9+-]")
_NOT_IN_OBJECT_NAME = re.compile(r"[^A-Za-z0-9_-]")
# Letters that have no decomposition in Unicode but a usual spelling in ASCII.
_SPELLINGS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L", "đ": "d", "µ": "u"}
)


def label(text: str) -> str:
    """Make a text fit for a label of a DANDI file name.

    Letters, digits, ``-`` and ``+`` stay. Accents are dropped, other letters beyond ASCII become
    their code point (``u5c0f``), so that two animals never share a name by it; everything else
    becomes ``-``, as DANDI's own organiser does. A text longer than 40 characters is cut and
    gets eight digits of its SHA-256.

    Returns
    -------
    str
        The label; ``"unknown"`` where the text holds neither letter nor digit.
    """
    made = _NOT_IN_LABEL.sub("-", _ascii(text.strip()))
    if not re.search("[A-Za-z0-9]", made):
        return UNKNOWN
    if len(made) > MAX_LABEL:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        made = f"{made[: MAX_LABEL - 9]}-{digest}"
    return made


def path_part(text: str) -> str:
    """Make a recorded name one line without a slash, as DANDI wants subjects and sessions."""
    return " ".join(text.replace("/", "-").split())


def session_id(start: datetime) -> str:
    """Make the session id of a recording: its local start, ``20260302T140507``."""
    return f"{start:%Y%m%dT%H%M%S}"


def default_path(session: SessionInfo, *, has_behaviour: bool) -> Path:
    """Give the relative path at which DANDI expects the file.

    Parameters
    ----------
    session
        Subject and session id; a subject that nobody named is ``unknown``.
    has_behaviour
        Whether a behaviour camera or head orientation is in the file.

    Returns
    -------
    Path
        ``sub-<subject>/sub-<subject>_ses-<session>_<ophys|behavior+ophys>.nwb``
    """
    subject = label(session.subject.subject_id)
    modalities = "behavior+ophys" if has_behaviour else "ophys"
    name = f"sub-{subject}_ses-{label(session.session_id)}_{modalities}.nwb"
    return Path(f"sub-{subject}") / name


def path_of_plan(plan: ConversionPlan) -> Path:
    """Give the relative path at which DANDI expects the file of a plan."""
    has_behaviour = any(
        segment.recording.cameras or segment.recording.samples for segment in plan.segments
    )
    return default_path(plan.session, has_behaviour=has_behaviour)


def remarks_on_name(plan: ConversionPlan, output: Path) -> tuple[Problem, ...]:
    """Say that a file of another name than DANDI's cannot be shared as it is, if it names videos.

    Videos lie in a folder of the file's name, and the file holds that name.
    """
    planned = path_of_plan(plan)
    has_videos = any(segment.recording.cameras for segment in plan.segments)
    if not has_videos or plan.options.embed_video or output.stem == planned.stem:
        return ()
    message = (
        f"{output.name} names behaviour videos, so it cannot get DANDI's name ({planned.name}) "
        "later: to share it, convert again with -o naming a folder, or process it and let "
        "`miniscope-nwb split` make two files of the right names"
    )
    return (Problem("note", "name_not_for_dandi", message),)


def nwb_name(text: str) -> str:
    """Make a device's name fit for the name of an NWB object: ``BehavCam 2`` -> ``BehavCam_2``.

    Letters, digits, ``_`` and ``-`` stay; others become ``_``, as the acquisition software makes
    folder names.
    """
    made = _NOT_IN_OBJECT_NAME.sub("_", _ascii(text.strip()))
    return made if re.search("[A-Za-z0-9]", made) else "device"


def nwb_names(texts: Iterable[str]) -> dict[str, str]:
    """Give every device a name of its own; the second of two equal ones ends in ``_2``.

    Parameters
    ----------
    texts
        Names as recorded, all different.
    """
    made: dict[str, str] = {}
    taken: set[str] = set()
    for text in texts:
        plain = name = nwb_name(text)
        number = 2
        while name.casefold() in taken:
            name, number = f"{plain}_{number}", number + 1
        taken.add(name.casefold())
        made[text] = name
    return made


def _ascii(text: str) -> str:
    """Spell letters and digits in ASCII; leave every other character for the caller to replace."""
    spelled = []
    for character in unicodedata.normalize("NFKD", text.translate(_SPELLINGS)):
        if character.isascii() or not character.isalnum():
            if not unicodedata.combining(character):
                spelled.append(character)
        else:
            spelled.append(f"u{ord(character):04x}")
    return "".join(spelled)
