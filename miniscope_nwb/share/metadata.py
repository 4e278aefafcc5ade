"""The archive's metadata of a file, made by dandi from the file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniscope_nwb.check.validators import quiet_and_offline
from miniscope_nwb.errors import ShareError

# An etag like any other: the metadata are checked before the file's own is known.
_ANY_ETAG = 32 * "0" + "-1"


def describe(path: Path, asset_path: str, *, etag: str, schema_version: str = "") -> dict[str, Any]:
    """Let dandi describe a file for the archive.

    Parameters
    ----------
    path, asset_path
        The file, and its path in the dandiset.
    etag
        Of the file.
    schema_version
        Of the archive; newer metadata are lowered to it. Default: dandi's own.

    Raises
    ------
    ShareError
        If dandi cannot read the file, or what it reads is not enough.
    """
    from miniscope_nwb.share.redact import redact

    with quiet_and_offline():
        from dandi.files import dandi_file
        from dandi.misctypes import Digest

        try:
            asset = dandi_file(path.resolve()).get_metadata(
                digest=Digest.dandi_etag(etag), ignore_errors=False
            )
            metadata: dict[str, Any] = asset.model_dump(mode="json", exclude_none=True)
        except Exception as error:  # of dandi, pynwb, h5py and pydantic, which have no common class
            words = " ".join(redact(str(error)).split())
            raise ShareError(
                f"dandi cannot make the archive's metadata of {path} ({words}): run "
                "`miniscope-nwb validate` on it."
            ) from error
    metadata["path"] = asset_path
    metadata["schemaKey"] = "Asset"  # the archive wants the name of what it will be there
    return _lowered(metadata, schema_version)


def _lowered(metadata: dict[str, Any], version: str) -> dict[str, Any]:
    """Bring metadata to an archive's older schema, where dandi knows the way."""
    from dandischema.consts import ALLOWED_TARGET_SCHEMAS
    from dandischema.metadata import migrate
    from packaging.version import Version

    ours = str(metadata.get("schemaVersion", ""))
    if not version or not ours or Version(version) >= Version(ours):
        return metadata
    if version not in ALLOWED_TARGET_SCHEMAS:
        return metadata
    lowered: dict[str, Any] = migrate(metadata, to_version=version, skip_validation=True)
    return lowered


def metadata_faults(path: Path, asset_path: str) -> list[str]:
    """Return what the archive's schema misses in the metadata of a file."""
    try:
        metadata = describe(path, asset_path, etag=_ANY_ETAG)
    except ShareError as error:
        return [str(error)]
    from dandischema.models import BareAsset
    from pydantic import ValidationError

    try:
        BareAsset(**{**metadata, "schemaKey": "BareAsset"})
    except ValidationError as error:
        return [
            f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
    return []
