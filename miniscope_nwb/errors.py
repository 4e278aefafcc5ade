"""The errors that a user may meet, each one sentence that helps.

A message names the file, says what was expected and what was found, and what to do next.
The command line prints it as it stands and exits with its class's code, mostly 1; Python callers
catch one of:

    MiniscopeError
    ├── RecordingError      the raw folder cannot be read, or not without a decision
    │   ├── DetectionError  no reader, or more than one, recognises the folder
    │   └── MismatchError   stamps and frames disagree beyond what can be mended without doubt
    ├── MetadataError       the session YAML is wrong
    ├── OutputError         the NWB file cannot be written (exists, read-only, disk full)
    ├── NwbContentError     an NWB file is not what the command needs
    ├── ParameterError      a parameter, its value or a preset is not known
    ├── EngineError         an engine is missing, refuses its parameters or broke down
    └── ShareError          a file cannot be shared as it was asked for
        ├── AccessError       no key, no right, no such archive or dandiset (exit code 2)
        ├── UnreachableError  the archive does not answer; the same command goes on (3)
        └── DifferenceError   the archive holds something else than the file (4)
"""

from typing import ClassVar


class MiniscopeError(Exception):
    """Base of all errors that this package raises on purpose."""

    exit_code: ClassVar[int] = 1  # of the command line


class RecordingError(MiniscopeError):
    """The raw recording cannot be read, or not without a decision by the user."""


class DetectionError(RecordingError):
    """No reader, or more than one, recognises the folder."""


class MismatchError(RecordingError):
    """Time stamps and frames disagree beyond what can be mended without doubt."""


class MetadataError(MiniscopeError):
    """The session YAML is wrong."""


class OutputError(MiniscopeError):
    """The output cannot be written."""


class NwbContentError(MiniscopeError):
    """An NWB file does not hold what the command needs, or not as it should be."""


class EngineError(MiniscopeError):
    """An engine is missing, refuses its parameters, or broke down."""


class ParameterError(MiniscopeError):
    """A parameter, a section, a preset or a value is not known, or out of its bounds."""


class ShareError(MiniscopeError):
    """A file cannot be shared as it was asked for."""


class AccessError(ShareError):
    """No key, no right, or no such archive or dandiset."""

    exit_code = 2


class UnreachableError(ShareError):
    """The archive or its storage does not answer; the same command goes on later."""

    exit_code = 3


class DifferenceError(ShareError):
    """The archive holds something else than the file."""

    exit_code = 4
