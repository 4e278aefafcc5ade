"""The layout of Miniscope_DAQ_Software ("V3", until 2019).

::

    6_9_2019/H9_M5_S44/           the session: month first, no zeros in front
      msCam1.avi ... msCam10.avi  1000 frames each; after exactly N * 1000 an empty one
      behavCam1.avi ...           where a behaviour camera was connected
      timestamp.dat               the rows of all cameras, interleaved
      settings_and_notes.dat      animal, excitation, exposure, remarks

No rate is recorded anywhere (the videos' headers always say 20 frames/s), and the only clock on
the wall is the folder's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.convert.readers import v3_cameras
from miniscope_nwb.convert.readers.base import Match, RecordingSource
from miniscope_nwb.convert.readers.marking import mark_files
from miniscope_nwb.convert.readers.parts import (
    VIDEO_SUFFIX,
    find_file,
    find_parts,
    is_derived,
    list_folder,
    list_source_files,
    relative,
)
from miniscope_nwb.convert.readers.text import read_text
from miniscope_nwb.convert.readers.v3_settings import V3Settings, parse_settings
from miniscope_nwb.convert.readers.v3_stamps import V3Stamps, read_stamps
from miniscope_nwb.convert.readers.v4_start import start_from_names
from miniscope_nwb.convert.readers.video_checks import check_videos
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import (
    Device,
    Problem,
    ReadOptions,
    Recording,
    Role,
    Setting,
    Severity,
    Stamps,
    StartTime,
    VideoPart,
)
from miniscope_nwb.video.probe import probe_part

STAMPS = "timestamp.dat"
SETTINGS = "settings_and_notes.dat"
SOFTWARE = "Miniscope_DAQ_Software"
FIRST_PART = 1
NAMES: dict[Role, str] = {"scope": "Miniscope", "camera": "BehavCam"}
_STEMS: dict[Role, str] = {"scope": "msCam", "camera": "behavCam"}
_ENDING = r"[ _-]?(\d+)(?:[ _-].*)?"  # msCam1, and renamed: msCam_01, msCam1_copy
_OF_SCOPE = ("excitation", "mscamexposure")  # settings of the miniscope; others are the session's


@dataclass(slots=True)
class _Found:
    """What has been read of a session so far."""

    root: Path
    parts: dict[Role, tuple[VideoPart, ...]] = field(default_factory=dict)
    stamps: dict[Role, Stamps] = field(default_factory=dict)
    evidence: dict[Role, str] = field(default_factory=dict)
    text: V3Settings = field(default_factory=lambda: V3Settings({}))
    text_source: str = ""
    read_files: set[Path] = field(default_factory=set)
    notes: dict[Path, str] = field(default_factory=dict)  # what to say of a file that is not read
    problems: list[Problem] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The session folder's name in messages."""
        return self.root.absolute().name

    def add(
        self, severity: Severity, code: str, message: str, file: str = "", device: str = ""
    ) -> None:
        self.problems.append(Problem(severity, code, message, file, device))


class MiniscopeV3Reader:
    """Reads sessions of Miniscope_DAQ_Software."""

    name = "v3"
    summary = "UCLA Miniscope_DAQ_Software: msCam1.avi, behavCam1.avi, timestamp.dat"

    def sniff(self, folder: Path) -> Match:
        """Say whether `folder` is a session."""
        names = [path.name for path in list_folder(folder)]
        n_scope, n_camera = (
            sum(_is_part(name, stem) for name in names) for stem in _STEMS.values()
        )
        has_stamps = STAMPS in {name.casefold() for name in names}
        if n_scope or (n_camera and has_stamps):
            reason = f"{n_scope} msCam and {n_camera} behavCam videos, " + (
                STAMPS if has_stamps else f"no {STAMPS}"
            )
            return Match(self.name, (reason,), (RecordingSource(folder),))
        return Match(self.name, ("no msCam1.avi", f"{'only' if has_stamps else 'no'} {STAMPS}"))

    def read(self, source: RecordingSource, options: ReadOptions) -> Recording:
        """Read everything of a session but the pixels.

        What cannot be decided without a person becomes a problem of severity ``error``.

        Raises
        ------
        RecordingError
            Where a link leads out of the session.
        """
        found = _Found(source.folder)
        files = list_source_files(found.root)
        for role in NAMES:
            _read_parts(found, role)
        _read_stamps(found, options)
        _read_settings(found)
        devices = tuple(_device(found, role, options) for role in found.parts)
        for device in devices:
            found.problems += check_videos(device)
        start = start_from_names(found.root)
        return Recording(
            format=self.name,
            root=found.root,
            label="",
            software=SOFTWARE,
            start=StartTime(start, "folder name" if start else "not recorded", is_assumed=True),
            devices=devices,
            subject_id=found.text.animal,
            settings=_settings(found),
            notes=found.text.notes,
            source_files=mark_files(
                files, devices=devices, read=found.read_files, notes=found.notes
            ),
            problems=tuple(dict.fromkeys(found.problems)),
        )


