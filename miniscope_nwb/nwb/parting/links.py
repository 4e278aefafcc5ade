"""What ties the processing to the raw movie: cut in the processed part, noted, tied again.

In one file the traces lie on the raw movie's time stamps, the cells refer to it as an image, and
the corrected stack links it. The processed part has stamps of its own, no reference images, and
the stack's shifts and movie stand in the module by themselves. The table `LinksToRaw` says what
was where.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import h5py
import numpy as np

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.parting.contents import is_in
from miniscope_nwb.nwb.parting.graft import copy_object, references, soft_links
from miniscope_nwb.nwb.processed.names import GROUP, MOTION_CORRECTION, RUNS
from miniscope_nwb.nwb.processed.rows import read_column, write_column

TABLE = f"{GROUP}/LinksToRaw"
_CONTAINER = f"{GROUP}/{MOTION_CORRECTION}"
_STACK = "CorrectedImageStack"
_TEXT = h5py.string_dtype()
_COLUMNS = {
    "path": "Object of the complete file that this one lacks.",
    "target": "What it led to in the raw file; empty: it is a group of its own.",
    "group_id": "Its object id, where it is a group of its own.",
}


@dataclass(frozen=True, slots=True)
class Cut:
    """Something of the complete file that its processed part lacks."""

    path: str
    target: str = ""
    group_id: str = ""


def moved_names(stack: str) -> tuple[str, str]:
    """Names of a stack's shifts and of its movie where they stand in the module by themselves."""
    suffix = stack.removeprefix(_STACK) if stack.startswith(_STACK) else f"_{stack}"
    return f"xy_translation{suffix}", f"CorrectedMovie{suffix}"


def place_in_part(path: str) -> str:
    """Say where an object of the complete file stands in the processed part."""
    if not path.startswith(f"{_CONTAINER}/"):
        return path
    stack, _, inner = path.removeprefix(f"{_CONTAINER}/").partition("/")
    member, _, below = inner.partition("/")
    shifts, movie = moved_names(stack)
    name = {"xy_translation": shifts, "corrected": movie}.get(member, member)
    return f"{GROUP}/{name}/{below}".rstrip("/")


def cut_links(source: h5py.File, part: h5py.File, kept: tuple[str, ...]) -> list[Cut]:
    """Make a processed part self-contained; what is changed is returned and noted in it.

    Parameters
    ----------
    source
        The complete file.
    part
        The processed part, a copy of the pieces `kept`, with the stacks taken apart.
    kept
        Pieces of the source that stand in the part.

    Raises
    ------
    NwbContentError
        If something refers to the raw movie in a way that cannot be cut.
    """
    cuts = [
        Cut(path, group_id=_text(source[path].attrs["object_id"]))
        for path in ([_CONTAINER] if _CONTAINER in source else [])
    ]
    for piece in kept:
        for path, target in soft_links(source[piece]):
            if is_in(target, kept):
                continue
            holder, _, name = path.rpartition("/")
            if name == "original" and holder.startswith(f"{_CONTAINER}/"):
                object_id = _text(source[holder].attrs["object_id"])
                cuts.append(Cut(holder, target, object_id))
                continue
            place = place_in_part(path)
            del part[place]
            if isinstance(source.get(target), h5py.Dataset):
                copy_object(source[target], part[place.rpartition("/")[0]], name)
            elif not holder.endswith("/reference_images"):
                raise _tied(source, path, target)
            cuts.append(Cut(path, target))
        for path, target in references(source[piece]):
            if not is_in(target, kept):
                raise _tied(source, path, target)
    _name_motion(part, {cut.path.rpartition("/")[2] for cut in cuts if cut.group_id})
    _write(part, cuts)
    return cuts


def take_stacks_apart(source: h5py.File, part: h5py.File) -> None:
    """Put the shifts and movies of the corrected stacks into the module by themselves."""
    for stack in source.get(_CONTAINER, ()):
        names = moved_names(stack)
        for member, name in zip(("xy_translation", "corrected"), names, strict=True):
            if member in source[f"{_CONTAINER}/{stack}"]:
                copy_object(source[f"{_CONTAINER}/{stack}/{member}"], part[GROUP], name)


