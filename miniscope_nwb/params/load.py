"""Parameters from a preset, YAML files and the command line; who gave each value is kept.

Precedence: default < preset < files, in their order < ``-p``, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from miniscope_nwb.errors import ParameterError
from miniscope_nwb.params import names
from miniscope_nwb.params.models import Parameters
from miniscope_nwb.params.presets import find_preset
from miniscope_nwb.params.values import check_together, check_value

Source = Literal["default", "preset", "user", "derived"]
Key = tuple[str, str]  # section, parameter
Choice = tuple[Any, Source, str]  # value, who gave it, where it stands
_TWINS = {"_um": "_px", "_px": "_um"}


@dataclass(frozen=True, slots=True)
class Given:
    """The parameters of a run before anything is derived, and who gave each."""

    values: Parameters = field(default_factory=Parameters)
    sources: Mapping[Key, Source] = field(default_factory=dict)  # what is not in it: default
    preset: str = ""

    def source(self, stage: str, key: str) -> Source:
        """Return who gave a value."""
        return self.sources.get((stage, key), "default")

    def with_value(
        self, stage: str, key: str, value: Any, *, where: str, source: Source = "user"
    ) -> Given:
        """Return a copy with one more value, which the user gave if nothing else is said."""
        return _build(self, {(stage, key): (value, source, where)})

    def without_passed_through(self) -> Given:
        """Return a copy without the parameters that are not ours."""
        section = names.PASSED_THROUGH
        values = self.values.model_copy(update={section: {}})
        sources = {key: source for key, source in self.sources.items() if key[0] != section}
        return Given(values, sources, self.preset)


def load_parameters(
    *, files: Sequence[Path] = (), assignments: Sequence[str] = (), preset: str | None = None
) -> Given:
    """Merge all that was given into the parameters of a run.

    Parameters
    ----------
    files
        YAML files with a section a stage; the later wins, key by key.
    assignments
        ``stage.key=value``, or ``key=value`` where only one stage has the key; values as YAML.
    preset
        Name of a preset, see `presets`.

    Raises
    ------
    ParameterError
        A section, parameter, preset or value is not known; names the nearest.
    """
    chosen: dict[Key, Choice] = {}
    if preset is not None:
        values = find_preset(preset).values.items()
        named = [(_split(name), value) for name, value in values]
        _add(chosen, {key: (value, "preset", f"preset {preset}") for key, value in named})
    for path in files:
        _add(chosen, {key: (value, "user", at) for key, value, at in read_file(path)})
    for text in assignments:
        key, value = parse_assignment(text)
        _add(chosen, {key: (value, "user", f"-p {text}")})
    return _build(Given(preset=preset or ""), chosen)


def _split(name: str) -> Key:
    stage, _, key = name.partition(".")
    return stage, key


def _add(chosen: dict[Key, Choice], later: Mapping[Key, Choice]) -> None:
    """Put what is given later over what was given before.

    A length in micrometers also takes the place of the same one in pixels, and the other way
    round: else a pixel value of a file would win over micrometers on the command line.
    """
    for stage, key in later:
        if stage != names.PASSED_THROUGH and key[-3:] in _TWINS:
            twin = (stage, key[:-3] + _TWINS[key[-3:]])
            if twin not in later:
                chosen.pop(twin, None)
    chosen.update(later)


def read_file(path: Path) -> list[tuple[Key, Any, str]]:
    """Read a YAML file: section and parameter, value, and where it stands.

    Raises
    ------
    ParameterError
        The file cannot be read, is no YAML, or holds what does not exist.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ParameterError(f"{path} cannot be read: {reason}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it cannot be parsed"
        raise ParameterError(f"{path}{line}: this is no valid YAML ({reason}).") from error
    if root is None:
        return []
    found = []
    for stage, at, section in _entries(root, path, "sections such as 'motion:'"):
        names.check_stage(stage, where=at)
        if isinstance(section, yaml.ScalarNode) and section.value in ("", "~", "null"):
            continue  # a section whose parameters are all commented out
        for key, line, node in _entries(section, path, f"parameters below '{stage}:'"):
            names.check_key(stage, key, where=line)
            found.append(((stage, key), _construct(node, line), line))
    return found


def parse_assignment(text: str) -> tuple[Key, Any]:
    """Read one ``-p``.

    Raises
    ------
    ParameterError
        It is no assignment, or names what does not exist.
    """
    import yaml

    name, equals, written = text.partition("=")
    where = f"-p {text}"
    name = name.strip()
    if not equals or not name:
        raise ParameterError(f"{where}: write a parameter as stage.key=value.")
    try:
        value = yaml.safe_load(written)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that there is not
        raise ParameterError(f"{where}: the value cannot be read as YAML.") from error
    stage, dot, key = name.partition(".")
    if not dot:
        return (names.find_stage(name, where=where), name), value
    names.check_stage(stage, where=where)
    names.check_key(stage, key, where=where)
    return (stage, key), value


def _entries(node: Any, path: Path, expected: str) -> list[tuple[str, str, Any]]:
    """Return the keys of a YAML mapping with where they stand and their values."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        raise ParameterError(
            f"{path}, line {node.start_mark.line + 1}: {expected} are expected here."
        )
    found: dict[str, tuple[str, str, Any]] = {}
    for key, value in node.value:
        at = f"{path}, line {key.start_mark.line + 1}"
        if key.value in found:
            raise ParameterError(f"{at}: {key.value!r} is given twice in one section.")
        found[key.value] = (str(key.value), at, value)
    return list(found.values())


def _construct(node: Any, where: str) -> Any:
    import yaml

    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise ParameterError(f"{where}: the value cannot be read as YAML.") from error
    finally:
        loader.dispose()


def _build(before: Given, chosen: Mapping[Key, Choice]) -> Given:
    """Check every value and put it into its section."""
    sections: dict[str, dict[str, Any]] = {}
    for (stage, key), (value, _, where) in chosen.items():
        checked = value
        if stage != names.PASSED_THROUGH:
            model = names.stages()[stage]
            checked = check_value(model, key, value, stage=stage, where=where)
        sections.setdefault(stage, {})[key] = checked
    updates: dict[str, Any] = {}
    for stage, values in sections.items():
        current = getattr(before.values, stage)
        if stage == names.PASSED_THROUGH:
            updates[stage] = {**current, **values}
        else:
            updates[stage] = current.model_copy(update=values)
    check_together(before.values.model_copy(update=updates))
    sources = {**before.sources, **{key: source for key, (_, source, _) in chosen.items()}}
    return Given(before.values.model_copy(update=updates), sources, before.preset)
