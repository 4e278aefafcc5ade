"""What the stand-in holds: users, dandisets, blobs, uploads and assets."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SCHEMA_VERSION = "0.7.0"
_MULTIPART_BYTES = 64 * 2**20


def now() -> str:
    """Return the time as the archive writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a key."""

    username: str
    name: str
    status: str = "APPROVED"


@dataclass(slots=True)
class Blob:
    """Bytes in the storage."""

    blob_id: str
    etag: str
    size: int
    is_embargoed: bool
    stored: float = field(default_factory=time.monotonic)
    sha256: str | None = None


@dataclass(slots=True)
class Upload:
    """Parts on their way into the storage."""

    upload_id: str
    storage_id: str
    etag: str
    size: int
    dandiset: str
    created: str = field(default_factory=now)


@dataclass(slots=True)
class Asset:
    """A path of a draft."""

    asset_id: str
    path: str
    blob_id: str
    metadata: dict[str, Any]
    created: str = field(default_factory=now)
    modified: str = field(default_factory=now)
    made: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Dandiset:
    """A dandiset with its draft."""

    identifier: str
    owners: list[str]
    is_embargoed: bool
    metadata: dict[str, Any]
    assets: dict[str, Asset] = field(default_factory=dict)
    published: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: str = field(default_factory=now)
    modified: str = field(default_factory=now)


@dataclass(slots=True)
class State:
    """All of it; the servers may stop and start again around it.

    `sha256_after_s` and `validation_after_s` say how long the archive takes for its own checksum
    and its validation; None: for ever.
    """

    part_bytes: int = _MULTIPART_BYTES
    sha256_after_s: float | None = 0.0
    validation_after_s: float | None = 0.0
    validation_errors: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # by path
    cli_minimal_version: str = "0.74.0"
    cli_bad_versions: list[str] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)  # by key
    dandisets: dict[str, Dandiset] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add_user(self, username: str, name: str, *, status: str = "APPROVED") -> str:
        """Return the key of a new user."""
        key = uuid.uuid4().hex + uuid.uuid4().hex[:8]
        self.users[key] = User(username, name, status)
        return key

    def add_dandiset(
        self, user: User, name: str, metadata: dict[str, Any], *, is_embargoed: bool = False
    ) -> Dandiset:
        """Make an empty dandiset that belongs to `user`."""
        identifier = f"{len(self.dandisets) + 1:06d}"
        dandiset = Dandiset(identifier, [user.username], is_embargoed, {})
        dandiset.metadata = {
            "schemaKey": "Dandiset",
            "schemaVersion": SCHEMA_VERSION,
            "description": "",
            "license": [],
            "contributor": [
                {
                    "schemaKey": "Person",
                    "name": user.name,
                    "email": user.username,
                    "roleName": ["dcite:ContactPerson"],
                    "affiliation": [],
                    "includeInCitation": True,
                }
            ],
            "access": access(dandiset),
            **metadata,
            "name": name,
        }
        self.dandisets[identifier] = dandiset
        return dandiset

    def blob_with(self, etag: str) -> Blob | None:
        """Return the blob of a checksum."""
        return next((blob for blob in self.blobs.values() if blob.etag == etag), None)

    def is_blob_embargoed(self, blob_id: str) -> bool:
        """Say whether a blob is for the owners of its dandiset alone."""
        blob = self.blobs.get(blob_id)
        return blob is not None and blob.is_embargoed

    def dandiset_of(self, asset_id: str) -> tuple[Dandiset, Asset] | None:
        """Return an asset and the dandiset in whose draft it is."""
        for dandiset in self.dandisets.values():
            for asset in dandiset.assets.values():
                if asset.asset_id == asset_id:
                    return dandiset, asset
        return None


def access(dandiset: Dandiset) -> list[dict[str, str]]:
    """Return who may read a dandiset, as the schema says it."""
    if not dandiset.is_embargoed:
        return [{"schemaKey": "AccessRequirements", "status": "dandi:OpenAccess"}]
    return [
        {
            "schemaKey": "AccessRequirements",
            "status": "dandi:EmbargoedAccess",
            "embargoedUntil": f"{int(dandiset.created[:4]) + 2}-01-01",
        }
    ]
