"""Our readers as NeuroConv data interfaces, for a laboratory's own `NWBConverter`.

Used of NeuroConv: its protocol (`BaseTemporalAlignmentInterface`: source and metadata schemas,
metadata in the keyed dictionary form, temporal alignment) and its base schema, so that a recording
stands in one file beside SpikeGLX, DeepLabCut and the rest.

Replaced, and why:

- `MiniscopeConverter` and `MiniscopeImagingInterface`: they refuse V3, know neither ONIX nor the
  V4 GUI, stop at names with spaces, and drop the time zone, notes, settings, lost frames and
  damaged parts. Our readers and the same clock repair as in `convert` stand here.
- `add_imaging_to_nwbfile`: it needs an extractor of another package, reads every block by seeking
  in the video, and buffers 1 GB. `nwb.lazy_movie` decodes each video once, in order, in 32 MB.
- `ndx-miniscope`'s device: core NWB types, as everywhere in this package.

`miniscope-nwb convert` is faster, copies behaviour videos beside the file and never leaves half a
file: use these interfaces only where other data go into the same file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from neuroconv.basetemporalalignmentinterface import BaseTemporalAlignmentInterface
from neuroconv.utils import DeepDict
from pydantic import DirectoryPath, FilePath
from pynwb import NWBFile

from miniscope_nwb import plugins
from miniscope_nwb.convert import folder, metadata, timing
from miniscope_nwb.convert.readers.base import RecordingSource
from miniscope_nwb.convert.realign import clock_through, realign
from miniscope_nwb.convert.stub import stub_timelines
from miniscope_nwb.errors import DetectionError, RecordingError
from miniscope_nwb.nwb.as_dictionary import describe_plan
from miniscope_nwb.nwb.into_file import VideoPlace, add_beside_frames, add_frames
from miniscope_nwb.nwb.object_names import RECORDING_MODULE
from miniscope_nwb.recording import FloatArray, ReadOptions
from miniscope_nwb.session import ConvertOptions, Segment


class MiniscopeInterface(BaseTemporalAlignmentInterface):  # type: ignore[misc]
    """One recording: its scopes, cameras, signals, notes and tables. Base of the formats below."""

    display_name = "Miniscope recording"
    keywords = ("ophys", "one photon", "calcium imaging", "miniscope", "behavior", "video")
    associated_suffixes: tuple[str, ...] = (".avi",)
    info = "A miniscope recording with its behaviour cameras, clocks repaired as by miniscope-nwb."
    reader_name: ClassVar[str] = ""

    def __init__(
        self,
        folder_path: DirectoryPath,
        *,
        recording_key: str = "",
        metadata_file_paths: list[FilePath] | None = None,
        start_time: str | None = None,
        timezone: str | None = None,
        scope_camnum: int | None = None,
        on_mismatch: Literal["stop", "trim", "pad"] = "stop",
        stamps: Literal["strict", "keep", "interpolate"] = "strict",
        metadata_key: str | None = None,
        verbose: bool = False,
    ) -> None:
        """Read a recording folder; no video is decoded yet.

        Parameters
        ----------
        folder_path : DirectoryPath
            The session folder.
        recording_key : str, default: ""
            Which recording, where the folder holds several.
        metadata_file_paths : list of FilePath, optional
            Session YAML files as for `miniscope-nwb convert -m`.
        start_time : str, optional
            Start of the recording, ISO 8601, where the folder does not tell.
        timezone : str, optional
            Zone of a start that has none: Europe/Berlin, UTC or +02:00.
        scope_camnum : int, optional
            V3 only: the camNum of the miniscope.
        on_mismatch : {"stop", "trim", "pad"}, default: "stop"
            Where stamps and frames disagree.
        stamps : {"strict", "keep", "interpolate"}, default: "strict"
            Where stamps run backward.
        metadata_key : str, optional
            Begins the keys of this recording's entries in the metadata.
        verbose : bool, default: False
            NeuroConv's own switch.
        """
        super().__init__(
            verbose=verbose,
            folder_path=folder_path,
            recording_key=recording_key,
            metadata_file_paths=metadata_file_paths,
            metadata_key=metadata_key,
        )
        self.metadata_key = metadata_key
        self._user = metadata.load_yaml_files(metadata_file_paths or [])
        self._read_options = ReadOptions(scope_camnum=scope_camnum, roles=self._user.roles)
        self._options = ConvertOptions(
            start_time=start_time, timezone=timezone, on_mismatch=on_mismatch, stamps=stamps
        )
        self._source = self._find_source(Path(folder_path), recording_key)
        self._original = self._read()
        self._plan = folder.make_plan([self._original], self._user, self._options)

    def get_metadata(self) -> DeepDict:
        """Return what the recording and the YAML files say, in NeuroConv's keyed form."""
        described = super().get_metadata()
        described.deep_update(describe_plan(self._plan, metadata_key=self.metadata_key))
        return described

    def get_metadata_schema(self) -> dict[str, Any]:
        """Return NeuroConv's base schema with the imaging planes and series, keyed."""
        schema: dict[str, Any] = super().get_metadata_schema()
        entries = {"type": "object", "additionalProperties": {"type": "object"}}
        schema["properties"]["Ophys"] = {
            "type": "object",
            "properties": {"ImagingPlanes": entries, "MicroscopySeries": entries},
        }
        return schema

    def get_original_timestamps(self) -> FloatArray:
        """Read the folder again and return the frame times of the first scope, s, (n_frames,)."""
        return self._first_timestamps(self._read())

    def get_timestamps(self) -> FloatArray:
        """Return the frame times of the first scope in seconds, shape (n_frames,)."""
        return self._first_timestamps(self._plan.segments[0])

    def set_aligned_timestamps(self, aligned_timestamps: np.ndarray[Any, Any]) -> None:
        """Replace the frame times of the first scope, and move everything else along with them.

        Parameters
        ----------
        aligned_timestamps
            Seconds since the file's session start, shape (n_frames,).
        """
        clock = clock_through(self.get_timestamps(), aligned_timestamps)
        segment = realign(self._plan.segments[0], clock)
        self._plan = replace(
            self._plan, segments=(segment,), timing=timing.report_segments([segment])
        )

    def add_to_nwbfile(
        self,
        nwbfile: NWBFile,
        metadata: dict[str, Any] | None = None,
        *,
        stub_test: bool = False,
        stub_samples: int = 100,
        behavior_videos: VideoPlace = "external",
        checksums: bool = True,
    ) -> None:
        """Add the recording to an NWB file.

        Parameters
        ----------
        nwbfile : NWBFile
            The file.
        metadata : dict, optional
            As of `get_metadata`, with changes; by default that.
        stub_test : bool, default: False
            Only the first frames of every device.
        stub_samples : int, default: 100
            How many frames those are.
        behavior_videos : {"external", "embed", "none"}, default: "external"
            ``external`` refers to the cameras' videos where they lie, by their absolute paths,
            because NeuroConv does not tell where the file will be (DANDI wants relative ones, as
            `miniscope-nwb convert` makes them); ``embed`` stores their frames.
        checksums : bool, default: True
            Read all raw files once more for their SHA-256; not done for a stub.
        """
        if RECORDING_MODULE in nwbfile.processing:
            raise RecordingError(
                f"The NWB file has a processing module {RECORDING_MODULE} already: only one "
                "miniscope recording goes into a file this way; `miniscope-nwb convert --join` "
                "joins several."
            )
        plan = self._plan
        if stub_test:
            [segment] = plan.segments
            timelines = stub_timelines(segment.timelines, stub_samples)
            plan = replace(plan, segments=(replace(segment, timelines=timelines),))
        described = metadata or self.get_metadata()
        add_frames(nwbfile, described, plan, videos=behavior_videos, metadata_key=self.metadata_key)
        add_beside_frames(nwbfile, plan, checksums=checksums and not stub_test)

    def _find_source(self, path: Path, key: str) -> RecordingSource:
        match = plugins.readers()[self.reader_name].sniff(path)
        if not match.sources:
            reason = match.refusal or "; ".join(match.reasons)
            raise DetectionError(f"{path} is no recording for {type(self).__name__}: {reason}.")
        keys = [source.key for source in match.sources]
        if len(keys) > 1 and key not in keys:
            raise DetectionError(
                f"{path} holds {len(keys)} recordings: give recording_key, one of "
                f"{', '.join(map(repr, keys))}."
            )
        return match.sources[keys.index(key) if len(keys) > 1 else 0]

    def _read(self) -> Segment:
        recording = plugins.readers()[self.reader_name].read(self._source, self._read_options)
        return folder.make_segment(recording, self._options)

    def _first_timestamps(self, segment: Segment) -> FloatArray:
        for device in (*segment.recording.scopes, *segment.recording.cameras):
            if device.name in segment.timelines:
                return segment.timelines[device.name].time_s.copy()
        raise RecordingError(f"{segment.recording.root} holds no frames with time stamps.")


class MiniscopeV3Interface(MiniscopeInterface):
    """A recording of the UCLA V3 software: msCam*.avi, timestamp.dat, settings_and_notes.dat."""

    display_name = "Miniscope V3"
    associated_suffixes = (".avi", ".dat")
    reader_name = "v3"


class MiniscopeV4Interface(MiniscopeInterface):
    """A recording of Miniscope-DAQ-QT-Software: metaData.json, timeStamps.csv, numbered videos."""

    display_name = "Miniscope V4"
    associated_suffixes = (".avi", ".csv", ".json")
    reader_name = "v4"


class MiniscopeOnixInterface(MiniscopeInterface):
    """A miniscope on an ONIX acquisition system."""

    display_name = "Miniscope on ONIX"
    associated_suffixes = (".avi", ".raw", ".csv")
    reader_name = "onix"


class MiniscopeV4GuiInterface(MiniscopeInterface):
    """A recording of the Open Ephys Miniscope V4 GUI."""

    display_name = "Open Ephys Miniscope V4 GUI"
    associated_suffixes = (".avi", ".csv", ".yml")
    reader_name = "v4gui"
