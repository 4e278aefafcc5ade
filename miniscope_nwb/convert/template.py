"""The commented session.yaml that `miniscope-nwb init` writes: all that was found, and the gaps.

Every text found is written in quotes, so that YAML reads ``"007"`` as it was recorded. Found times
and settings stand in comments: the recording itself supplies them, and a file that is copied to
the next session must not bring the start of another. What DANDI needs and only a person knows is
marked ``# REQUIRED for DANDI``. The rules that the comments name are those of NWB Inspector 0.7.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from miniscope_nwb.convert import names
from miniscope_nwb.convert.metadata import raw_source
from miniscope_nwb.convert.metadata_devices import NEEDED_OF_SCOPES, nominal_pixel_size
from miniscope_nwb.convert.scopes import look_up
from miniscope_nwb.convert.template_hints import HEADER, HINTS, RECOMMENDED, REQUIRED, SECTION_HINTS
from miniscope_nwb.convert.yaml_text import printable, quote
from miniscope_nwb.recording import Device, Recording

WIDTH = 100  # columns
MAX_COMMENT = 110  # characters of a recorded value that a comment repeats
MAX_SETTINGS = 60  # settings of a device that are shown
OPTIONAL_SESSION = (
    "session_id", "session_description", "lab", "institution", "keywords", "related_publications",
    "notes", "protocol", "pharmacology", "surgery", "virus", "stimulus_notes", "data_collection",
)  # fmt: skip
OPTIONAL_SUBJECT = ("date_of_birth", "genotype", "strain", "weight", "description")
OPTIONAL_IMAGING = (
    "plane_description", "reference_frame", "origin_coords_mm", "exposure_time_s", "binning",
    "power_w", "intensity_w_per_m2",
)  # fmt: skip
OPTIONAL_DEVICE = ("role", "description", "manufacturer", "model", "serial_number")


def write_template(recordings: Recording | Sequence[Recording]) -> str:
    """Write a session YAML for one recording, or one for several.

    Parameters
    ----------
    recordings
        As read from the raw folder.

    Returns
    -------
    str
        YAML with LF line ends. It loads as it is; with every REQUIRED field filled, nothing that
        DANDI needs is missing.
    """
    several = [recordings] if isinstance(recordings, Recording) else list(recordings)
    lines = [f"# {line}".rstrip() for line in HEADER]
    lines += [f"# Written for {_comment(recording.root.name)}." for recording in several]
    devices = _devices(several)
    for section, body in (
        ("session", _session(several)),
        ("subject", _subject(several)),
        ("imaging", _imaging(devices)),
        ("devices", _device_groups(several, devices)),
    ):
        lines += ["", *(f"# {hint}" for hint in SECTION_HINTS[section]), f"{section}:"]
        lines += [folded for line in body for folded in _fold(f"  {line}")]
    return "\n".join(lines) + "\n"


def _session(recordings: Sequence[Recording]) -> Iterator[str]:
    for recording in recordings:
        start = recording.start
        if start.value is None:
            yield f"session_start_time:  # {REQUIRED}: {HINTS['session_start_time']}"
            break
        source = _comment(start.source) + (", assumed" if start.is_assumed else "")
        if len(recordings) == 1:
            yield f"# session_start_time: {quote(start.value.isoformat())}  # found: {source}"
        else:  # one start in the YAML could be true of only one of them
            yield f"# {_comment(recording.root.name)} started {start.value.isoformat()} ({source})"
    is_naive = any(r.start.value is None or r.start.value.tzinfo is None for r in recordings)
    mark = f"{RECOMMENDED}: the recording tells none; " if is_naive else ""
    yield f"timezone:  # {mark}{HINTS['timezone']}"
    for key, attribute in (
        ("experimenter", "experimenter"),
        ("experiment_description", "experiment_description"),
    ):
        yield _found(key, f"session.{key}", [(getattr(r, attribute), r) for r in recordings])
    for key in OPTIONAL_SESSION:
        yield _empty(key)


def _subject(recordings: Sequence[Recording]) -> Iterator[str]:
    subjects = [(recording.subject_id, recording) for recording in recordings]
    yield _found("subject_id", "subject.subject_id", subjects, is_required=True)
    for key in ("species", "sex", "age"):
        yield f"{key}:  # {REQUIRED}: {HINTS[key]}"
    for key in OPTIONAL_SUBJECT:
        yield _empty(key, HINTS["subject_description"] if key == "description" else "")


def _imaging(devices: Iterable[Device]) -> Iterator[str]:
    scopes = [device for device in devices if device.role == "scope"]
    has_size = bool(scopes) and all(nominal_pixel_size(scope)[0] is not None for scope in scopes)
    for key in NEEDED_OF_SCOPES:
        # Where the optics are documented, what is left empty is filled, and so not missing.
        mark = RECOMMENDED if key == "pixel_size_um" and has_size else REQUIRED
        yield f"{key}:  # {mark}: {HINTS[key]}"
    for scope in scopes:
        size, source = nominal_pixel_size(scope)
        if size is not None:
            nominal = f"left empty, {_comment(scope.name)} gets {size[0]} um: {source}"
            yield from (f"# {text}" for text in textwrap.wrap(nominal, WIDTH - 4))
    for key in OPTIONAL_IMAGING:
        yield _empty(key)


def _device_groups(recordings: Sequence[Recording], devices: Sequence[Device]) -> Iterator[str]:
    has_several_scopes = sum(device.role == "scope" for device in devices) > 1
    for device in devices:
        yield f"{quote(printable(device.name))}:"
        known = look_up(device.device_type, role=device.role)
        of_type = _comment(device.device_type) or "type not recorded"
        yield f"  # found: {device.role} ({_comment(device.role_evidence)}); {of_type}"
        yield f"  # {_comment(known.model)}: {_comment(known.description)}"
        for setting in _settings(recordings, device):
            yield f"  # {setting}"
        for key in OPTIONAL_DEVICE:
            yield f"  {_empty(key, HINTS['device_description'] if key == 'description' else '')}"
        if device.role == "scope" and has_several_scopes:
            for key in NEEDED_OF_SCOPES:
                yield f"  {_empty(key, 'only where it differs from imaging')}"


def _settings(recordings: Sequence[Recording], device: Device) -> Iterator[str]:
    """Show what the metadata files say of a device, of the first recording that has it."""
    for recording in recordings:
        settings = [item for item in recording.settings if item.device == device.name]
        if not settings:
            continue
        for setting in settings[:MAX_SETTINGS]:
            value = json.dumps(setting.value, ensure_ascii=False)
            yield f"{_comment(setting.key)}: {_comment(value)}  ({_comment(setting.source)})"
        if len(settings) > MAX_SETTINGS:
            yield f"... and {len(settings) - MAX_SETTINGS} settings more"
        return


def _found(
    key: str,
    dotted: str,
    texts: Sequence[tuple[str, Recording]],
    *,
    is_required: bool = False,
) -> str:
    """Write a text that was recorded; where recordings differ, leave the choice to the person."""
    sources: dict[str, str] = {}
    for text, recording in texts:
        if printable(text).strip():
            sources.setdefault(printable(text).strip(), raw_source(recording, dotted))
    hint = f"{REQUIRED}: {HINTS[key]}" if is_required else HINTS[key]
    if not sources:
        return f"{key}:  # {hint}"
    if len(sources) > 1:
        listed = _comment(", ".join(map(quote, sources)))
        own = "leave empty, so that each file takes its own, or convert them one by one; "
        return f"{key}:  # {own if is_required else ''}{hint}; found: {listed}"
    text, source = next(iter(sources.items()))
    if is_required:  # an identifier: what the YAML's own rule would refuse is mended
        text = names.path_part(text)
    better = _last_first(text) if key == "experimenter" else ""
    advice = f"{RECOMMENDED}: write {quote(better)}; " if better else ""
    return f"{key}: {quote(text)}  # {advice}found: {_comment(source)}; {HINTS[key]}"


def _last_first(name: str) -> str:
    """Turn "Jane Doe" round as `validate` wants it; "" where it is not clear which name is which.

    Only a person can say, so the template offers it and keeps what was recorded.
    """
    parts = name.split()
    is_clear = len(parts) == 2 and all(part.isalpha() for part in parts)
    return f"{parts[1]}, {parts[0]}" if is_clear else ""


def _empty(key: str, hint: str = "") -> str:
    text = hint or HINTS.get(key, "")
    return f"{key}:  # {text}" if text else f"{key}:"


def _devices(recordings: Sequence[Recording]) -> list[Device]:
    """List every device once, scopes first."""
    devices = [device for recording in recordings for device in recording.devices]
    found: dict[str, Device] = {}
    for device in sorted(devices, key=lambda device: device.role != "scope"):
        found.setdefault(printable(device.name), device)
    return list(found.values())


def _fold(line: str) -> Iterator[str]:
    """Move a long explanation from the end of a line to comment lines above it.

    The mark of a required field stays on the field's own line.
    """
    indent = line[: len(line) - len(line.lstrip())]
    if len(line) <= WIDTH or line.lstrip().startswith("#"):
        yield line
        return
    field, _, hint = line.rpartition("  # ")
    mark, colon, rest = hint.partition(": ")
    if mark not in (REQUIRED, RECOMMENDED) or not colon:
        mark, rest = "", hint
    for text in textwrap.wrap(
        rest, WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False
    ):
        yield f"{indent}# {text}"
    yield f"{field}  # {mark}" if mark else field


def _comment(text: str) -> str:
    """Make a recorded text safe and short for the rest of a comment line."""
    tidy = " ".join(quote(printable(text))[1:-1].replace('\\"', '"').split())
    return tidy if len(tidy) <= MAX_COMMENT else tidy[: MAX_COMMENT - 3] + "..."
