"""Plug-ins: ours by name, and those of other packages by their entry points.

Readers and engines are found the same way. Nothing is imported before somebody asks, and a
plug-in that cannot be used is a warning with its name while the others go on working.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any


class BrokenPluginWarning(UserWarning):
    """A third party's reader or engine cannot be used."""


@dataclass(frozen=True, slots=True)
class PluginKind:
    """One kind of plug-in.

    Attributes
    ----------
    word
        What it is called in messages: "reader".
    group
        The entry-point group in which third parties name their classes.
    built_in
        Ours, name -> "module:Class"; strings, so that nothing is imported early.
    protocol
        A runtime-checkable protocol that every one of them has.
    members
        The protocol's members in words: "name, summary, sniff and read".
    """

    word: str
    group: str
    built_in: Mapping[str, str]
    protocol: Any
    members: str


def load_plugins(kind: PluginKind) -> dict[str, Any]:
    """Return an object of every plug-in that works, by name: the built-in ones first."""
    found: dict[str, Any] = {name: _load(target) for name, target in kind.built_in.items()}
    for entry in sorted(entry_points(group=kind.group), key=lambda item: (item.name, item.value)):
        if entry.name in found:
            if _target_of(found[entry.name]) != entry.value:  # not one package found twice
                why = f"its name is taken by another {kind.word}; rename the entry point"
                _warn(kind, entry, why)
            continue
        plugin = _load_third_party(kind, entry)
        if plugin is not None:
            found[entry.name] = plugin
    return found


def _target_of(plugin: Any) -> str:
    return f"{type(plugin).__module__}:{type(plugin).__qualname__}"


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)()


def _load_third_party(kind: PluginKind, entry: EntryPoint) -> Any:
    try:
        plugin = entry.load()()
    except Exception as error:  # noqa: BLE001 - importing another's code may raise anything
        why = f"it cannot be loaded ({type(error).__name__}: {error}); update its package"
        _warn(kind, entry, why)
        return None
    if not isinstance(plugin, kind.protocol):
        _warn(kind, entry, f"it lacks one of {kind.members}; update its package")
        return None
    return plugin


def _warn(kind: PluginKind, entry: EntryPoint, why: str) -> None:
    warnings.warn(
        f"The {kind.word} {entry.name!r} ({entry.value}) is left out: {why}.",
        BrokenPluginWarning,
        stacklevel=4,
    )
