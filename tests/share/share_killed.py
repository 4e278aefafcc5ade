"""`miniscope-nwb share upload` with small parts, for a process of its own that will be killed.

Validation is left out: it takes seconds in every process and has its own tests.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import share_bench

from miniscope_nwb.cli.main import run
from miniscope_nwb.share import check, settings

if __name__ == "__main__":
    # A shell that starts the tests in the background has all of them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.DEFAULT = share_bench.QUICK
    check.check_file = share_bench.unvalidated
    sys.exit(run(["share", "upload", *sys.argv[1:]]))
