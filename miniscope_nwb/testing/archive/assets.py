"""The paths of a draft: listed, added, replaced, removed, downloaded."""

from __future__ import annotations

import fnmatch
import time
import uuid
from typing import Any

from miniscope_nwb.testing.archive.call import NO_RIGHT, NOT_FOUND, Answer, Call, Refused
from miniscope_nwb.testing.archive.state import SCHEMA_VERSION, Asset, Dandiset, access, now
from miniscope_nwb.testing.archive.uploads import sha256_of

CONTEXT = (
    f"https://raw.githubusercontent.com/dandi/schema/master/releases/{SCHEMA_VERSION}/context.json"
)


def list_assets(call: Call, identifier: str) -> Answer:
    """List the assets whose path begins with `path` (in any case), or fits `glob`."""
    dandiset = call.dandiset(identifier)
    prefix, glob = call.query.get("path", "").lower(), call.query.get("glob", "")
    with_metadata = call.query.get("metadata", "").lower() == "true"
    rows = [
        _row(call, dandiset, asset, with_metadata=with_metadata)
        for asset in sorted(dandiset.assets.values(), key=lambda asset: asset.created)
        if asset.path.lower().startswith(prefix)
        and (not glob or fnmatch.fnmatch(asset.path.lower(), glob.lower()))
    ]
    return call.page(rows)


def list_paths(call: Call, identifier: str) -> Answer:
    """List what lies directly below a folder."""
    dandiset = call.dandiset(identifier)
    prefix = call.query.get("path_prefix", "").strip("/")
    above = f"{prefix}/" if prefix else ""
    groups: dict[str, list[Asset]] = {}
    for asset in sorted(dandiset.assets.values(), key=lambda asset: asset.path):
        if asset.path.startswith(above):
            groups.setdefault(above + asset.path[len(above) :].split("/")[0], []).append(asset)
    return call.page([_path_row(call, path, below) for path, below in groups.items()])


def _path_row(call: Call, path: str, below: list[Asset]) -> dict[str, Any]:
    own = next((asset for asset in below if asset.path == path), None)
    return {
        "path": path,
        "version": 1,
        "aggregate_files": len(below),
        "aggregate_size": sum(call.state.blobs[asset.blob_id].size for asset in below),
        "asset": own and {"asset_id": own.asset_id, "url": call.storage.blob_url(own.blob_id)},
    }


def add(call: Call, identifier: str) -> Answer:
    """Give a blob a path."""
    dandiset = _own_draft(call, identifier)
    metadata, blob_id = call.json.get("metadata", {}), str(call.json.get("blob_id"))
    path = _checked_path(str(metadata.get("path", "")))
    if path in dandiset.assets:
        raise Refused(409, "An asset with that path already exists")
    in_the_way = [known for known in dandiset.assets if _collide(known, path)]
    if in_the_way:
        raise Refused(
            409, f'Path of new asset "{path}" conflicts with existing assets: {in_the_way}'
        )
    return _store(call, dandiset, path, blob_id, metadata)


def replace(call: Call, identifier: str, asset_id: str) -> Answer:
    """Give a path another blob or other metadata: a new asset."""
    dandiset = _own_draft(call, identifier)
    old = _in_draft(dandiset, asset_id)
    metadata, blob_id = call.json.get("metadata", {}), str(call.json.get("blob_id"))
    path = _checked_path(str(metadata.get("path", "")))
    if path != old.path and path in dandiset.assets:
        raise Refused(409, "An asset with that path already exists")
    del dandiset.assets[old.path]
    return _store(call, dandiset, path, blob_id, metadata)


def remove(call: Call, identifier: str, version: str, asset_id: str) -> Answer:
    """Take a path out of the draft."""
    if version != "draft":
        raise Refused(405, "Only draft versions can be modified.")
    dandiset = _own_draft(call, identifier)
    del dandiset.assets[_in_draft(dandiset, asset_id).path]
    return Answer(status=204)


def show(call: Call, identifier: str, asset_id: str) -> Answer:
    """Return the metadata of a draft's asset."""
    dandiset = call.dandiset(identifier)
    return Answer(_metadata(call, dandiset, _in_draft(dandiset, asset_id)))


