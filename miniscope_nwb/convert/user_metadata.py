"""The user's YAML files, checked key by key and merged in order.

A file may say anything of a whole laboratory, a rig or one session; the later file wins, key by
key. What is empty says nothing, so it never hides what an earlier file or the recording says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.convert import metadata_fields as fields
from miniscope_nwb.convert.metadata_values import Parse, Value
from miniscope_nwb.convert.names import nwb_name
from miniscope_nwb.convert.yaml_text import YamlNode, compose, read_yaml
from miniscope_nwb.errors import MetadataError
from miniscope_nwb.recording import Role


@dataclass(frozen=True, slots=True)
class Given:
    """One value that a file gives."""

    value: Value
    file: str  # as shown to the user
    line: int

    @property
    def where(self) -> str:
        """File and line, for messages."""
        return f"{self.file}, line {self.line}"


Group = Mapping[str, Given]


@dataclass(frozen=True, slots=True)
class UserMetadata:
    """All that the user's files say, merged.

    Each mapping goes from the key to what won; ``devices`` first from the device's name as written
    in the file, in the order in which the names were first met.
    """

    session: Group = field(default_factory=dict)
    subject: Group = field(default_factory=dict)
    imaging: Group = field(default_factory=dict)
    devices: Mapping[str, Group] = field(default_factory=dict)

    @property
    def roles(self) -> dict[str, Role]:
        """Roles by device name, for the readers; both spellings of a name with spaces."""
        found: dict[str, Role] = {}
        for name, group in self.devices.items():
            if "role" in group:
                role: Role = "scope" if group["role"].value == "scope" else "camera"
                found[name] = role
                found.setdefault(name.replace("_", " "), role)
        return found

    def device(self, name: str, names: Iterable[str]) -> dict[str, Given]:
        """Return what the files say of one device.

        Parameters
        ----------
        name
            As recorded.
        names
            All recorded names: a group under the NWB spelling (``BehavCam_2``) is meant for
            ``BehavCam 2`` unless another device is really called so.
        """
        others = set(names) - {name}
        merged: dict[str, Given] = {}
        for written, group in self.devices.items():
            if written == name or (written == nwb_name(name) and written not in others):
                merged |= group
        return merged


def load_yaml_files(paths: Iterable[Path]) -> UserMetadata:
    """Read session YAML files and merge them, later ones winning key by key.

    Raises
    ------
    MetadataError
        If a file cannot be read, or says something that is not known or cannot be right.
    """
    paths = [Path(path) for path in paths]
    merged = UserMetadata()
    for path, name in zip(paths, _display_names(paths), strict=True):
        root = read_yaml(path, display=name)
        if root is not None:
            merged = _merge(merged, _parse(root))
    return merged


def load_yaml_text(text: str, *, file: str = "session.yaml") -> UserMetadata:
    """Read session YAML from a text, see `load_yaml_files`."""
    root = compose(text, file=file)
    return UserMetadata() if root is None else _parse(root)


def _display_names(paths: Sequence[Path]) -> list[str]:
    """Name files by their last component where that tells them apart."""
    names = [path.name for path in paths]
    return [
        path.name if path.name and (names.count(path.name) == 1 or paths.count(path) > 1)
        else str(path)
        for path in paths
    ]  # fmt: skip


def _parse(root: YamlNode) -> UserMetadata:
    if not root.is_mapping:
        if root.is_absent:
            return UserMetadata()
        raise MetadataError(
            f"{root.where}: holds {root.kind} at its top, but must hold the sections "
            f"{', '.join(fields.TOP_LEVEL)}, each with its keys."
        )
    groups: dict[str, Group] = {}
    devices: dict[str, Group] = {}
    for name, (key, node) in root.entries().items():
        if name == "devices":
            devices = _parse_devices(node)
        elif name in fields.SECTIONS:
            groups[name] = _parse_group(node, fields.SECTIONS[name], section=name)
        else:
            hint = fields.unknown_key(name, fields.TOP_LEVEL, section="")
            raise MetadataError(f"{key.where}: unknown section {name}; {hint}.".replace("?.", "?"))
    return UserMetadata(**groups, devices=devices)


def _parse_devices(node: YamlNode) -> dict[str, Group]:
    if node.is_absent:
        return {}
    if not node.is_mapping:
        raise MetadataError(
            f"{node.where}: devices must hold one group of keys for every device, under its name."
        )
    groups: dict[str, Group] = {}
    for name, (key, child) in node.entries().items():
        if key.kind != "text":
            raise MetadataError(
                f"{key.where}: a device's name is a text, but YAML reads {name} as {key.kind}; "
                f'quote it: "{name}"'
            )
        groups[name] = _parse_group(child, fields.DEVICE, section=f"devices.{name}")
    return groups


def _parse_group(node: YamlNode, known: Mapping[str, Parse], *, section: str) -> dict[str, Given]:
    if node.is_absent:
        return {}
    if not node.is_mapping:
        raise MetadataError(
            f"{node.where}: {section} must hold keys, each on a line of its own as key: value, not "
            f"{node.kind}."
        )
    group: dict[str, Given] = {}
    for name, (key, child) in node.entries().items():
        if name not in known:
            hint = fields.unknown_key(name, known, section=section)
            raise MetadataError(
                f"{key.where}: unknown key {name} in {section}; {hint}.".replace("?.", "?")
            )
        if child.is_absent or (child.is_list and not any(not c.is_absent for c in child.items())):
            continue
        value = known[name](child, f"{section}.{name}")
        group[name] = Given(value=value, file=child.file, line=child.line)
    return group


def _merge(first: UserMetadata, later: UserMetadata) -> UserMetadata:
    devices = {name: dict(group) for name, group in first.devices.items()}
    for name, group in later.devices.items():
        # Two spellings of one name: what is met last must also stand last.
        devices[name] = {**devices.pop(name, {}), **group}
    return UserMetadata(
        session={**first.session, **later.session},
        subject={**first.subject, **later.subject},
        imaging={**first.imaging, **later.imaging},
        devices=devices,
    )
