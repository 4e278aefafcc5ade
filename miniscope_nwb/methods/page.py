"""The whole text: the paragraph, its references, and their BibTeX."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Literal

from miniscope_nwb.methods.decision_words import describe_decisions
from miniscope_nwb.methods.facts import RunFacts
from miniscope_nwb.methods.processing_words import describe_processing
from miniscope_nwb.methods.reading import read_facts
from miniscope_nwb.methods.recording_words import describe_recording
from miniscope_nwb.methods.references import Cited, bibliography

Style = Literal["markdown", "text"]
_WIDTH = 100
_NOT_PROCESSED = "The file holds no processing."


def methods_text(path: str | Path, *, run: str | None = None, style: Style = "markdown") -> str:
    """Write the methods paragraph of a file.

    Parameters
    ----------
    path
        The NWB file: converted, processed, or one of its parts.
    run
        Name of the run; None: the last one.
    style
        ``"markdown"`` or ``"text"``.

    Returns
    -------
    str
        Paragraphs, references and a BibTeX block; ends in a newline.

    Raises
    ------
    NwbContentError
        If the file cannot be read, or there is no such run.
    """
    recordings, found = read_facts(Path(path), run)
    cited = Cited()
    paragraphs = [describe_recording(facts, cited) for facts in recordings]
    if found is None:
        paragraphs.append(_NOT_PROCESSED)
    else:
        paragraphs += [describe_processing(found, cited), describe_decisions(found, cited)]
    return _lay_out(paragraphs, cited, _version(recordings[0].converter, found), style)


def _version(converter: str, run: RunFacts | None) -> str:
    """Version of this program that worked on the file last; ``""`` where it is not told."""
    processed = run.versions.get("miniscope-nwb", "") if run is not None else ""
    return processed or converter.rpartition(" ")[2]


def _lay_out(paragraphs: list[str], cited: Cited, version: str, style: Style) -> str:
    papers = cited.papers()
    entries = bibliography(papers, version)
    program = f"The miniscope-nwb developers. miniscope-nwb{f' {version}' if version else ''}."
    lines = [*(paper.text for paper in papers), program]
    if style == "markdown":
        references = "\n".join(f"- {line}" for line in lines)
        body = "\n\n".join(paragraphs)
        return (
            f"## Methods\n\n{body}\n\n## References\n\n{references}\n\n```bibtex\n{entries}\n```\n"
        )
    body = "\n\n".join(map(_wrap, paragraphs))
    references = "\n".join(_wrap(line, hanging=True) for line in lines)
    return f"METHODS\n\n{body}\n\nREFERENCES\n\n{references}\n\nBIBTEX\n\n{entries}\n"


def _wrap(text: str, *, hanging: bool = False) -> str:
    return textwrap.fill(
        text, _WIDTH, subsequent_indent="    " if hanging else "", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