def tie_links(file: h5py.File, cuts: list[Cut]) -> None:
    """Undo `cut_links` in a file that holds both parts."""
    for cut in cuts:
        if cut.group_id and not cut.target:
            _make_group(file, cut, "MotionCorrection")
    for cut in cuts:
        if cut.group_id and cut.target:
            _put_stack_together(file, cut)
    for cut in cuts:
        if not cut.group_id:
            holder, _, name = cut.path.rpartition("/")
            group = file.require_group(holder)
            if name in group:
                del group[name]
            group[name] = h5py.SoftLink(f"/{cut.target}")


def is_tied(file: h5py.File, cut: Cut) -> bool:
    """Whether what was cut stands in a file again."""
    path = f"{cut.path}/original" if cut.group_id and cut.target else cut.path
    if path not in file:
        return False
    link = file.get(path, getlink=True)
    return not cut.target or (isinstance(link, h5py.SoftLink) and link.path == f"/{cut.target}")


def read_cuts(file: h5py.File) -> list[Cut]:
    """Read what a processed part lacks.

    Raises
    ------
    NwbContentError
        If the file is no processed part.
    """
    table = file.get(TABLE)
    if table is None:
        where = Path(file.filename).name
        raise NwbContentError(
            f"{where} is not the processed part of a recording: name the file with desc-processed "
            "in its name that `miniscope-nwb split` wrote."
        )
    columns = (read_column(table, name) for name in _COLUMNS)
    return [Cut(*row) for row in zip(*columns, strict=True)]


def _tied(file: h5py.File, path: str, target: str) -> NwbContentError:
    return NwbContentError(
        f"{Path(file.filename).name} cannot be split: {path} refers to {target}, which stays with "
        "the raw movie; share the file as it is, or take that object out first."
    )


def _put_stack_together(file: h5py.File, cut: Cut) -> None:
    stack = cut.path.rpartition("/")[2]
    group = _make_group(file, cut, _STACK)
    shifts, movie = moved_names(stack)
    for member, name in (("xy_translation", shifts), ("corrected", movie)):
        if name in file[GROUP]:
            file.move(f"{GROUP}/{name}", f"{cut.path}/{member}")
    group["original"] = h5py.SoftLink(f"/{cut.target}")
    _rename_motion(file, shifts, stack)


def _make_group(file: h5py.File, cut: Cut, kind: str) -> h5py.Group:
    group = file.create_group(cut.path)
    texts = {"namespace": "core", "neurodata_type": kind, "object_id": cut.group_id}
    for name, text in texts.items():
        group.attrs[name] = text
    return group


def _name_motion(part: h5py.File, stacks: set[str]) -> None:
    """Let the table of runs say where the shifts stand now."""
    for stack in stacks - {MOTION_CORRECTION}:
        _rename_motion(part, stack, moved_names(stack)[0])


def _rename_motion(file: h5py.File, old: str, new: str) -> None:
    table = file[f"{GROUP}/{RUNS}"]
    values = read_column(table, "motion") if "motion" in table else []
    if old in values:
        write_column(table, "motion", [new if value == old else value for value in values])


def _write(part: h5py.File, cuts: list[Cut]) -> None:
    """Add the table of cuts, with ids that are the same whenever the file is split."""
    table = part.create_group(TABLE)
    seed = _text(part[GROUP].attrs["object_id"])
    table.attrs["colnames"] = np.array(list(_COLUMNS), _TEXT)
    table.attrs["description"] = (
        "What ties the processing to the raw movie in the complete file; `miniscope-nwb join` "
        "makes it again."
    )
    _say_type(table, "DynamicTable", seed)
    ids = table.create_dataset("id", data=np.arange(len(cuts)))
    _say_type(ids, "ElementIdentifiers", seed)
    for name, description in _COLUMNS.items():
        values = np.array([getattr(cut, name) for cut in cuts], _TEXT)
        column = table.create_dataset(name, data=values)
        column.attrs["description"] = description
        _say_type(column, "VectorData", seed)


def _say_type(node: h5py.Group | h5py.Dataset, kind: str, seed: str) -> None:
    node.attrs["namespace"] = "hdmf-common"
    node.attrs["neurodata_type"] = kind
    node.attrs["object_id"] = str(uuid5(NAMESPACE_OID, f"{seed} {node.name}"))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
