"""What the archive says of itself, of users and of dandisets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from miniscope_nwb.testing.archive.assets import CONTEXT, errors_of, status_of
from miniscope_nwb.testing.archive.call import NO_KEY, NO_RIGHT, NOT_FOUND, Answer, Call, Refused
from miniscope_nwb.testing.archive.state import SCHEMA_VERSION, Dandiset, now

LICENSES = ["spdx:CC-BY-4.0", "spdx:CC0-1.0"]
_ALLOWED = ["0.4.4", "0.5.1", "0.5.2", *(f"0.6.{minor}" for minor in range(11)), SCHEMA_VERSION]
_NAME = "DEV-DANDI"
# What the archive writes itself, whatever a client sends.
_OF_THE_SERVER = ("id", "url", "identifier", "version", "citation", "assetsSummary", "access",
                  "manifestLocation", "dateCreated", "repository", "schemaKey")  # fmt: skip


def server_info(call: Call) -> Answer:
    """Say who the archive is, and which clients and schemas it takes."""
    host = call.api_url.removesuffix("/api")
    return Answer(
        {
            "instance_config": {
                "instance_name": _NAME,
                "instance_identifier": "RRID:ABC_123456",
                "instance_url": f"{host}/",
                "doi_prefix": "10.80507",
                "licenses": LICENSES,
            },
            "schema_version": SCHEMA_VERSION,
            "schema_url": f"{host}/api/schemas/?model=Dandiset",
            "allowed_schema_versions": _ALLOWED,
            "version": "0.0.0",
            "services": {
                "api": {"url": call.api_url},
                "webui": {"url": host},
                "jupyterhub": {"url": f"{host}/"},
            },
            "cli-minimal-version": call.state.cli_minimal_version,
            "cli-requires-python": ">=3.10",
            "cli-bad-versions": call.state.cli_bad_versions,
        }
    )


def token(call: Call) -> Answer:
    """Return the key that was sent."""
    call.needs_user()
    return Answer(call.request.headers["Authorization"].split()[-1])


def me(call: Call) -> Answer:
    """Say who asks."""
    if call.user is None:
        raise Refused(401, NO_KEY)
    user = call.user
    return Answer(
        {"username": user.username, "name": user.name, "admin": False, "status": user.status}
    )


def list_dandisets(call: Call) -> Answer:
    """List the dandisets that can be seen, with ``user=me`` the own ones."""
    is_own = call.query.get("user") == "me"
    if is_own:
        call.needs_user()
    shown = [
        dandiset
        for dandiset in call.state.dandisets.values()
        if call.owns(dandiset) or not (is_own or dandiset.is_embargoed)
    ]
    return call.page([_summary(call, dandiset) for dandiset in shown])


def create(call: Call) -> Answer:
    """Make a dandiset."""
    user, sent = call.needs_user(), call.json
    is_embargoed = call.query.get("embargo", "").lower() == "true"
    made = call.state.add_dandiset(
        user, str(sent.get("name", "")), sent.get("metadata", {}), is_embargoed=is_embargoed
    )
    return Answer(_summary(call, made))


def show(call: Call, identifier: str) -> Answer:
    """Return a dandiset."""
    return Answer(_summary(call, call.dandiset(identifier)))


def owners(call: Call, identifier: str) -> Answer:
    """List the owners."""
    names = {user.username: user.name for user in call.state.users.values()}
    return Answer(
        [
            {"username": owner, "name": names[owner], "email": owner}
            for owner in call.dandiset(identifier).owners
        ]
    )


def versions(call: Call, identifier: str) -> Answer:
    """List the draft and what was published."""
    dandiset = call.dandiset(identifier)
    return call.page([{**_draft(call, dandiset), "dandiset": _short(call, dandiset)}])


def version(call: Call, identifier: str, version: str) -> Answer:
    """Return the metadata of a version."""
    dandiset = call.dandiset(identifier)
    if version == "draft":
        return Answer(_metadata(call, dandiset))
    if version not in dandiset.published:
        raise Refused(404, NOT_FOUND)
    return Answer(dandiset.published[version])


def draft_info(call: Call, identifier: str) -> Answer:
    """Return the draft with what its validation found."""
    return Answer(_info(call, call.dandiset(identifier)))


def change(call: Call, identifier: str) -> Answer:
    """Put the metadata of the draft, whole."""
    call.needs_user()
    dandiset, sent = call.dandiset(identifier), call.json
    if not call.owns(dandiset):
        raise Refused(403, html="")
    kept = {key: value for key, value in sent["metadata"].items() if key not in _OF_THE_SERVER}
    fixed = {key: value for key, value in dandiset.metadata.items() if key in _OF_THE_SERVER}
    dandiset.metadata = {**kept, **fixed, "name": sent["name"]}
    dandiset.modified = now()
    return Answer(_info(call, dandiset))


def publish(call: Call, identifier: str) -> Answer:
    """Make a version of the draft."""
    call.needs_user()
    dandiset = call.dandiset(identifier)
    if not call.owns(dandiset):
        raise Refused(403, NO_RIGHT)
    if any(status_of(call, asset) != "Valid" for asset in dandiset.assets.values()):
        raise Refused(400, "Dandiset metadata or asset metadata is not valid")
    if any(made["dateModified"] == dandiset.modified for made in dandiset.published.values()):
        raise Refused(
            400, "There have been no changes to the draft version since the last publish."
        )
    number = datetime.now(UTC).strftime("0.%y%m%d.%H%M")
    metadata = {**_metadata(call, dandiset), "version": number}
    metadata["id"] = f"{_NAME}:{identifier}/{number}"
    metadata["doi"] = f"10.80507/dev-dandi.{identifier}/{number}"
    dandiset.published[number] = {**metadata, "dateModified": dandiset.modified}
    return Answer(status=202)


def _short(call: Call, dandiset: Dandiset) -> dict[str, Any]:
    return {
        "identifier": dandiset.identifier,
        "created": dandiset.created,
        "modified": dandiset.modified,
        "contact_person": dandiset.metadata["contributor"][0]["name"],
        "embargo_status": "EMBARGOED" if dandiset.is_embargoed else "OPEN",
        "star_count": 0,
        "is_starred": False,
    }


def _summary(call: Call, dandiset: Dandiset) -> dict[str, Any]:
    return {
        **_short(call, dandiset),
        "most_recent_published_version": None,
        "draft_version": _draft(call, dandiset),
    }


def _draft(call: Call, dandiset: Dandiset) -> dict[str, Any]:
    blobs = [call.state.blobs[asset.blob_id] for asset in dandiset.assets.values()]
    uploads = [up for up in call.state.uploads.values() if up.dandiset == dandiset.identifier]
    states = {status_of(call, asset) for asset in dandiset.assets.values()}
    return {
        "version": "draft",
        "name": dandiset.metadata["name"],
        "asset_count": len(blobs),
        "active_uploads": len(uploads),
        "size": sum(blob.size for blob in blobs),
        "status": next((state for state in ("Pending", "Invalid") if state in states), "Valid"),
        "created": dandiset.created,
        "modified": dandiset.modified,
        "release_notes": "",
    }


def _info(call: Call, dandiset: Dandiset) -> dict[str, Any]:
    found = [
        {"path": asset.path, **error}
        for asset in dandiset.assets.values()
        for error in errors_of(call, asset)
    ]
    return {
        **_draft(call, dandiset),
        "dandiset": _short(call, dandiset),
        "asset_validation_errors": found,
        "version_validation_errors": [],
        "metadata": _metadata(call, dandiset),
        "contact_person": dandiset.metadata["contributor"][0]["name"],
    }


def _metadata(call: Call, dandiset: Dandiset) -> dict[str, Any]:
    host = call.api_url.removesuffix("/api")
    place = f"{host}/dandiset/{dandiset.identifier}/draft"
    people = "; ".join(
        person["name"]
        for person in dandiset.metadata["contributor"]
        if person.get("includeInCitation")
    )
    return {
        **dandiset.metadata,
        "id": f"{_NAME}:{dandiset.identifier}/draft",
        "identifier": f"{_NAME}:{dandiset.identifier}",
        "url": place,
        "version": "draft",
        "@context": CONTEXT,
        "citation": f"{people} ({dandiset.created[:4]}) {dandiset.metadata['name']} (Version "
        f"draft) [Data set]. DANDI Archive. {place}",
        "repository": host,
        "dateCreated": dandiset.created.replace("Z", "+00:00"),
        "assetsSummary": {
            "schemaKey": "AssetsSummary",
            "numberOfBytes": _draft(call, dandiset)["size"],
            "numberOfFiles": len(dandiset.assets),
        },
        "manifestLocation": [
            f"{call.api_url}/dandisets/{dandiset.identifier}/versions/draft/assets/"
        ],
    }
