"""The methods paragraph of a paper, told by the file alone.

    text = methods_text("sub-m06_ses-1_ophys.nwb", run=None, style="markdown")

facts.py says what is looked for, reading.py finds it, recording_words.py, processing_words.py and
decision_words.py make sentences of it, references.py knows the papers, page.py puts it together.
What a file does not tell is said to be unknown, never guessed.
"""

from __future__ import annotations

from miniscope_nwb.methods.page import methods_text

__all__ = ["methods_text"]
