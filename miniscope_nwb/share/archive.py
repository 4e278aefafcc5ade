"""The requests of the archive that sharing needs, as methods: values out, our errors raised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from miniscope_nwb.errors import ShareError
from miniscope_nwb.share.instances import Instance
from miniscope_nwb.share.journal import Upload, UploadPart
from miniscope_nwb.share.redact import Secret
from miniscope_nwb.share.refusal import refusal, words_of
from miniscope_nwb.share.transport import Reply, Transport

ETAG = "dandi:dandi-etag"
SHA256 = "dandi:sha2-256"
OK = 200
FOUND = 302
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, MISSING, CONFLICT = 400, 401, 403, 404, 409
_JOINED = (b"ETag", b"<Error>")  # of the storage, when it joins parts or does not
PAGE = 1000  # assets in one answer
_FORBIDDEN_ONCE = frozenset({FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Asset:
    """A file in a dandiset, as the archive lists it."""

    asset_id: str
    blob_id: str  # "" for a folder-like asset (Zarr)
    path: str
    size: int
    modified: str  # when the entry was made or changed, ISO 8601


@dataclass(frozen=True, slots=True)
class AssetDetails:
    """What the archive's metadata say of the bytes of an asset; ``""`` what they do not say."""

    size: int
    etag: str
    sha256: str  # the archive computes it later, or never
    blob_modified: str
    urls: tuple[str, ...]  # for downloading through the archive, and the blob itself


