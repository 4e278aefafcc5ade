"""What is left to do on the web page, from what the archive says of the whole draft."""

from __future__ import annotations

from miniscope_nwb.share.access import Dandiset
from miniscope_nwb.share.archive import Archive

_MAX_LISTED = 5


def left_to_do(archive: Archive, dandiset: Dandiset, *, has_all: bool) -> tuple[str, ...]:
    """Say, a line a thing, what keeps the draft from being published.

    A draft's status may be Valid while its files are Pending, so both lists of errors are read.
    Publishing itself is for people: it cannot be undone.

    Parameters
    ----------
    has_all
        Whether all that was to be sent is there: nobody should publish before.
    """
    reply = archive.ask(
        "GET",
        f"dandisets/{dandiset.identifier}/versions/draft/info/",
        needs=("status",),
        doing=f"asking for the state of dandiset {dandiset.identifier}",
    )
    said = reply.json()
    lines = [
        f"{error.get('path', '')} {error.get('field', '')}: {error.get('message', '')}".strip(" :")
        for error in said.get("asset_validation_errors") or ()
    ]
    lines += [
        f"the dandiset's {error.get('field', '') or 'metadata'}: {error.get('message', '')} "
        f"(share dandiset {dandiset.identifier})"
        for error in said.get("version_validation_errors") or ()
    ]
    if len(lines) > _MAX_LISTED:
        lines = [*lines[:_MAX_LISTED], f"... and {len(lines) - _MAX_LISTED} more of the kind"]
    if not has_all:
        lines.insert(0, "not all files are in the dandiset as they are here: see above")
    status = str(said.get("status", ""))
    page = f"{archive.instance.web}/dandiset/{dandiset.identifier}/draft"
    if dandiset.is_private:
        lines.append(
            f"the dandiset is embargoed: only its owners see it, until you open it: {page}"
        )
    if not lines and status == "Valid":
        lines.append(f"nothing stands against publishing, which cannot be undone: {page}")
    elif status != "Valid":
        lines.append(f"the archive says of the draft: {status or 'nothing'}; look again at {page}")
    return tuple(lines)
