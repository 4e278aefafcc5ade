"""Sends checked files, one after the other: hash, compare, send, read back, record.

Videos go before the NWB file that names them. A file that cannot go stays behind with its reason,
and the others go on; only where the archive itself does not answer, or gives no right, all stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from miniscope_nwb import __version__
from miniscope_nwb.errors import (
    AccessError,
    MiniscopeError,
    OutputError,
    ShareError,
    UnreachableError,
)
from miniscope_nwb.share import asset as assets
from miniscope_nwb.share.access import Dandiset
from miniscope_nwb.share.archive import Archive, Asset, AssetDetails
from miniscope_nwb.share.blob import SentBlob, send_blob
from miniscope_nwb.share.check import FileCheck, SharedFile, check_file
from miniscope_nwb.share.etag import FileChangedError, FileDigest, hash_file
from miniscope_nwb.share.metadata import describe
from miniscope_nwb.share.outcome import (
    DIFFERENT,
    NOT_FIT,
    Outcome,
    State,
    behind,
    not_fit,
    waits,
    with_check,
)
from miniscope_nwb.share.plan import FilePlan, find_there, in_the_way, plan_file, refused
from miniscope_nwb.share.record import (
    AssetRecord,
    check_record_place,
    find_record,
    known_records,
    write_record,
)
from miniscope_nwb.share.watcher import Watcher

Act = Callable[[SharedFile, FileCheck], Outcome]
_MAX_CHANGES = 3  # how often a file may change under our hands


@dataclass(frozen=True, slots=True)
class Upload:
    """Where files go and how.

    Parameters
    ----------
    archive, dandiset
        See `access`: rights are checked before.
    state
        Folder of the journals.
    may_replace
        Whether an asset with other bytes is replaced.
    wait_s
        How long to wait for the archive's own check at the end.
    watcher
        Is told what happens.
    """

    archive: Archive
    dandiset: Dandiset
    state: Path
    may_replace: bool
    wait_s: float
    watcher: Watcher

    def run(self, checks: Sequence[FileCheck]) -> tuple[Outcome, ...]:
        """Send files that are fit, with their videos.

        Parameters
        ----------
        checks
            What `check_file` said of each.

        Returns
        -------
        tuple of Outcome
            One a file, videos included, in the order in which they went.
        """
        outcomes: list[Outcome] = []
        for check in checks:
            if check.is_fit:
                outcomes += self._send_all(check)
            else:
                outcomes.append(self._tell(not_fit(check)))
            if any(_stops_all(outcome) for outcome in outcomes):
                return tuple(outcomes)
        return tuple(self._wait(outcomes))

    def _tell(self, outcome: Outcome) -> Outcome:
        self.watcher.finished(outcome)
        return outcome

    def _send_all(self, check: FileCheck) -> Iterator[Outcome]:
        """Send the videos of an NWB file and then itself; stop where one stays behind."""
        if check.videos:  # they do not go where the file itself is refused
            looked = self._attempt(check.files[-1], check, self._look)
            if looked.exit_code:
                yield self._tell(looked)
                return
        for file in check.files:
            outcome = self._tell(self._attempt(file, check, self._send))
            yield outcome
            if outcome.exit_code:
                return

    def _attempt(self, file: SharedFile, check: FileCheck, act: Act) -> Outcome:
        try:
            check_record_place(check.path)
        except OutputError as error:  # nothing was sent
            return behind(file, check, "failed", str(error), exit_code=error.exit_code)
        try:
            for _ in range(_MAX_CHANGES):
                try:
                    return act(file, check)
                except FileChangedError as changed:
                    last = changed
                    self.archive.transport.say(f"{file.path} changed meanwhile: it is taken anew")
                    again = check_file(check.path)
                    if not again.is_fit or again.place != check.place:
                        return not_fit(again)
            raise last
        except OutputError as error:  # of journal or record: what was sent is there
            code = UnreachableError.exit_code
            return behind(file, check, "failed", str(error), exit_code=code)
        except MiniscopeError as error:
            return behind(file, check, "failed", str(error), exit_code=error.exit_code)

    def _look(self, file: SharedFile, check: FileCheck) -> Outcome:
        """Find out whether a file would be refused; what the archive has not is not hashed."""
        asset, blocking = find_there(self.archive, self.dandiset, file.asset_path)
        if blocking or (asset is not None and not self.may_replace):
            return self._refusal(self._plan(file, check), check) or waits(file, check)
        return waits(file, check)

    def _plan(self, file: SharedFile, check: FileCheck) -> FilePlan:
        digest = hash_file(
            file.path,
            part_bytes=self.archive.transport.settings.part_bytes,
            progress=lambda done, total: self.watcher.hashing(file.path, done, total),
        )
        old = find_record(
            known_records(check.path),
            api=self.archive.instance.api,
            dandiset=self.dandiset.identifier,
            path=file.asset_path,
        )
        return plan_file(self.archive, self.dandiset, file, digest, record=old)

    def _refusal(self, plan: FilePlan, check: FileCheck) -> Outcome | None:
        if plan.state == "path in the way":
            message = in_the_way(plan, self.dandiset)
            return behind(plan.file, check, "refused", message, exit_code=NOT_FIT)
        if plan.state in {"changed here", "changed there"} and not self.may_replace:
            return behind(plan.file, check, "refused", refused(plan), exit_code=DIFFERENT)
        return None

    def _send(self, file: SharedFile, check: FileCheck) -> Outcome:
        """Bring one file into the dandiset, if that is not done already."""
        plan = self._plan(file, check)
        stays = self._refusal(plan, check)
        if stays is not None:
            return stays
        sent = SentBlob(plan.blob_id, 0, 0, 0.0)
        if plan.state != "same":
            sent = self._bring(plan)
        return self._confirm(plan, check, sent)

    def _bring(self, plan: FilePlan) -> SentBlob:
        file, digest = plan.file, plan.digest
        metadata = describe(  # before the bytes: it may fail
            file.path,
            file.asset_path,
            etag=digest.etag,
            schema_version=self.dandiset.schema_version,
        )
        sent = SentBlob(plan.blob_id, 0, 0, 0.0)
        if not plan.blob_id:
            sent = send_blob(
                self.archive,
                file.path,
                digest,
                dandiset=self.dandiset.identifier,
                state=self.state,
                progress=lambda *n_bytes: self.watcher.sending(file.path, *n_bytes),
            )
        assets.put_asset(
            self.archive,
            self.dandiset,
            metadata=metadata,
            blob_id=sent.blob_id,
            replacing=plan.asset,
        )
        return sent

    def _confirm(self, plan: FilePlan, check: FileCheck, sent: SentBlob) -> Outcome:
        """Read the asset back and write its record."""
        file, digest = plan.file, plan.digest
        asset, details = assets.read_back(self.archive, self.dandiset, file, digest)
        record = self._record(file, check.path, digest, asset, details)
        write_record(check.path, record)
        return Outcome(
            path=file.path,
            nwb_path=check.path,
            asset_path=file.asset_path,
            state=_state_of(plan, sent),
            size=digest.size,
            etag=digest.etag,
            resumed_at=sent.resumed_at,
            n_bytes_sent=sent.n_bytes_sent,
            seconds=sent.seconds,
            web=record.web,
            asset_url=details.urls[0] if details.urls else "",
            record=record,
        )

    def _record(
        self,
        file: SharedFile,
        nwb_path: Path,
        digest: FileDigest,
        asset: Asset,
        details: AssetDetails,
    ) -> AssetRecord:
        urls = details.urls or ("",)
        return AssetRecord(
            file=file.path.relative_to(nwb_path.parent).as_posix(),
            instance=self.archive.instance.name,
            api=self.archive.instance.api,
            dandiset=self.dandiset.identifier,
            version="draft",
            doi="",
            path=file.asset_path,
            asset_id=asset.asset_id,
            blob_id=asset.blob_id,
            size=digest.size,
            etag=digest.etag,
            sha256=digest.sha256,
            is_sha256_confirmed=details.sha256 == digest.sha256,
            validation=assets.PENDING,
            sent=datetime.now(UTC).isoformat(timespec="seconds"),
            by=f"miniscope-nwb {__version__}",
            web=assets.web_page(self.archive, self.dandiset, file.asset_path),
            stream=urls[0] if self.dandiset.is_private else urls[-1],
            part_bytes=digest.part_bytes,
            part_md5s=digest.part_md5s,
        )

    def _wait(self, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
        """Wait for the archive's own check of all that is there, and record it.

        All is stored and compared; only the archive's word may be missing.
        """
        transport = self.archive.transport
        transport.patience_s = min(transport.patience_s, transport.settings.first_patience_s)
        there = [(o, o.record) for o in outcomes if o.record is not None]
        try:
            checked = assets.wait_for_checks(
                self.archive,
                self.dandiset,
                [Asset(r.asset_id, r.blob_id, r.path, r.size, "") for _, r in there],
                wait_s=self.wait_s,
                told=self.watcher.waiting,
            )
        except ShareError:
            checked = [assets.Checked() for _ in there]
        found = {o.asset_path: c for (o, _), c in zip(there, checked, strict=True)}
        for outcome in outcomes:
            if outcome.record is None:
                yield outcome
            else:
                yield with_check(outcome, outcome.record, found[outcome.asset_path])


def _state_of(plan: FilePlan, sent: SentBlob) -> State:
    if plan.state == "same":
        return "same"
    if plan.asset is not None:
        return "replaced"
    return "sent" if sent.n_bytes_sent or sent.resumed_at else "already there"


def _stops_all(outcome: Outcome) -> bool:
    return outcome.exit_code in {AccessError.exit_code, UnreachableError.exit_code}
