"""The process in which CaImAn runs: started, watched, ended, and its last words kept."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.engines.caiman.find import Place, environment_for
from miniscope_nwb.errors import EngineError

# CaImAn runs as many processes as there are cores: each of them must compute in one thread.
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
SILENCE_S = 1800.0  # without a beat; a machine that swaps may be silent for minutes
POLL_S = 0.5  # how soon it is noticed that the process has ended
N_LAST_WORDS = 12  # lines of the error output that a message shows
SHELL_SIGNAL = 128  # a shell reports a signal as this plus its number
SCRIPT = Path(__file__).parent / "worker" / "start.py"


@contextlib.contextmanager
def job_folder(resources: Resources) -> Iterator[Path]:
    """Make the only folder in which a job and CaImAn put files; it is deleted in every case."""
    folder = resources.scratch / "caiman"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_job(place: Place, job: dict[str, Any], folder: Path, resources: Resources) -> Any:
    """Run one job in CaImAn's interpreter.

    Parameters
    ----------
    place
        Where CaImAn is.
    job
        What to do, as plain JSON; see `worker`.
    folder
        Where the job's files are, and where the results are put.
    resources
        Whom to tell how far it is.

    Returns
    -------
    done
        What the worker tells at its end; arrays are in files of the folder.

    Raises
    ------
    EngineError
        Where it fails or is killed; with CaImAn's last words.
    """
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    log = folder / "worker.log"
    with log.open("wb") as words:
        try:
            process = subprocess.Popen(
                [str(place.interpreter), str(SCRIPT), str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=words,
                cwd=folder,
                env=_environment(place, folder),
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(
                f"CaImAn's interpreter {place.interpreter} cannot be started ({error})."
            ) from error
        try:
            end = _listen(process, resources)
        finally:
            _end(process)
    if "done" in end:
        return end["done"]
    raise EngineError(_what_happened(end, process.returncode, _last_words(log)))


def _environment(place: Place, folder: Path) -> dict[str, str]:
    found = environment_for(place.interpreter)
    found.update(dict.fromkeys(ONE_THREAD, "1"))
    found.update(
        CAIMAN_TEMP=str(folder), TMPDIR=str(folder), TEMP=str(folder), TMP=str(folder),
        MPLBACKEND="Agg", PYTHONUNBUFFERED="1", TF_CPP_MIN_LOG_LEVEL="3",
    )  # fmt: skip
    return found


def _listen(process: subprocess.Popen[bytes], resources: Resources) -> dict[str, Any]:
    """Pass on what the worker says until it ends; return its last message."""
    lines: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    end: dict[str, Any] = {}
    heard = time.monotonic()
    while True:
        has_ended = process.poll() is not None  # asked first, so that its last lines are read
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            if has_ended:  # children that outlive it hold its output open
                return end
            if time.monotonic() - heard > SILENCE_S:
                minutes = SILENCE_S / 60
                return {"kind": "silent", "error": f"it said nothing for {minutes:.0f} minutes"}
            continue
        heard = time.monotonic()
        if line is None:
            process.wait()
            return end
        message = _parse(line)
        if "say" in message:
            resources.say(str(message["say"]))
        if "step" in message:
            resources.progress(int(message["step"]), int(message["of"]))
        if "done" in message or "error" in message:
            end = message


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)


def _parse(line: bytes) -> dict[str, Any]:
    """Read one message; what is none counts as a fault of the worker."""
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if isinstance(message, dict):
        return message
    shown = line.decode("utf-8", "replace").strip()[:200]
    return {"kind": "protocol", "error": f"it sent what cannot be understood ({shown!r})"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the worker and its children, if they are still there."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return "\n".join(lines[-N_LAST_WORDS:])


def unknown_parameter(error: str) -> str:
    """Return the sentence on a name that CaImAn does not know."""
    return f"{error}: mend it in the section caiman of the parameters."


def _what_happened(end: dict[str, Any], status: int, words: str) -> str:
    """Say in one sentence how the worker ended, and show its last words."""
    kind = end.get("kind", "")
    if kind == "parameter":
        return unknown_parameter(str(end["error"]))
    number = -status if status < 0 else status - SHELL_SIGNAL
    if not end and 0 < number < signal.NSIG:
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        why = f"its process was killed ({name})"
    elif end:
        why = str(end["error"])
    else:
        why = f"its process ended with {status} and gave no result"
    advice = "rerun with --engine builtin, or look at the last words"
    if kind in ("memory", "killed") or "SIGKILL" in why:
        advice = (
            "most likely the memory ran out: rerun with fewer --threads, a smaller --crop, or "
            "--engine builtin"
        )
    shown = f" CaImAn's last words:\n{words}" if words else " It left no last words."
    return f"CaImAn broke down: {why}; {advice}.{shown}"
