"""`miniscope-nwb share upload` with small parts, in processes that will be killed.

This process imports what takes long and then forks one process for each line of its input, so that
a test of ten kills does not import ten times. It says the child's number, and writes down how the
child ended.

Validation is left out: it takes seconds in every process and has its own tests.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import dandi.files  # noqa: F401  (before the forks)
import pynwb  # noqa: F401
import requests  # noqa: F401
import share_bench

from miniscope_nwb.cli.main import run
from miniscope_nwb.share import check, settings


def upload(arguments: list[str], environment: dict[str, str], output: str) -> int:
    os.environ.update(environment)
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    # A shell that starts the tests in the background has all of them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run(["share", "upload", *arguments])


if __name__ == "__main__":
    settings.DEFAULT = share_bench.QUICK
    check.check_file = share_bench.unvalidated
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            code = 1
            try:
                code = upload(**asked)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        note = Path(f"{asked['output']}.part")
        note.write_text(str(ended))
        note.rename(f"{asked['output']}.code")