class Archive:
    """An archive and, where given, the key to it.

    Parameters
    ----------
    instance
        Which one.
    key
        Without it only what is public can be read.
    transport
        How requests are sent.
    """

    def __init__(self, instance: Instance, key: Secret | None, transport: Transport) -> None:
        self.instance = instance
        self.key = key
        self.transport = transport

    # -- requests ------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        *,
        values: Any = None,
        query: Mapping[str, str] | None = None,
        allowed: frozenset[int] = frozenset(),
        needs: Sequence[str] = (),
        kind: type[Any] = dict,
        doing: str,
    ) -> Reply:
        """Send one request to the archive's interface.

        Parameters
        ----------
        needs, kind
            Keys and type of an answer that says yes: what has them not is no archive's.
        allowed
            Statuses beside 2xx that the caller deals with.
        doing
            For the error: ``"asking for dandiset 000001"``.

        Raises
        ------
        AccessError
            If the archive does not know the key, or it has no right.
        ShareError
            If the archive refuses for another reason, in its own words.
        """
        url = f"{self.instance.api}/{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json"}
        body = b""
        if values is not None:
            body = json.dumps(values).encode("utf-8")
            headers["Content-Type"] = "application/json"
        reply = self.transport.send(
            method,
            url,
            body=body or None,
            headers=headers,
            key=self.key,
            # A gateway's passing mood is told from a real refusal by asking twice.
            once_more=_FORBIDDEN_ONCE - allowed,
            is_answer=lambda reply: not reply.is_yes or reply.holds(kind, needs),
        )
        if reply.is_yes or reply.status in allowed:
            return reply
        raise self.refused(reply, doing=doing)

    def refused(self, reply: Reply, *, doing: str) -> ShareError:
        """Make the error of an answer that says no."""
        return refusal(self.instance, self.key, reply, doing=doing)

    def words(self, reply: Reply) -> str:
        """Return what an answer says, redacted and short; ``""`` where that is no sentence."""
        return words_of(reply, self.key)

    # -- reading -------------------------------------------------------------------------------

    def assets(self, dandiset: str, *, prefix: str, is_whole: bool = False) -> Iterator[Asset]:
        """Go through all assets whose path begins like that, or is that, in any case of letters."""
        page, how = 1, "glob" if is_whole else "path"
        while True:
            query = {how: prefix, "page_size": str(PAGE)} | (
                {"page": str(page)} if page > 1 else {}
            )
            reply = self.ask(
                "GET",
                f"dandisets/{dandiset}/versions/draft/assets/",
                query=query,
                needs=("results",),
                doing=f"looking into dandiset {dandiset}",
            )
            answer = reply.json()
            for item in answer["results"]:
                yield Asset(
                    asset_id=item["asset_id"],
                    blob_id=item.get("blob") or "",
                    path=item["path"],
                    size=int(item["size"]),
                    modified=item.get("modified", ""),
                )
            if not answer.get("next"):
                return
            page += 1

    def asset_at(self, dandiset: str, path: str) -> Asset | None:
        """Return the asset of exactly that path."""
        return next((a for a in self.assets(dandiset, prefix=path) if a.path == path), None)

    def details(self, dandiset: str, asset: Asset) -> AssetDetails:
        """Read an asset's metadata."""
        reply = self.ask(
            "GET",
            f"dandisets/{dandiset}/versions/draft/assets/{asset.asset_id}/",
            needs=("contentSize",),
            doing=f"reading {asset.path} of dandiset {dandiset}",
        )
        said = reply.json()
        digest = said.get("digest") or {}
        return AssetDetails(
            size=int(said["contentSize"]),
            etag=str(digest.get(ETAG, "")),
            sha256=str(digest.get(SHA256, "")),
            blob_modified=str(said.get("blobDateModified", "")),
            urls=tuple(str(url) for url in said.get("contentUrl") or ()),
        )

    def blob_of(self, etag: str) -> str | None:
        """Return the blob that has this etag, if the archive has those bytes."""
        reply = self.ask(
            "POST",
            "blobs/digest/",
            values={"algorithm": ETAG, "value": etag},
            # Embargoed bytes are shown to their owners alone; to others it is as if they were not.
            allowed=frozenset({MISSING, FORBIDDEN, UNAUTHORIZED}),
            needs=("blob_id",),
            doing="looking for the bytes",
        )
        return str(reply.json()["blob_id"]) if reply.status == OK else None

    def validation(self, dandiset: str, asset_id: str) -> tuple[str, tuple[str, ...]]:
        """Return the archive's own verdict (Pending, Valid, Invalid) and what it objects to."""
        reply = self.ask(
            "GET",
            f"dandisets/{dandiset}/versions/draft/assets/{asset_id}/validation/",
            needs=("status",),
            doing="asking for the archive's verdict",
        )
        said = reply.json()
        errors = (
            f"{item.get('field', '')}: {item.get('message', '')}".strip(": ")
            for item in said.get("validation_errors") or ()
        )
        return str(said.get("status", "")), tuple(errors)

    # -- sending -------------------------------------------------------------------------------

    def initialize(self, dandiset: str, *, size: int, etag: str) -> Upload | str:
        """Begin an upload; return the blob's id instead where the archive has the bytes."""
        reply = self.ask(
            "POST",
            "uploads/initialize/",
            values={
                "contentSize": size,
                "digest": {"algorithm": ETAG, "value": etag},
                "dandiset": dandiset,
            },
            allowed=frozenset({CONFLICT}),
            needs=("upload_id", "parts"),
            doing=f"sending a file to dandiset {dandiset}",
        )
        if reply.status == CONFLICT:
            return reply.headers.get("location", "") or self.blob_of(etag) or ""
        said = reply.json()
        parts = sorted(said["parts"], key=lambda part: int(part["part_number"]))
        return Upload(
            str(said["upload_id"]),
            tuple(
                UploadPart(int(part["part_number"]), int(part["size"]), Secret(part["upload_url"]))
                for part in parts
            ),
        )

    def join_parts(self, reply: Reply) -> Reply:
        """Ask the storage to join the parts, as the answer to ``complete`` says."""
        said = reply.json()
        url, body = Secret(said["complete_url"]), str(said["body"]).encode("utf-8")
        del said
        return self.transport.send(
            "POST",
            url,
            body=body,
            is_answer=lambda reply: reply.status != OK or any(w in reply.body for w in _JOINED),
        )

    def upload_step(self, upload_id: str, step: str, values: Any = None) -> Reply:
        """Go on with an upload: ``complete`` or ``validate``; 400, 404 and 409 are answers."""
        return self.ask(
            "POST",
            f"uploads/{quote(upload_id, safe='')}/{step}/",
            values=values,
            allowed=frozenset({BAD_REQUEST, MISSING, CONFLICT}),
            needs={"complete": ("complete_url", "body"), "validate": ("blob_id",)}[step],
            doing="putting the parts together",
        )

    def put_asset(
        self, dandiset: str, *, metadata: Any, blob_id: str, replacing: Asset | None
    ) -> Reply:
        """Make an asset of a blob, or replace one; 404 and 409 are answers."""
        place = f"dandisets/{dandiset}/versions/draft/assets/"
        if replacing is not None:
            place += f"{replacing.asset_id}/"
        return self.ask(
            "PUT" if replacing else "POST",
            place,
            values={"metadata": metadata, "blob_id": blob_id},
            allowed=frozenset({MISSING, CONFLICT}),
            needs=("asset_id",),
            doing=f"adding {metadata['path']} to dandiset {dandiset}",
        )

    def head_of_blob(self, asset: Asset, details: AssetDetails, *, is_private: bool) -> Reply:
        """Ask the storage itself for the blob's size and etag."""
        if details.urls and not is_private:
            reply = self.transport.send("HEAD", details.urls[-1])
            if reply.status != FORBIDDEN:  # bytes that were embargoed are opened somewhat later
                return reply
        return self.transport.send("HEAD", self.signed_address("HEAD", asset))

    def signed_address(self, method: str, asset: Asset) -> Secret:
        """Return the address at which the storage gives the bytes; a secret of an hour or six."""
        reply = self.ask(
            method,
            f"assets/{asset.asset_id}/download/",
            allowed=frozenset({FOUND}),
            doing=f"reading {asset.path} back",
        )
        if reply.status != FOUND or not reply.headers.get("location"):
            raise self.refused(reply, doing=f"reading {asset.path} back")
        return Secret(reply.headers["location"])
