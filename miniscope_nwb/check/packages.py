"""Which Python packages are installed, in which versions, and what they enable."""

from __future__ import annotations

import importlib.util
import platform
import sys
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    entry_points,
    requires,
    version,
)
from typing import TYPE_CHECKING

from miniscope_nwb import __version__
from miniscope_nwb.check.finding import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# Distribution -> what it does here. The versions asked for stand in the package's own metadata.
NEEDED = {
    "av": "decodes the raw video",
    "click": "command line",
    "dandi": "the archive's rules for `validate`",
    "filelock": "keeps two processes from writing one file",
    "h5py": "writes the movie's chunks",
    "hdmf": "tables of the NWB file",
    "isal": "fast gzip compression",
    "neuroconv": "data interfaces for your own NWBConverter",
    "numba": "compiled inner loops of `process`",
    "numpy": "arrays",
    "nwbinspector": "best practices for `validate`",
    "packaging": "compares versions",
    "platformdirs": "where journals of uploads lie",
    "psutil": "free memory and file systems",
    "pydantic": "parameters of `process`",
    "pynwb": "reads and writes NWB",
    "PyYAML": "session and parameter files",
    "requests": "HTTP to the archive and to files on servers",
    "scipy": "footprints and transforms of `process`, fields of `simulate`",
    "threadpoolctl": "one thread a BLAS call inside ours",
    "tqdm": "progress bars",
}
# As in `plugins`, which cannot be imported where one of the packages is missing.
READERS = "miniscope_nwb.readers"
OPENCV_WHEELS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)


def examine_python() -> list[Finding]:
    """Name the interpreter, the operating system and this package."""
    is_supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    python = Finding(
        "Python",
        "ok" if is_supported else "warning",
        f"{platform.python_version()} on {platform.system()} {platform.release()} "
        f"({platform.machine()}), {sys.prefix}",
        "" if is_supported else "Use Python 3.11, 3.12 or 3.13: others are not tested.",
    )
    return [Finding("miniscope-nwb", "ok", __version__), python]


def examine_packages() -> list[Finding]:
    """Compare every package that we need with the version that we ask for."""
    asked = _requirements()
    return [_examine_package(name, purpose, asked.get(name)) for name, purpose in NEEDED.items()]


def _examine_package(name: str, purpose: str, asked: Requirement | None) -> Finding:
    wanted = str(asked) if asked is not None else name
    remedy = f'python -m pip install "{wanted}"'
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, "error", f"is not installed ({purpose})", remedy)
    if asked is not None and not asked.specifier.contains(found, prereleases=True):
        return Finding(
            name,
            "error",
            f"{found} is installed, but {asked.specifier} is needed ({purpose})",
            remedy,
        )
    return Finding(name, "ok", f"{found} ({purpose})")


def _requirements() -> dict[str, Requirement]:
    """Read what our own metadata ask for; nothing where we run from a bare source tree."""
    from packaging.requirements import Requirement

    try:
        lines = requires("miniscope-nwb") or []
    except PackageNotFoundError:
        return {}
    parsed = [Requirement(line) for line in lines]
    return {
        item.name: item
        for item in parsed
        if item.marker is None or ("extra" not in str(item.marker) and item.marker.evaluate())
    }


def examine_libraries() -> list[Finding]:
    """Name the C libraries inside the wheels: HDF5 and FFmpeg."""
    findings = []
    if importlib.util.find_spec("h5py") is not None:
        import h5py

        findings.append(Finding("HDF5", "ok", f"{h5py.version.hdf5_version} (in h5py)"))
    if importlib.util.find_spec("av") is not None:
        import av

        codec = ".".join(map(str, av.library_versions["libavcodec"]))
        findings.append(
            Finding("FFmpeg", "ok", f"{av.ffmpeg_version_info}, libavcodec {codec} (in av)")
        )
    return findings


def opencv_wheels() -> dict[str, str]:
    """Return the installed wheels that bring a ``cv2`` folder, with their versions."""
    found = {}
    for name in OPENCV_WHEELS:
        wheel = _distribution(name)
        if wheel is not None:
            found[name] = wheel.version
    return found


def _distribution(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def examine_opencv_wheels() -> Finding:
    """Say whether exactly one wheel owns the ``cv2`` folder.

    CaImAn asks for ``opencv-python`` and NeuroConv for ``opencv-python-headless``; pip installs
    both into one folder, and removing either then breaks the other.
    """
    wheels = opencv_wheels()
    named = ", ".join(f"{name} {number}" for name, number in wheels.items())
    if len(wheels) == 1:
        return Finding("OpenCV", "ok", f"{named} (second decoder of `verify`, frames of `process`)")
    if not wheels and importlib.util.find_spec("cv2") is not None:
        return Finding("OpenCV", "ok", "installed by something else than pip, such as conda")
    if not wheels:
        return Finding(
            "OpenCV",
            "error",
            "is not installed (second decoder of `verify`, frames of `process`)",
            "python -m pip install opencv-python-headless",
        )
    keep = "opencv-python" if "opencv-python" in wheels else next(iter(wheels))
    return Finding(
        "OpenCV",
        "warning",
        f"{len(wheels)} wheels share one cv2 folder ({named}): which of them answers is chance, "
        "and removing one breaks the other",
        f"python -m pip uninstall -y {' '.join(wheels)}, then python -m pip install {keep} "
        "(opencv-python-headless where no program opens windows)",
    )


def examine_readers() -> list[Finding]:
    """List readers that other packages add."""
    return examine_plugins("reader", READERS)


def examine_plugins(word: str, group: str) -> list[Finding]:
    """List what other packages add through entry points, without importing it.

    Parameters
    ----------
    word
        What it is called: "reader".
    group
        The entry-point group in which it is named.
    """
    findings = []
    for point in sorted(entry_points(group=group), key=lambda item: item.name):
        owner = point.dist.name if point.dist is not None else "an unknown package"
        module = point.value.partition(":")[0]
        try:
            is_found = importlib.util.find_spec(module) is not None
        except (ImportError, ValueError):
            is_found = False
        if is_found:
            findings.append(Finding(word, "ok", f"{point.name}, added by {owner}"))
        else:
            findings.append(
                Finding(
                    word,
                    "warning",
                    f"{point.name} of {owner} cannot be loaded: there is no module {module}",
                    f"python -m pip install --force-reinstall {owner}, or uninstall it",
                )
            )
    return findings
