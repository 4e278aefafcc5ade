"""An interruption ends a command, whatever Python or a library does with the exception."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

BEGIN = """
import sys, time, weakref
from miniscope_nwb.cli import interrupt
interrupt.install()

def wait():
    print("waiting", flush=True)
    time.sleep(30)

class Thing:
    pass
"""
CALLED_BACK = """
thing = Thing()
watcher = weakref.ref(thing, lambda _: wait())
del thing  # what is raised in the callback is dropped by Python
"""
SWALLOWED = """
try:
    wait()
except BaseException:
    pass
"""
END = """
print("dropped", flush=True)
try:
    time.sleep(30)
except KeyboardInterrupt:
    interrupt.seen()
    print("again", flush=True)
time.sleep(0.5)  # not once more
print("end", flush=True)
"""
HANDLED = """
try:
    try:
        wait()
    finally:
        time.sleep(0.5)  # tidying up is not disturbed
        print("tidy", flush=True)
except KeyboardInterrupt as error:
    try:
        raise ValueError("changed") from None
    except ValueError:
        time.sleep(0.5)
        interrupt.seen()
time.sleep(0.5)
print("end", flush=True)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")


def signalled(program: str, number: signal.Signals) -> list[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "waiting\n"
    child.send_signal(number)
    out, err = child.communicate(timeout=25)
    assert err == ""
    return out.split()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("dropping", [CALLED_BACK, SWALLOWED], ids=["called-back", "swallowed"])
def test_a_dropped_interruption_comes_again_once(dropping, number):
    assert signalled(BEGIN + dropping + END, number) == ["dropped", "again", "end"]


def test_one_that_is_handled_comes_once():
    assert signalled(BEGIN + HANDLED, signal.SIGINT) == ["tidy", "end"]


def test_other_errors_of_finalizers_are_told():
    program = (
        BEGIN + "\nwatched = Thing()\nwatcher = weakref.ref(watched, lambda _: 1 / 0)\ndel watched"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "ZeroDivisionError" in done.stderr
