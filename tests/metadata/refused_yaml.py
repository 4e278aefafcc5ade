"""What the tests of mistakes in the session YAML share."""

from __future__ import annotations

import pytest

from miniscope_nwb.convert.user_metadata import load_yaml_text
from miniscope_nwb.errors import MetadataError


def failure(text):
    with pytest.raises(MetadataError) as caught:
        load_yaml_text(text)
    message = str(caught.value)
    assert message.startswith("session.yaml")
    assert "\n" not in message
    return message