def _is_part(name: str, stem: str) -> bool:
    is_video = name.casefold().endswith(VIDEO_SUFFIX) and not is_derived(name)
    return is_video and re.fullmatch(stem + _ENDING, Path(name).stem, re.IGNORECASE) is not None


def _read_parts(found: _Found, role: Role) -> None:
    stem, name = _STEMS[role], NAMES[role]
    try:
        paths = find_parts(found.root, stem_pattern=stem + _ENDING, first_index=FIRST_PART)
        parts = tuple(
            probe_part(path, relative_path=relative(path, found.root), index=index)
            for index, path in paths.items()
        )
    except RecordingError as error:
        found.add("error", "unclear_video", str(error), device=name)
        return
    if parts:
        found.parts[role] = parts
    elif role == "scope":
        message = (
            f"{found.name}: there is no video of the miniscope ({stem}1.avi, ...); put the videos "
            f"back beside {STAMPS}."
        )
        found.add("error", "no_video", message, device=name)


def _read_stamps(found: _Found, options: ReadOptions) -> None:
    path = None
    try:
        path = find_file(found.root, STAMPS)
        if path is None:
            message = (
                f"{found.name}: there is no {STAMPS}, so no frame has a time; put the file back "
                "beside the videos."
            )
            found.add("error", "no_stamps", message, STAMPS)
            return
        stamps = read_stamps(path, relative_path=relative(path, found.root))
    except RecordingError as error:
        found.add("error", "bad_stamps", str(error), STAMPS)
        if path is not None:
            found.notes[path] = str(error)
        return
    found.read_files.add(path)
    found.problems += stamps.problems
    if found.parts:
        _assign(found, stamps, path.name, options)


def _assign(found: _Found, stamps: V3Stamps, file: str, options: ReadOptions) -> None:
    """Give each device the rows of its camera."""
    result = v3_cameras.assign_cameras(stamps, found.parts, scope_camnum=options.scope_camnum)
    if result.error:
        found.add("error", "unclear_camnum", f"{found.name}: {result.error}", file)
    found.evidence = result.evidence
    found.stamps = {role: stamps.by_camnum[number] for role, number in result.camnum.items()}
    if not result.error:
        _note_leftovers(found, result.unused, stamps, file)


def _note_leftovers(found: _Found, unused: tuple[int, ...], stamps: V3Stamps, file: str) -> None:
    """Report cameras without videos and videos without rows."""
    for number in unused:
        message = (
            f"{file}: the {stamps.n_rows[number]} rows of camNum {number} have no videos here; "
            "they are not converted."
        )
        found.add("warning", "no_video_of_camera", message, file)
    for role in found.parts:
        if role not in found.stamps:
            message = (
                f"{file} has no rows of {NAMES[role]}, so its frames have no time; move its videos "
                "out of the folder, or restore the original file."
            )
            found.add("error", "no_stamps", message, file, NAMES[role])


def _read_settings(found: _Found) -> None:
    path = None
    try:
        path = find_file(found.root, SETTINGS)
        if path is None:
            message = f"{found.name} has no {SETTINGS}: animal, excitation and notes are unknown."
            found.add("warning", "missing_metadata", message, SETTINGS)
            return
        text = read_text(path, display=path.name)
    except RecordingError as error:
        message = f"Settings and notes are not converted. {error}"
        found.add("warning", "bad_notes", message, SETTINGS)
        if path is not None:
            found.notes[path] = str(error)
        return
    found.text = parse_settings(text)
    found.text_source = relative(path, found.root)
    found.read_files.add(path)
    for remark in found.text.remarks:
        found.add("warning", "mended_text", f"{path.name}: {remark}.", path.name)
    if found.text.damage:
        message = f"{path.name}: {found.text.damage}; separate their files by hand."
        found.add("error", "two_recordings", message, path.name)


def _settings(found: _Found) -> tuple[Setting, ...]:
    scope = NAMES["scope"] if "scope" in found.parts else ""
    return tuple(
        Setting(scope if key.casefold() in _OF_SCOPE else "", key, value, found.text_source)
        for key, value in found.text.values.items()
    )


def _device(found: _Found, role: Role, options: ReadOptions) -> Device:
    name = NAMES[role]
    evidence = f"videos called {_STEMS[role]}"
    if role in found.evidence:
        evidence += f"; {found.evidence[role]}"
    return Device(
        name=name,
        folder=".",
        role=options.roles.get(name, role),
        role_evidence="given by the user" if name in options.roles else evidence,
        device_type="",
        parts=found.parts[role],
        stamps=found.stamps.get(role),
        frames_per_file=v3_cameras.frames_per_file(found.parts[role]),
    )
