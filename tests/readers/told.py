"""What a recording that was read tells: problems and files, for the tests of every reader."""

from __future__ import annotations


def codes(recording, severity=None):
    return [p.code for p in recording.problems if severity in (None, p.severity)]


def message(recording, code):
    return next(p.message for p in recording.problems if p.code == code)


def source_file(recording, path):
    """Return the file of a path, absolute or relative to the recording."""
    return next(f for f in recording.source_files if path in (f.path, f.relative_path))
