"""What the tests of sharing do again and again: enter the stand-in, send, count requests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from miniscope_nwb.share.check import FileCheck
from miniscope_nwb.share.names import place
from miniscope_nwb.share.opened import open_archive, open_dandiset
from miniscope_nwb.share.outcome import Outcome
from miniscope_nwb.share.settings import Settings
from miniscope_nwb.share.upload import Upload
from miniscope_nwb.share.videos import find_videos

PART_BYTES = 65536  # the small file has 7 parts
QUICK = Settings(
    part_bytes=PART_BYTES,
    first_wait_s=0.02,
    longest_wait_s=0.1,
    connect_timeout_s=5.0,
    read_timeout_s=10.0,
    patience_s=30.0,
    first_patience_s=5.0,
    poll_s=0.02,
)


class Watch:
    """Remembers what it was told; `on_sent` is called after every part with the number so far."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.n_sent_parts = 0
        self.n_waiting: list[int] = []
        self.on_sent = lambda _: None

    def hashing(self, path: Path, done: int, total: int) -> None:
        assert 0 < done <= total

    def sending(self, path: Path, there: int, total: int, sent: int) -> None:
        assert 0 <= there <= total
        if sent:
            self.n_sent_parts += 1
            self.on_sent(self.n_sent_parts)

    def finished(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def waiting(self, n_files: int) -> None:
        self.n_waiting.append(n_files)


class Bench:
    """A client of the stand-in."""

    def __init__(self, stand_in, state: Path, *, settings: Settings = QUICK) -> None:
        self.stand_in, self.state, self.settings = stand_in, state, settings
        self.said: list[str] = []
        self.watch = Watch()
        self._archives = []

    def enter(self, *, key: str | None = None, dandiset: str | None = None, **changes):
        """Return archive and dandiset, as the owner unless told otherwise."""
        key_file = self.state.parent / "key.txt"
        key_file.touch(mode=0o600)
        key_file.write_text((key or self.stand_in.key) + "\n")
        archive, info = open_archive(
            self.stand_in.url,
            key_file=key_file,
            needs_key=True,
            settings=replace(self.settings, **changes),
            say=self.said.append,
        )
        self._archives.append(archive)
        found = open_dandiset(archive, info, dandiset or self.stand_in.dandiset, to_write=True)
        archive.transport.patience_s = archive.transport.settings.patience_s
        return archive, found

    def upload(
        self, *paths: Path, may_replace: bool = False, wait_s: float = 0.0, **entering
    ) -> list[Outcome]:
        """Send files without validating them first: that takes seconds, and has its own tests."""
        archive, dandiset = self.enter(**entering)
        run = Upload(archive, dandiset, self.state, may_replace, wait_s, self.watch)
        return list(run.run([unvalidated(path) for path in paths]))

    def n_requests(self, method: str, path: str = "", *, server: str = "") -> int:
        """Count the requests that the stand-in got."""
        return sum(
            request.method == method and path in request.path and server in ("", request.server)
            for request in self.stand_in.requests
        )

    @property
    def n_parts_put(self) -> int:
        return self.n_requests("PUT", server="s3")

    def close(self) -> None:
        for archive in self._archives:
            archive.transport.close()


def unvalidated(path: Path) -> FileCheck:
    """Check only what `share` itself compares."""
    where = place(path)
    videos, findings = find_videos(path, where)
    return FileCheck(path, where, videos, (*where.findings, *findings))


def errors(findings) -> list[str]:
    """Return the messages of the errors among findings."""
    return [finding.message for finding in findings if finding.severity == "error"]