def show_any(call: Call, asset_id: str) -> Answer:
    """Return the metadata of an asset, wherever it is."""
    return Answer(_metadata(call, *call.asset(asset_id)))


def info(call: Call, asset_id: str, identifier: str = "") -> Answer:
    """Return an asset with its metadata."""
    dandiset, asset = call.asset(asset_id)
    return Answer(_row(call, dandiset, asset, with_metadata=True))


def validation(call: Call, identifier: str, asset_id: str) -> Answer:
    """Return what the archive's own validation says, when it has come to it."""
    asset = _in_draft(call.dandiset(identifier), asset_id)
    return Answer({"status": status_of(call, asset), "validation_errors": errors_of(call, asset)})


def status_of(call: Call, asset: Asset) -> str:
    """Return ``Pending``, ``Valid`` or ``Invalid``."""
    after = call.state.validation_after_s
    if after is None or time.monotonic() < asset.made + after:
        return "Pending"
    return "Invalid" if asset.path in call.state.validation_errors else "Valid"


def errors_of(call: Call, asset: Asset) -> list[dict[str, str]]:
    """Return what the validation found; nothing while it is pending."""
    if status_of(call, asset) != "Invalid":
        return []
    return call.state.validation_errors[asset.path]


def download(call: Call, asset_id: str) -> Answer:
    """Lead to the bytes, by a signed address."""
    _, asset = call.asset(asset_id)
    place = call.storage.download_url(asset.blob_id, asset.path.split("/")[-1])
    return Answer(status=302, headers=(("Location", place),), html="")


def _own_draft(call: Call, identifier: str) -> Dandiset:
    call.needs_user()
    dandiset = call.dandiset(identifier)
    if not call.owns(dandiset):
        raise Refused(403, NO_RIGHT)
    return dandiset


def _in_draft(dandiset: Dandiset, asset_id: str) -> Asset:
    for asset in dandiset.assets.values():
        if asset.asset_id == asset_id:
            return asset
    raise Refused(404, NOT_FOUND)


def _checked_path(path: str) -> str:
    if not path or path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/")):
        raise Refused(400, {"non_field_errors": ["Path improperly formatted"]})
    return path


def _collide(known: str, path: str) -> bool:
    """Say whether one path would be a folder of the other."""
    return known.startswith(f"{path}/") or path.startswith(f"{known}/")


def _store(
    call: Call, dandiset: Dandiset, path: str, blob_id: str, metadata: dict[str, Any]
) -> Answer:
    if blob_id not in call.state.blobs:
        raise Refused(404, NOT_FOUND)
    if not dandiset.is_embargoed:  # what is in an open dandiset is open
        call.state.blobs[blob_id].is_embargoed = False
    asset = Asset(str(uuid.uuid4()), path, blob_id, metadata)
    dandiset.assets[path] = asset
    dandiset.modified = now()
    return Answer(_row(call, dandiset, asset, with_metadata=True))


def _row(call: Call, dandiset: Dandiset, asset: Asset, *, with_metadata: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "asset_id": asset.asset_id,
        "blob": asset.blob_id,
        "zarr": None,
        "path": asset.path,
        "size": call.state.blobs[asset.blob_id].size,
        "created": asset.created,
        "modified": asset.modified,
    }
    if with_metadata:
        row["metadata"] = _metadata(call, dandiset, asset)
    return row


def _metadata(call: Call, dandiset: Dandiset, asset: Asset) -> dict[str, Any]:
    """Return what the client sent, with what the archive knows better."""
    blob = call.state.blobs[asset.blob_id]
    digests = {"dandi:dandi-etag": blob.etag}
    if (sha256 := sha256_of(call, blob)) is not None:
        digests["dandi:sha2-256"] = sha256
    return {
        **asset.metadata,
        "id": f"dandiasset:{asset.asset_id}",
        "identifier": asset.asset_id,
        "path": asset.path,
        "access": access(dandiset),
        "contentUrl": [
            f"{call.api_url}/assets/{asset.asset_id}/download/",
            call.storage.blob_url(asset.blob_id),
        ],
        "contentSize": blob.size,
        "digest": digests,
        "@context": CONTEXT,
    }
