"""The dandiset's own metadata: what they lack, and a change that is shown before it is made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from miniscope_nwb.errors import AccessError, ShareError
from miniscope_nwb.share.archive import Archive
from miniscope_nwb.share.dandiset_file import AUTHOR, CONTACT, FUNDER, Metadata

# Written by the archive itself, whatever is sent; shown as no change.
_OF_THE_ARCHIVE = {"assetsSummary", "citation", "manifestLocation"}


@dataclass(frozen=True, slots=True)
class Draft:
    """The metadata of a draft, and when it was last changed by anybody."""

    identifier: str
    modified: str
    metadata: Metadata
    faults: tuple[str, ...]  # what the archive itself objects to


@dataclass(frozen=True, slots=True)
class Lack:
    """A field that is empty or wrong; without a needed one nobody can publish."""

    field: str
    is_needed: bool
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field of the metadata before and after; None where it is not there."""

    field: str
    before: Any
    after: Any


def read_draft(archive: Archive, identifier: str) -> Draft:
    """Read the metadata of a dandiset's draft."""
    reply = archive.ask(
        "GET",
        f"dandisets/{identifier}/versions/draft/info/",
        needs=("metadata",),
        doing=f"reading the metadata of dandiset {identifier}",
    )
    said = reply.json()
    if not isinstance(said.get("metadata"), dict):
        raise AccessError(
            f"{archive.instance.name} does not tell the metadata of dandiset {identifier}."
        )
    faults = (
        f"{item.get('field', '')}: {item.get('message', '')}".strip(": ")
        for item in said.get("version_validation_errors") or ()
    )
    return Draft(identifier, str(said.get("modified", "")), said["metadata"], tuple(faults))


def lacks(metadata: Metadata, *, licenses: Sequence[str]) -> tuple[Lack, ...]:
    """List what is missing before the dandiset can, or should, be published.

    Parameters
    ----------
    licenses
        Those that the archive takes.
    """
    people = metadata.get("contributor") or []
    contacts = [person for person in people if CONTACT in (person.get("roleName") or ())]
    taken = set(metadata.get("license") or ())
    checks = (
        (bool(metadata.get("name")), "name", True, "has no name"),
        (bool(metadata.get("description")), "description", True, "has no description"),
        (
            bool(taken) and (not licenses or taken <= set(licenses)),
            "license",
            True,
            f"needs a licence, one of {', '.join(licenses) or 'the archive'}",
        ),
        (
            len(contacts) == 1 and bool(contacts[0].get("email")),
            "contact",
            True,
            "needs one contact person with an e-mail address, which becomes public",
        ),
        (_has_role(people, AUTHOR), "authors", False, "names no author: nobody could be cited"),
        (bool(metadata.get("keywords")), "keywords", False, "has no keywords"),
        (
            bool(metadata.get("ethicsApproval")),
            "ethics",
            False,
            "does not say which board approved the experiments",
        ),
        (_has_role(people, FUNDER), "funders", False, "names no funder"),
        (
            bool(metadata.get("relatedResource")),
            "related",
            False,
            "names no paper or code that belongs to it",
        ),
    )
    return tuple(
        Lack(name, needed, what) for is_there, name, needed, what in checks if not is_there
    )


def _has_role(people: Sequence[Mapping[str, Any]], role: str) -> bool:
    return any(role in (person.get("roleName") or ()) for person in people)


def changes(before: Metadata, after: Metadata) -> tuple[Change, ...]:
    """Compare metadata field by field."""
    fields = [name for name in {**before, **after} if name not in _OF_THE_ARCHIVE]
    return tuple(
        Change(name, before.get(name), after.get(name))
        for name in fields
        if before.get(name) != after.get(name)
    )


def change_lines(change: Change) -> list[str]:
    """Show one change: what goes with ``-``, what comes with ``+``."""
    before, after = (_items(value) for value in (change.before, change.after))
    gone = [f"  - {change.field}: {item}" for item in before if item not in after]
    come = [f"  + {change.field}: {item}" for item in after if item not in before]
    return [*gone, *come] or [f"  ~ {change.field}: in another order"]


def _items(value: Any) -> list[str]:
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    return [
        item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in values
    ]


def apply(archive: Archive, draft: Draft, metadata: Metadata) -> Draft:
    """Put changed metadata into the archive, whole, unless somebody else changed them meanwhile.

    Returns
    -------
    Draft
        As it is read back.

    Raises
    ------
    ShareError
        If they changed meanwhile, or the archive kept something else.
    """
    now = read_draft(archive, draft.identifier)
    if (now.modified, now.metadata) != (draft.modified, draft.metadata):
        raise ShareError(
            f"Dandiset {draft.identifier} was changed by somebody else just now (at "
            f"{now.modified}): nothing was written. Run the same command again to see the "
            "difference anew."
        )
    archive.ask(
        "PUT",
        f"dandisets/{draft.identifier}/versions/draft/",
        values={"name": metadata.get("name", ""), "metadata": metadata},
        doing=f"changing the metadata of dandiset {draft.identifier}",
    )
    kept = read_draft(archive, draft.identifier)
    wished = {change.field: change.after for change in changes(draft.metadata, metadata)}
    lost = [name for name, value in wished.items() if kept.metadata.get(name) != value]
    if lost:
        raise ShareError(
            f"{archive.instance.name} took the metadata of dandiset {draft.identifier} but keeps "
            f"other values of {', '.join(lost)}: look at them on its web page."
        )
    return kept
