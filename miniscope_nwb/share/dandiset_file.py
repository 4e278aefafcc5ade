"""What a person writes about a dandiset in a YAML file, as the archive's metadata want it.

::

    name: Place cells under a head-mounted microscope
    description: One paragraph.
    license: CC-BY-4.0
    keywords: [miniscope, calcium imaging]
    contact: {name: "Doe, Jane", email: jane@example.org}     # becomes public
    authors: ["Doe, Jane", {name: "Cajal, Santiago", orcid: 0000-0001-2345-6789}]
    authors_from: [sub-m06/sub-m06_ses-..._ophys.nwb]         # their experimenters
    funders: [{name: A funder, award: X1}]
    ethics: [{protocol: "Animal protocol 12", contact_email: board@example.org}]
    related: [{url: "https://doi.org/10.1000/x", relation: IsDescribedBy, name: The paper}]
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from miniscope_nwb.errors import ShareError
from miniscope_nwb.nwb.read import open_nwb

CONTACT, AUTHOR, FUNDER = "dcite:ContactPerson", "dcite:Author", "dcite:Funder"
Metadata = dict[str, Any]
# How the fields that are more than a text are written.
_FORMS = {
    "contact": 'contact: {name: "Doe, Jane", email: jane@example.org}',
    "authors": 'authors: [{name: "Doe, Jane", orcid: 0000-0001-2345-6789}]',
    "funders": "funders: [{name: A funder, award: X1}]",
    "ethics": 'ethics: [{protocol: "Animal protocol 12", contact_email: board@example.org}]',
    "related": 'related: [{url: "https://doi.org/10.1000/x", relation: IsDescribedBy}]',
}


def read_wishes(path: Path) -> Metadata:
    """Read the file of a person; fields that are left empty are no wishes.

    Raises
    ------
    ShareError
        If it is no YAML, or has a field that is not known.
    """
    import yaml

    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ShareError(f"{path} cannot be read ({error}); check --set.") from error
    except yaml.YAMLError as error:
        raise ShareError(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(said, dict) or not said:
        raise ShareError(f"{path} must hold fields, like `name: My dandiset`.")
    unknown = sorted(str(name) for name in said if name not in _FIELDS)
    if unknown:
        raise ShareError(
            f"{path} has fields that are not known: {', '.join(unknown)}. Known are "
            f"{', '.join(_FIELDS)}."
        )
    said = {name: value for name, value in said.items() if value is not None}
    if not said:
        raise ShareError(f"All fields of {path} are empty: fill in what is to be changed.")
    if "authors_from" in said:
        files = [path.parent / str(name) for name in _list(said.pop("authors_from"))]
        said["authors"] = [*_list(said.get("authors")), *experimenters(files)]
    return said


def experimenters(files: list[Path]) -> list[str]:
    """Return the experimenters of NWB files, each once, in their order."""
    found: dict[str, None] = {}
    for path in files:
        with open_nwb(path) as file:
            node = file.get("general/experimenter")
            values = [] if node is None else node.asstr()[()]
            names = [values] if isinstance(values, str) else list(values)
            found.update(dict.fromkeys(str(name) for name in names))
    return list(found)


def changed_metadata(metadata: Metadata, wishes: Mapping[str, Any]) -> Metadata:
    """Return a dandiset's metadata with a person's wishes put in; the others stay.

    Raises
    ------
    ShareError
        If a value is not what the archive's schema takes.
    """
    changed = copy.deepcopy(metadata)
    for name, value in wishes.items():
        try:
            _FIELDS[name](changed, value)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"({error.args[0]})" if isinstance(error, KeyError) else ""
            form = _FORMS.get(name)
            raise ShareError(
                f"{name}: {value!r} is not as it should be {what}".rstrip()
                + (f"; write it like `{form}`." if form else ".")
            ) from error
    return changed


def _set_text(field: str) -> Callable[[Metadata, Any], None]:
    def put(metadata: Metadata, value: Any) -> None:
        metadata[field] = str(value)

    return put


def _set_license(metadata: Metadata, value: Any) -> None:
    names = [str(item) for item in _list(value)]
    metadata["license"] = [name if ":" in name else f"spdx:{name}" for name in names]


def _set_keywords(metadata: Metadata, value: Any) -> None:
    metadata["keywords"] = [str(item) for item in _list(value)]


def _set_contact(metadata: Metadata, value: Any) -> None:
    """Make one person the contact; who was it before keeps the other roles."""
    name = value if isinstance(value, str) else value["name"]
    for person in metadata.get("contributor", []):
        if person.get("name") == name:
            continue
        person["roleName"] = [role for role in person.get("roleName", []) if role != CONTACT]
    _add_person(metadata, value, CONTACT)


def _add_authors(metadata: Metadata, value: Any) -> None:
    for author in _list(value):
        _add_person(metadata, author, AUTHOR)


def _add_person(metadata: Metadata, value: Any, role: str) -> None:
    said = {"name": value} if isinstance(value, str) else dict(value)
    extra = set(said) - {"name", "email", "orcid", "affiliation"}
    if extra:
        raise KeyError(f"unknown: {', '.join(sorted(extra))}")
    people = metadata.setdefault("contributor", [])
    person = next((item for item in people if item.get("name") == said["name"]), None)
    if person is None:
        person = {"schemaKey": "Person", "name": said["name"], "roleName": [], "affiliation": []}
        people.append(person)
    if role not in person["roleName"]:
        person["roleName"] = [*person["roleName"], role]
    person["includeInCitation"] = role == AUTHOR or person.get("includeInCitation", True)
    if "email" in said:
        person["email"] = str(said["email"])
    if "orcid" in said:
        person["identifier"] = str(said["orcid"])
    if "affiliation" in said:
        person["affiliation"] = [
            {"schemaKey": "Affiliation", "name": str(name)} for name in _list(said["affiliation"])
        ]
    _fits("Person", person)


def _add_funders(metadata: Metadata, value: Any) -> None:
    people = metadata.setdefault("contributor", [])
    for funder in _list(value):
        said = {"name": funder} if isinstance(funder, str) else dict(funder)
        entry = {
            "schemaKey": "Organization",
            "name": str(said["name"]),
            "roleName": [FUNDER],
            "includeInCitation": False,
            **({"awardNumber": str(said["award"])} if "award" in said else {}),
        }
        _fits("Organization", entry)
        if entry not in people:
            people.append(entry)


def _set_ethics(metadata: Metadata, value: Any) -> None:
    entries = []
    for item in _list(value):
        contact = {
            key: str(item[f"contact_{key}"]) for key in ("email", "url") if f"contact_{key}" in item
        }
        entry = {"schemaKey": "EthicsApproval", "identifier": str(item["protocol"])}
        if contact:
            entry["contactPoint"] = {"schemaKey": "ContactPoint", **contact}  # type: ignore[assignment]
        _fits("EthicsApproval", entry)
        entries.append(entry)
    metadata["ethicsApproval"] = entries


def _set_related(metadata: Metadata, value: Any) -> None:
    entries = []
    for item in _list(value):
        entry = {
            "schemaKey": "Resource",
            "url": str(item["url"]),
            "relation": f"dcite:{str(item['relation']).removeprefix('dcite:')}",
            **({"name": str(item["name"])} if "name" in item else {}),
        }
        _fits("Resource", entry)
        entries.append(entry)
    metadata["relatedResource"] = entries


def _fits(model: str, entry: Mapping[str, Any]) -> None:
    """Hold one entry to the archive's schema."""
    from dandischema import models
    from pydantic import ValidationError

    try:
        getattr(models, model)(**entry)
    except ValidationError as error:
        words = "; ".join(
            f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}".removeprefix(": ")
            for fault in error.errors()
        )
        is_of_name = any("name" in fault["loc"] for fault in error.errors())
        hint = ' A person is written "Last, First".' if model == "Person" and is_of_name else ""
        if model == "Resource":
            hint = f" Write it like `{_FORMS['related']}`."
        raise ShareError(
            f"{entry.get('name') or entry.get('url') or entry.get('identifier')} does not fit the "
            f"archive's schema ({words}).{hint}"
        ) from error


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


_FIELDS: dict[str, Callable[[Metadata, Any], None]] = {
    "name": _set_text("name"),
    "description": _set_text("description"),
    "license": _set_license,
    "keywords": _set_keywords,
    "contact": _set_contact,
    "authors": _add_authors,
    "authors_from": _add_authors,
    "funders": _add_funders,
    "ethics": _set_ethics,
    "related": _set_related,
}
