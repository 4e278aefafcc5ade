"""YAML as text with line numbers: nothing is turned into Python objects behind our back.

`yaml.safe_load` would read ``007`` as 7, ``1:30`` as 90 and ``no`` as False. Here a file is only
composed (with PyYAML's `SafeLoader`, which constructs no objects): every scalar keeps its text,
what YAML would have made of it, and its line, so that an error can quote and place it. Aliases are
followed only as deep as the caller looks, so that nested ones cost nothing.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from miniscope_nwb.errors import MetadataError

MAX_BYTES = 1_000_000  # a session file is a few kB; a movie given by mistake is not read
MAX_DEPTH = 20  # levels of brackets or indentation; ours has three
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16 LE, so it is asked for first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KINDS = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:null": "nothing",
}
_CONTROL = re.compile(
    r"[^\x09\x0a\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# What a double-quoted scalar may not hold as it is: YAML's unprintable characters and line ends.
_ESCAPED = re.compile(
    r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class YamlNode:
    """A place in a YAML file: a scalar, a list or a mapping."""

    file: str  # as shown in messages
    node: yaml.Node

    @property
    def line(self) -> int:
        """Line of the file, counted from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def where(self) -> str:
        """File and line, for messages."""
        return f"{self.file}, line {self.line}"

    @property
    def is_scalar(self) -> bool:
        """Whether this is a single value."""
        return isinstance(self.node, yaml.ScalarNode)

    @property
    def is_list(self) -> bool:
        """Whether this is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_mapping(self) -> bool:
        """Whether this holds keys."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def text(self) -> str:
        """The scalar as it stands in the file, without quotes."""
        return str(self.node.value) if self.is_scalar else ""

    @property
    def is_quoted(self) -> bool:
        """Whether the scalar stands in quotes or in a block (``|``, ``>``)."""
        return bool(getattr(self.node, "style", None)) and self.is_scalar

    @property
    def is_absent(self) -> bool:
        """Whether nothing is said: an empty value, ``~``, ``null`` or blank text."""
        return self.is_scalar and (self.kind == "nothing" or not self.text.strip())

    @property
    def kind(self) -> str:
        """What YAML makes of the value, in words: ``text``, ``a number``, ``a list``, ..."""
        if self.is_list:
            return "a list"
        if self.is_mapping:
            return "a group of keys"
        return _KINDS.get(self.node.tag, f"a value of the YAML type {self.node.tag}")

    def items(self) -> Iterator[YamlNode]:
        """Iterate over the elements of a list."""
        if isinstance(self.node, yaml.SequenceNode):
            for child in self.node.value:
                yield YamlNode(self.file, child)

    def entries(self) -> dict[str, tuple[YamlNode, YamlNode]]:
        """Return key and value of a mapping by the key's text.

        Raises
        ------
        MetadataError
            If a key stands twice, or is itself a list or a mapping.
        """
        found: dict[str, tuple[YamlNode, YamlNode]] = {}
        pairs = self.node.value if isinstance(self.node, yaml.MappingNode) else []
        for key_node, value_node in pairs:
            key = YamlNode(self.file, key_node)
            if not key.is_scalar:
                raise MetadataError(f"{key.where}: a key must be a word, not {key.kind}.")
            if key.text == "<<":
                raise MetadataError(f"{key.where}: << is not known here; write the keys out.")
            if key.text in found:
                raise MetadataError(
                    f"{key.where}: the key {key.text} stands here and in line "
                    f"{found[key.text][0].line}; leave one."
                )
            found[key.text] = (key, YamlNode(self.file, value_node))
        return found


def read_yaml(path: Path, *, display: str = "") -> YamlNode | None:
    """Compose a YAML file; UTF-8 and, with a byte-order mark, UTF-16 and UTF-32 are known.

    Parameters
    ----------
    path
        The file.
    display
        Its name in messages; by default the path.

    Returns
    -------
    YamlNode or None
        None where the file holds nothing but comments.

    Raises
    ------
    MetadataError
        If the file cannot be read or is not YAML; one sentence with the line.
    """
    name = display or str(path)
    return compose(_decode(_read_bytes(path, name), name), file=name)


def compose(text: str, *, file: str) -> YamlNode | None:
    """Compose YAML text, see `read_yaml`."""
    try:
        _refuse_deep_nesting(text, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise MetadataError(_sentence(error, text, file)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MetadataError(
            f"{file}, line {line}: holds a character that no text has (code {error.character}); "
            "delete it."
        ) from None
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, AttributeError, IndexError):
        # PyYAML's scanner lets such errors escape on malformed escapes and directives.
        raise MetadataError(f"{file}: is not valid YAML.") from None
    return None if node is None else YamlNode(file, node)


def quote(text: str) -> str:
    """Write a text as a double-quoted YAML scalar on one line, whatever it holds."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted)


def printable(text: str) -> str:
    """Drop what neither YAML nor HDF5 text can hold: control characters, lone surrogates."""
    return _CONTROL.sub("", text)


def is_printable(text: str) -> bool:
    """Whether `printable` would leave the text as it is."""
    return _CONTROL.search(text) is None


def _read_bytes(path: Path, name: str) -> bytes:
    if path.is_dir():
        raise MetadataError(f"{name}: is a folder, a YAML file is needed.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MetadataError(
            f"{name}: there is no such file; `miniscope-nwb init` writes a template."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MetadataError(f"{name}: cannot be read ({reason}).") from None
    if len(data) > MAX_BYTES:
        raise MetadataError(f"{name}: is larger than {MAX_BYTES} bytes, so it is no session file.")
    return data


def _decode(data: bytes, name: str) -> str:
    encoding = "utf-8"
    for mark, of_mark in _BOMS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], of_mark
            break
    else:
        if data[1:2] == b"\0" or data[:1] == b"\0":  # UTF-16 without its mark: ASCII beside zeros
            encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MetadataError(
            f"{name}, line {line}: is not {encoding.upper()} text; save the file as UTF-8."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refuse_deep_nesting(text: str, file: str) -> None:
    """Keep PyYAML's recursive composer from running out of stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise MetadataError(
                    f"{file}, line {_line_of(event)}: is nested deeper than {MAX_DEPTH} "
                    "levels; a session file has three."
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _sentence(error: yaml.MarkedYAMLError, text: str, file: str) -> str:
    """Turn PyYAML's report of several lines into one sentence."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return f"{file}: is not valid YAML ({error.problem})."
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    where = f"{file}, line {mark.line + 1}"
    if "\t" in line[: mark.column + 1] or "\\t" in str(error.problem):
        return f"{where}: holds a tab where YAML wants spaces; replace it by spaces."
    if "mapping values are not allowed" in str(error.problem):
        return (
            f"{where}: is not valid YAML; a text that holds a colon must stand in quotes, and keys "
            "of one group in one column."
        )
    return f"{where}: is not valid YAML ({' '.join(str(error.problem).split())})."
