"""Where CaImAn is: in this interpreter, or in the one that the user names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from packaging.version import InvalidVersion, Version

VARIABLE = "MINISCOPE_NWB_CAIMAN_PYTHON"
OPTION = "--caiman-python"
OLDEST = Version("1.12")
PROBE_TIMEOUT_S = 60.0  # an interpreter on a cold network disk may take long to start

INSTALL = (
    "it comes from conda-forge, not from PyPI: make both in one environment with "
    "`conda env create -f environment.yml`, or CaImAn in one of its own with "
    f"`conda create -n caiman -c conda-forge caiman` and name its interpreter with {OPTION} "
    f"or in {VARIABLE}"
)


@dataclass(frozen=True, slots=True)
class Place:
    """An interpreter, and whether CaImAn can be used in it."""

    interpreter: Path
    is_other: bool  # not the one that runs us
    version: str = ""
    reason: str = ""  # why it cannot be used; one sentence, "" where it can
    clause: str = ""  # the same in a few words, without advice and paths


def find_caiman(named: Path | None = None) -> Place:
    """Look for CaImAn without importing it.

    Parameters
    ----------
    named
        Interpreter to look in; by default the one in ``MINISCOPE_NWB_CAIMAN_PYTHON``, else the
        one that runs us.
    """
    by_variable = os.environ.get(VARIABLE, "")
    given = str(named) if named is not None else by_variable
    if not given:
        return _judge(Path(sys.executable), _look_here(), is_other=False)
    source = OPTION if named is not None else VARIABLE
    interpreter = Path(given).expanduser()
    if not interpreter.is_file():
        reason = (
            f"{source} names {interpreter}, but there is no such file: name the python of "
            "CaImAn's environment."
        )
        return Place(interpreter, True, reason=reason, clause=f"{source} names no file")
    return _look_elsewhere(interpreter.absolute(), source)


def _look_here() -> dict[str, str]:
    from miniscope_nwb.engines.caiman.worker.probe import look

    return look()


@lru_cache(maxsize=8)
def _look_elsewhere(interpreter: Path, source: str) -> Place:
    script = Path(__file__).parent / "worker" / "probe.py"
    try:
        done = subprocess.run(
            [str(interpreter), str(script)],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            env=environment_for(interpreter),
            check=False,
        )
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        return _judge(interpreter, answer, is_other=True)
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError):
        words = done.stderr.strip().splitlines()
        why = words[-1] if words else f"it ended with {done.returncode} and said nothing"
    reason = f"{source} names {interpreter}, but that is no Python that answers ({why})."
    clause = f"the interpreter that {source} names does not answer"
    return Place(interpreter, True, reason=reason, clause=clause)


def _judge(interpreter: Path, answer: dict[str, str], *, is_other: bool) -> Place:
    where = f"in the environment of {interpreter}" if is_other else "in this environment"
    version = answer["version"]
    if answer["state"] == "absent":
        clause = "CaImAn is not installed"
        return Place(interpreter, is_other, reason=f"{clause} {where}; {INSTALL}.", clause=clause)
    if answer["state"] == "unrelated":
        reason = (
            f"the package `caiman` {version} {where} is not CaImAn but an unrelated one of that "
            "name from PyPI: uninstall it (python -m pip uninstall caiman); as for CaImAn, "
            f"{INSTALL}."
        )
        clause = "the package `caiman` that is installed is not CaImAn"
        return Place(interpreter, is_other, version, reason, clause)
    if _is_too_old(version):
        reason = (
            f"CaImAn {version} {where} is too old, {OLDEST} or later is needed: "
            "update it (conda update -c conda-forge caiman)."
        )
        clause = f"CaImAn {version} is too old, {OLDEST} or later is needed"
        return Place(interpreter, is_other, version, reason, clause)
    return Place(interpreter, is_other, version or "of unknown version")


def _is_too_old(version: str) -> bool:
    try:
        return Version(version) < OLDEST
    except InvalidVersion:
        return False  # no version at all: let it try


def environment_for(interpreter: Path) -> dict[str, str]:
    """Return the environment variables for another interpreter: ours, without our own paths."""
    found = dict(os.environ)
    if interpreter == Path(sys.executable):
        return found
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"):
        found.pop(name, None)
    if os.name == "nt":  # conda's libraries are found by the path
        root = interpreter.parent
        folders = [root, root / "Library" / "bin", root / "Scripts"]
        found["PATH"] = os.pathsep.join([*map(str, folders), found.get("PATH", "")])
    return found
