"""How long to wait, how often, and how much at a time when talking to an archive."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20
PART_BYTES = 64 * MIB  # of the archive; part checksums and the etag depend on it
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes and times; the defaults are for a real archive, tests use smaller ones.

    The size of a part is not ours to choose: the archive's etag is made of parts of 64 MiB, and
    another size gives another etag.
    """

    part_bytes: int = PART_BYTES
    n_in_flight: int = 2  # parts sent at the same time: more only fill the line's buffers
    connect_timeout_s: float = 30.0  # also the longest stall while sending
    read_timeout_s: float = 120.0  # `complete` of 10,000 parts takes a minute
    first_wait_s: float = 1.0  # doubled after every failure
    longest_wait_s: float = 60.0
    patience_s: float = 6 * HOUR_S  # how long one request is repeated while a file is sent
    first_patience_s: float = 60.0  # the same before a byte is sent: a person is waiting
    poll_s: float = 2.0  # between questions whether the archive has finished its own check


DEFAULT = Settings()
