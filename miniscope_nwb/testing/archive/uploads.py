"""Sending bytes: initialize, complete, validate; and whether the archive knows them already."""

from __future__ import annotations

import uuid
from typing import Any

from miniscope_nwb.testing.archive.call import NO_RIGHT, NOT_FOUND, Answer, Call, Refused
from miniscope_nwb.testing.archive.state import Blob, Upload

_COMPLETE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}'
    "</CompleteMultipartUpload>"
)


def initialize(call: Call) -> Answer:
    """Begin an upload: answer the signed addresses of its parts, or the blob that is there."""
    call.needs_user()
    sent = call.json
    size, etag = int(sent.get("contentSize", 0)), str(sent.get("digest", {}).get("value", ""))
    if size < 1:
        raise Refused(400, {"contentSize": ["Ensure this value is greater than or equal to 1."]})
    dandiset = call.dandiset(str(sent.get("dandiset")))
    if not call.owns(dandiset):
        raise Refused(403, "Action not allowed")
    if (blob := call.state.blob_with(etag)) is not None:
        return Answer("Blob already exists.", 409, (("Location", blob.blob_id),))
    upload_id = str(uuid.uuid4())
    storage_id = call.storage.begin(upload_id)
    call.state.uploads[upload_id] = Upload(upload_id, storage_id, etag, size, dandiset.identifier)
    parts = [
        {
            "part_number": number,
            "size": n_bytes,
            "upload_url": call.storage.part_url(upload_id, storage_id, number, n_bytes),
        }
        for number, n_bytes in enumerate(_part_sizes(size, call.state.part_bytes), start=1)
    ]
    return Answer({"upload_id": upload_id, "parts": parts})


def _part_sizes(size: int, part_bytes: int) -> list[int]:
    return [min(part_bytes, size - start) for start in range(0, size, part_bytes)]


def complete(call: Call, upload_id: str) -> Answer:
    """Answer the request with which the storage joins the parts."""
    upload = _own_upload(call, upload_id)
    parts = "".join(
        f"<Part><PartNumber>{part['part_number']}</PartNumber><ETag>{part['etag']}</ETag></Part>"
        for part in call.json.get("parts", [])
    )
    return Answer(
        {
            "complete_url": call.storage.complete_url(upload_id, upload.storage_id),
            "body": _COMPLETE.format(parts),
        }
    )


def validate(call: Call, upload_id: str) -> Answer:
    """Compare what lies in the storage with what was announced; make it a blob."""
    upload = _own_upload(call, upload_id)
    stored = call.storage.stat(upload_id)
    if stored is None:
        raise Refused(400, ["Object does not exist."])
    if stored[0] != upload.size:
        raise Refused(400, [f"Size {stored[0]} does not match expected size {upload.size}."])
    if stored[1] != upload.etag:
        raise Refused(400, [f"ETag {stored[1]} does not match expected ETag {upload.etag}."])
    if call.state.blob_with(upload.etag) is not None:
        raise Refused(409, "An identical blob has already been uploaded.")
    blob = Blob(
        upload_id,
        upload.etag,
        upload.size,
        is_embargoed=call.state.dandisets[upload.dandiset].is_embargoed,
    )
    call.state.blobs[upload_id] = blob
    del call.state.uploads[upload_id]
    return Answer({"blob_id": upload_id, "etag": blob.etag, "sha256": None, "size": blob.size})


def digest(call: Call) -> Answer:
    """Say whether bytes of this checksum are in the archive; asks for no key."""
    wanted, algorithm = call.json.get("value"), call.json.get("algorithm")
    for blob in call.state.blobs.values():
        known = sha256_of(call, blob) if algorithm == "dandi:sha2-256" else blob.etag
        if known == wanted and not (blob.is_embargoed and call.user is None):
            return Answer(
                {
                    "blob_id": blob.blob_id,
                    "etag": blob.etag,
                    "sha256": sha256_of(call, blob),
                    "size": blob.size,
                }
            )
    raise Refused(404, NOT_FOUND)


def sha256_of(call: Call, blob: Blob) -> str | None:
    """Return the archive's own checksum, when it has come to it."""
    import time

    after = call.state.sha256_after_s
    if blob.sha256 is None and after is not None and time.monotonic() >= blob.stored + after:
        blob.sha256 = call.storage.sha256(blob.blob_id)
    return blob.sha256


def list_uploads(call: Call, identifier: str) -> Answer:
    """List the uploads of a dandiset that were begun and not ended."""
    _own_dandiset(call, identifier)
    return call.page(
        [
            {
                "created": upload.created,
                "blob": call.storage.blob_url(upload.upload_id),
                "upload_id": upload.upload_id,
                "etag": upload.etag,
                "size": upload.size,
            }
            for upload in call.state.uploads.values()
            if upload.dandiset == identifier
        ]
    )


def drop_uploads(call: Call, identifier: str) -> Answer:
    """Forget them."""
    _own_dandiset(call, identifier)
    uploads = call.state.uploads
    for upload_id in [key for key, upload in uploads.items() if upload.dandiset == identifier]:
        del uploads[upload_id]
    return Answer(status=204)


def _own_dandiset(call: Call, identifier: str) -> Any:
    call.needs_user()
    dandiset = call.dandiset(identifier)
    if not call.owns(dandiset):
        raise Refused(403, NO_RIGHT)
    return dandiset


def _own_upload(call: Call, upload_id: str) -> Upload:
    call.needs_user()
    upload = call.state.uploads.get(upload_id)
    if upload is None:
        raise Refused(404, NOT_FOUND)
    return upload
