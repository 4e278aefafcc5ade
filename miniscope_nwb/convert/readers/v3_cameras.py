"""Which camNum of timestamp.dat is the miniscope, and which the behaviour camera.

Nothing in a V3 recording names it. The user may; else the number of rows of a camera must agree
with the number of frames in msCam*.avi or behavCam*.avi, and in one way only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from miniscope_nwb.convert.readers.v3_stamps import V3Stamps
from miniscope_nwb.recording import Role, VideoPart

FRAMES_PER_FILE = 1000  # the software's constant
RING_FRAMES = 128  # frames that may lack a stamp at the end
FILES: dict[Role, str] = {"scope": "msCam*.avi", "camera": "behavCam*.avi"}
_MOST_CAMERAS = 16  # more are no cameras but a damaged file


@dataclass(frozen=True, slots=True)
class Assignment:
    """The camNum of each role, and what says so; or why it cannot be told."""

    camnum: dict[Role, int]
    evidence: dict[Role, str]
    error: str = ""  # a whole sentence
    unused: tuple[int, ...] = ()  # cameras without videos


def frames_per_file(parts: Sequence[VideoPart]) -> int:
    """Return how many frames a full file holds: what the full files say, else the constant."""
    last = max((place for place, part in enumerate(parts) if part.n_frames), default=0)
    lengths = {part.n_frames for part in parts[:last] if part.state == "whole"}
    return lengths.pop() if len(lengths) == 1 else FRAMES_PER_FILE


def assign_cameras(
    stamps: V3Stamps,
    videos: Mapping[Role, Sequence[VideoPart]],
    *,
    scope_camnum: int | None,
) -> Assignment:
    """Find the camNum of every role that has videos.

    Parameters
    ----------
    stamps
        Of every camera in timestamp.dat.
    videos
        The parts of each role, not empty.
    scope_camnum
        What the user says.

    Returns
    -------
    Assignment
        Counts must be equal; where none are, those that the rules for damaged files would mend
        are allowed; where they would mend none, one of two cameras must be equal. More than one
        way to assign the cameras is an error, and so is none.
    """
    n_rows = stamps.n_rows
    if scope_camnum is not None:
        if scope_camnum not in n_rows or "scope" not in videos:
            return Assignment({}, {}, _say_wrong(n_rows, videos, scope_camnum))
        return _given(n_rows, videos, scope_camnum)
    if len(n_rows) == len(videos) == 1:
        (role,), (camnum,) = videos, n_rows
        return Assignment({role: camnum}, {role: f"camNum {camnum} is the only one"})
    return _by_counts(n_rows, videos)


def _given(
    n_rows: dict[int, int], videos: Mapping[Role, Sequence[VideoPart]], scope_camnum: int
) -> Assignment:
    said = f"camNum {scope_camnum} given by the user"
    camnum: dict[Role, int] = {"scope": scope_camnum}
    evidence: dict[Role, str] = {"scope": said}
    others = {number: n for number, n in n_rows.items() if number != scope_camnum}
    error = ""
    if "camera" in videos and len(others) == 1:
        camnum["camera"] = next(iter(others))
        evidence["camera"] = f"camNum {camnum['camera']} is the other one"
    elif "camera" in videos and others:
        rest = _by_counts(others, {"camera": videos["camera"]})
        camnum |= rest.camnum
        evidence |= rest.evidence
        error = rest.error
    return Assignment(camnum, evidence, error, _unused(n_rows, camnum))


def _by_counts(n_rows: dict[int, int], videos: Mapping[Role, Sequence[VideoPart]]) -> Assignment:
    if len(n_rows) > _MOST_CAMERAS:
        return Assignment({}, {}, _say_unclear(n_rows, videos))
    for is_exact in (True, False):
        ways = _list_ways(n_rows, videos, is_exact=is_exact)
        if len(ways) == 1:
            found = ways[0]
            how = "as many" if is_exact else "nearly as many"
            evidence = {
                role: f"camNum {number} has {how} rows ({n_rows[number]}) as {FILES[role]} frames"
                for role, number in found.items()
            }
            return Assignment(found, evidence, unused=_unused(n_rows, found))
        if ways:
            break
    else:
        if by_rest := _by_rest(n_rows, videos):
            return by_rest
    return Assignment({}, {}, _say_unclear(n_rows, videos))


def _by_rest(
    n_rows: dict[int, int], videos: Mapping[Role, Sequence[VideoPart]]
) -> Assignment | None:
    """Of two cameras, if the count of one is right and fits nothing else, the other is the other.

    That one's rows and frames may then differ by any number, which is not judged here.
    """
    exact = [
        (role, number)
        for role, parts in videos.items()
        for number, n in n_rows.items()
        if _fits(n, parts, is_exact=True)
    ]
    if len(exact) != 1 or len(n_rows) != 2 or len(videos) != 2:
        return None
    role, number = exact[0]
    camnum = {role: number}
    evidence = {
        role: f"camNum {number} has as many rows ({n_rows[number]}) as {FILES[role]} frames"
    }
    for other in videos:
        if other != role:
            camnum[other] = next(n for n in n_rows if n != number)
            evidence[other] = f"camNum {camnum[other]} is the other one"
    return Assignment(camnum, evidence)


def _list_ways(
    n_rows: dict[int, int], videos: Mapping[Role, Sequence[VideoPart]], *, is_exact: bool
) -> list[dict[Role, int]]:
    """List every way to give each role a camera of its own that fits."""
    fitting = {
        role: [number for number, n in n_rows.items() if _fits(n, parts, is_exact=is_exact)]
        for role, parts in videos.items()
    }
    n_roles = min(len(videos), len(n_rows))
    ways: list[dict[Role, int]] = []
    for roles in combinations(videos, n_roles):
        for numbers in product(*(fitting[role] for role in roles)):
            if len(set(numbers)) == n_roles:
                ways.append(dict(zip(roles, numbers, strict=True)))
    return ways


def _fits(n_rows: int, parts: Sequence[VideoPart], *, is_exact: bool) -> bool:
    """Whether so many rows may belong to these files."""
    per_file = frames_per_file(parts)
    with_frames = [part for part in parts if part.n_frames]
    last = with_frames[-1] if with_frames else None
    n_frames = last.index * per_file + last.n_frames if last is not None else 0
    if is_exact:
        return n_rows == n_frames
    tail = [part for part in parts if last is None or part.index >= last.index]
    is_cut = any(part.is_damaged for part in tail)
    most = (parts[-1].index + 1) * per_file if is_cut else n_frames
    return n_frames - RING_FRAMES <= n_rows <= most


def _unused(n_rows: dict[int, int], camnum: Mapping[Role, int]) -> tuple[int, ...]:
    return tuple(number for number in n_rows if number not in camnum.values())


def _say_counts(n_rows: dict[int, int], videos: Mapping[Role, Sequence[VideoPart]]) -> str:
    rows = ", ".join(f"{n} rows of camNum {number}" for number, n in n_rows.items())
    frames = ", ".join(
        f"{sum(part.n_frames for part in parts)} frames of {FILES[role]}"
        for role, parts in videos.items()
    )
    return f"there are {rows} and {frames}"


def _say_unclear(n_rows: dict[int, int], videos: Mapping[Role, Sequence[VideoPart]]) -> str:
    choices = " or ".join(f"--scope-camnum {number}" for number in list(n_rows)[:_MOST_CAMERAS])
    return (
        "timestamp.dat does not tell which camera is the miniscope: "
        f"{_say_counts(n_rows, videos)}; give {choices}."
    )


def _say_wrong(
    n_rows: dict[int, int], videos: Mapping[Role, Sequence[VideoPart]], camnum: int
) -> str:
    if "scope" not in videos:
        return f"--scope-camnum {camnum}: there are no {FILES['scope']} here; leave it out."
    choices = " or ".join(str(number) for number in n_rows)
    return (
        f"--scope-camnum {camnum}: timestamp.dat has no such camera "
        f"({_say_counts(n_rows, videos)}); give {choices}."
    )
