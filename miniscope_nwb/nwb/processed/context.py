"""What the makers of a run's objects share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pynwb import NWBFile, ProcessingModule, TimeSeries
from pynwb.ophys import OnePhotonSeries

from miniscope_nwb.nwb.processed.geometry import Frame
from miniscope_nwb.nwb.processed.later import Later
from miniscope_nwb.nwb.processed.names import MODULE, RunNames
from miniscope_nwb.recording import FloatArray
from miniscope_nwb.results import RunRecord


@dataclass(slots=True)
class Context:
    """An open NWB file and the run that is added to it."""

    nwb: NWBFile
    raw: OnePhotonSeries
    run: RunRecord
    names: RunNames
    frame: Frame
    times_s: FloatArray  # of the raw frames
    later: list[Later] = field(default_factory=list)  # data to be written after the objects

    @property
    def module(self) -> ProcessingModule:
        """The module ``ophys``, made where it is missing."""
        if MODULE not in self.nwb.processing:
            self.nwb.create_processing_module(
                MODULE,
                "Motion correction, cells, traces and quality of one-photon movies, one or more "
                "runs; the table ProcessingRuns lists them.",
            )
        return self.nwb.processing[MODULE]

    def clock(self) -> dict[str, Any]:
        """Arguments for a series on the clock of the raw movie: a link to its stamps, no copy."""
        return clock_of(self.raw)


def clock_of(series: TimeSeries) -> dict[str, Any]:
    """Arguments for a series on the clock of another one."""
    if series.timestamps is None:
        return {"rate": series.rate, "starting_time": series.starting_time}
    return {"timestamps": series}
