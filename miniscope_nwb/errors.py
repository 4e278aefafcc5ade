"""The errors that a user may meet, each one sentence that helps.

A message names the file, says what was expected and what was found, and what to do next.
The command line prints it as it stands and exits with 1; Python callers catch one of:

    MiniscopeError
    ├── RecordingError      the raw folder cannot be read, or not without a decision
    │   ├── DetectionError  no reader, or more than one, recognises the folder
    │   └── MismatchError   stamps and frames disagree beyond what can be mended without doubt
    ├── MetadataError       the session YAML is wrong
    ├── OutputError         the NWB file cannot be written (exists, read-only, disk full)
    ├── NwbContentError     an NWB file is not what the command needs
    ├── ParameterError      a parameter, its value or a preset is not known
    └── EngineError         an engine is missing, refuses its parameters or broke down
"""


class MiniscopeError(Exception):
    """Base of all errors that this package raises on purpose."""


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
