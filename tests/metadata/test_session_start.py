"""When a recording started, and in which time zone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from metadata_recordings import NOBODY_SAID, START

from miniscope_nwb.convert import zones
from miniscope_nwb.convert.metadata import UserMetadata, resolve, resolve_start
from miniscope_nwb.convert.user_metadata import load_yaml_text
from miniscope_nwb.errors import MetadataError, RecordingError
from miniscope_nwb.recording import StartTime
from miniscope_nwb.session import ConvertOptions

NAIVE = StartTime(datetime(2026, 7, 2, 14, 5, 7), "folder name", is_assumed=True)


def start_of(recording, yaml="", **options):
    return resolve_start(recording, load_yaml_text(yaml), ConvertOptions(**options))


@pytest.fixture
def far_east(monkeypatch):
    if not hasattr(time, "tzset"):
        pytest.skip("this system has no tzset")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class TestWhoWins:
    def test_the_recording(self, make_recording):
        assert start_of(make_recording()) == make_recording().start

    def test_a_recorded_zone_stays(self, make_recording):
        start = start_of(make_recording(), "session: {timezone: UTC}", timezone="Asia/Tokyo")
        assert start.value.isoformat() == "2026-03-02T14:05:07+01:00"

    def test_the_yaml(self, make_recording):
        start = start_of(make_recording(), "session: {session_start_time: 2026-01-02 03:04:05.5Z}")
        assert start == StartTime(
            datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=UTC), "session.yaml", is_assumed=False
        )

    def test_the_option(self, make_recording):
        start = start_of(
            make_recording(),
            "session: {session_start_time: 2026-01-02T03:04:05Z, timezone: UTC}",
            start_time="2025-06-01T10:00:00",
            timezone="Europe/Berlin",
        )
        assert start.value.isoformat() == "2025-06-01T10:00:00+02:00"
        assert start.source == "--start-time; time zone from --timezone"
        assert not start.is_assumed

    def test_the_zone_of_the_yaml(self, make_recording):
        start = start_of(make_recording(start=NAIVE), "session: {timezone: America/New_York}")
        assert start.value.isoformat() == "2026-07-02T14:05:07-04:00"
        assert start.source == "folder name; time zone from session.yaml"
        assert start.is_assumed  # the name of a folder is no clock

    def test_else_the_machine_and_that_is_told(self, make_recording, far_east):
        session = resolve([make_recording(start=NAIVE)], UserMetadata(), ConvertOptions())
        assert session.start.isoformat() == "2026-07-02T14:05:07+09:00"
        assert session.start_is_assumed
        [problem] = [p for p in session.problems if p.code == "assumed_timezone"]
        assert problem.severity == "warning"
        assert "UTC+0900" in problem.message
        assert "--timezone" in problem.message

    def test_the_machine_is_not_asked_for_what_is_known(self, make_recording):
        session = resolve([make_recording()], UserMetadata(), ConvertOptions())
        assert not session.start_is_assumed
        assert session.start == START
        assert "assumed_timezone" not in {p.code for p in session.problems}


class TestWhatCannotBe:
    def test_nobody_knows(self, make_recording):
        with pytest.raises(RecordingError, match=r"give --start-time"):
            start_of(make_recording(start=NOBODY_SAID))

    @pytest.mark.parametrize("text", ["soon", "2026-03-02", "14:05:07", "2026-03-02T25:00:00", ""])
    def test_an_option_that_is_no_time(self, make_recording, text):
        with pytest.raises(MetadataError, match=r"--start-time is .*but must be date and time"):
            start_of(make_recording(), start_time=text)

    def test_an_option_that_is_no_zone(self, make_recording):
        with pytest.raises(
            MetadataError, match=r"--timezone: there is no time zone .*Europe/Berlin"
        ):
            start_of(make_recording(start=NAIVE), timezone="Europe/Berlln")

    @pytest.mark.parametrize(
        "moment", ["1969-12-31T23:59:59Z", "1970-01-01T00:30:00+01:00", "0001-01-01T00:00:00"]
    )
    def test_before_1970(self, make_recording, moment):
        with pytest.raises(MetadataError, match=r"before 1970"):
            start_of(make_recording(), start_time=moment)

    @pytest.mark.parametrize("moment", ["2999-01-01T00:00:00Z", "9999-12-31T23:59:59"])
    def test_in_the_future(self, make_recording, moment):
        with pytest.raises(MetadataError, match=r"in the future; correct"):
            start_of(make_recording(), start_time=moment)

    def test_a_wrong_clock_of_the_acquisition_computer(self, make_recording):
        tomorrow = StartTime(datetime.now(UTC) + timedelta(days=1), "metaData.json", False)
        with pytest.raises(RecordingError, match=r"in the future: the clock .* --start-time"):
            start_of(make_recording(start=tomorrow))


class TestSummerTime:
    @pytest.mark.parametrize("clock", ["2025-10-26T02:30:00", "2025-03-30T02:30:00"])
    def test_an_hour_that_is_there_twice_or_never(self, make_recording, clock):
        options = ConvertOptions(start_time=clock, timezone="Europe/Berlin")
        session = resolve([make_recording()], UserMetadata(), options)
        assert [p.code for p in session.problems if p.code == "ambiguous_start"]

    def test_an_offset_leaves_no_doubt(self, make_recording):
        options = ConvertOptions(start_time="2025-10-26T02:30:00+01:00", timezone="Europe/Berlin")
        session = resolve([make_recording()], UserMetadata(), options)
        assert "ambiguous_start" not in {p.code for p in session.problems}


class TestZones:
    @pytest.mark.parametrize(
        ("text", "hours"),
        [("UTC", 0), ("z", 0), ("+02:00", 2), ("-0330", -3.5), ("+5", 5), ("UTC+2", 2),
         ("Asia/Kolkata", 5.5), ("asia/kolkata", 5.5), ("Asia/Kolkata ", 5.5)],
    )  # fmt: skip
    def test_are_read(self, text, hours):
        offset = zones.parse_zone(text).utcoffset(datetime(2026, 3, 2))
        assert offset == timedelta(hours=hours)

    @pytest.mark.parametrize("text", ["Europe", "../etc/passwd", "", "a\0b", "+15:00", "CETX"])
    def test_or_refused(self, text):
        with pytest.raises(ValueError, match=r"time zone|offset"):
            zones.parse_zone(text)

    def test_a_city_is_enough_for_a_hint(self):
        with pytest.raises(ValueError, match=r"did you mean America/New_York"):
            zones.parse_zone("New York")
