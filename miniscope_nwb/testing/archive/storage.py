"""The storage of the stand-in: moto's S3, with signed addresses as the archive gives them."""

from __future__ import annotations

import hashlib
import uuid
from importlib import import_module
from typing import Any

from miniscope_nwb.errors import MiniscopeError

_OF_ITS_SERVER = ("flask", "flask_cors")  # without them moto only warns, and breaks later
_EXPIRES_S = 7 * 24 * 3600
_DOWNLOAD_EXPIRES_S = 6 * 3600


def storage_app() -> Any:
    """Return moto's S3 as a WSGI application; it lets parts of any size pass.

    Raises
    ------
    MiniscopeError
        If moto or its server is not installed: one sentence with what to install.
    """
    try:
        for name in _OF_ITS_SERVER:
            import_module(name)
        import moto.s3.models
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    except ImportError as error:
        raise MiniscopeError(
            f"The stand-in archive needs moto[server], of which {error.name} is not installed: "
            '`pip install "miniscope-nwb[test]"` brings it.'
        ) from None

    moto.s3.models.S3_UPLOAD_PART_MIN_SIZE = 1
    return DomainDispatcherApplication(create_backend_app)


class Storage:
    """A bucket; the same one before and after the server was away."""

    def __init__(self) -> None:
        self.bucket = f"dandi-dandisets-{uuid.uuid4().hex[:12]}"
        self._client: Any = None
        self.url = ""

    def open(self, url: str) -> None:
        """Make the bucket on the server at `url`."""
        import boto3
        from botocore.config import Config

        self.url = url
        self._client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="STANDIN",
            aws_secret_access_key="none",
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                retries={"max_attempts": 1},
                connect_timeout=5,
                read_timeout=30,
            ),
        )
        self._client.create_bucket(Bucket=self.bucket)

    def clear(self) -> None:
        """Remove all objects and the bucket."""
        listed = self._client.list_objects_v2(Bucket=self.bucket)
        for stored in listed.get("Contents", []):
            self._client.delete_object(Bucket=self.bucket, Key=stored["Key"])
        for part in self._client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []):
            self._client.abort_multipart_upload(
                Bucket=self.bucket, Key=part["Key"], UploadId=part["UploadId"]
            )
        self._client.delete_bucket(Bucket=self.bucket)
        self._client.close()

    def begin(self, blob_id: str) -> str:
        """Begin a multipart upload; return the storage's id of it."""
        begun = self._client.create_multipart_upload(
            Bucket=self.bucket,
            Key=_key(blob_id),
            ACL="public-read",  # embargoed ones are guarded before the storage
        )
        return str(begun["UploadId"])

    def part_url(self, blob_id: str, storage_id: str, number: int, size: int) -> str:
        """Return the signed address of a part."""
        return self._sign(
            "upload_part", blob_id, _EXPIRES_S,
            UploadId=storage_id, PartNumber=number, ContentLength=size,
        )  # fmt: skip

    def complete_url(self, blob_id: str, storage_id: str) -> str:
        """Return the signed address that joins the parts."""
        return self._sign("complete_multipart_upload", blob_id, _EXPIRES_S, UploadId=storage_id)

    def download_url(self, blob_id: str, filename: str) -> str:
        """Return a signed address of the bytes."""
        shown = f'attachment; filename="{filename}"'
        return self._sign(
            "get_object", blob_id, _DOWNLOAD_EXPIRES_S, ResponseContentDisposition=shown
        )

    def blob_url(self, blob_id: str) -> str:
        """Return the address without a signature."""
        return f"{self.url}/{self.bucket}/{_key(blob_id)}"

    def stat(self, blob_id: str) -> tuple[int, str] | None:
        """Return size and etag of a finished object; None where there is none."""
        from botocore.exceptions import ClientError

        try:
            head = self._client.head_object(Bucket=self.bucket, Key=_key(blob_id))
        except ClientError:
            return None
        return int(head["ContentLength"]), str(head["ETag"]).strip('"')

    def read(self, blob_id: str) -> bytes:
        """Return the bytes of a blob."""
        stored = self._client.get_object(Bucket=self.bucket, Key=_key(blob_id))
        return bytes(stored["Body"].read())

    def replace(self, blob_id: str, content: bytes) -> None:
        """Put other bytes where the blob's were."""
        self._client.put_object(
            Bucket=self.bucket, Key=_key(blob_id), Body=content, ACL="public-read"
        )

    def sha256(self, blob_id: str) -> str:
        """Return the SHA-256 of a blob."""
        digest = hashlib.sha256()
        stored = self._client.get_object(Bucket=self.bucket, Key=_key(blob_id))
        for block in stored["Body"].iter_chunks(2**20):
            digest.update(block)
        return digest.hexdigest()

    def _sign(self, operation: str, blob_id: str, expires_s: int, **more: Any) -> str:
        return str(
            self._client.generate_presigned_url(
                operation,
                Params={"Bucket": self.bucket, "Key": _key(blob_id), **more},
                ExpiresIn=expires_s,
            )
        )


def blob_of(path: str) -> str:
    """Return the id of the blob that a path of the storage names, or ``""``."""
    parts = path.strip("/").split("/")
    return parts[-1] if len(parts) == 5 and parts[1] == "blobs" else ""


def _key(blob_id: str) -> str:
    return f"blobs/{blob_id[:3]}/{blob_id[3:6]}/{blob_id}"
