"""What was uploaded is read back through the archive, embargoed files with the key."""

from __future__ import annotations

import numpy as np
import pytest

import miniscope_nwb
from miniscope_nwb.errors import AccessError


@pytest.mark.parametrize("is_embargoed", [False, True])
def test_an_uploaded_file_is_read_piece_by_piece(bench, archive, nwb_file, is_embargoed):
    dandiset = archive.embargoed if is_embargoed else archive.dandiset
    bench.upload(nwb_file, dandiset=dandiset)
    (asset,) = archive.assets(dandiset).values()
    url = f"{archive.url}/assets/{asset.asset_id}/download/"
    key_file = bench.state.parent / "key.txt"
    key_file.write_text(archive.key)
    archive.requests.clear()
    with (
        miniscope_nwb.open(url, instance=archive.url, api_key_file=key_file) as session,
        miniscope_nwb.open(nwb_file) as local,
    ):
        np.testing.assert_array_equal(session.frames[1], local.frames[1])
        assert session.identifier == local.identifier
    assert bench.n_requests("GET", server="api") == (2 if is_embargoed else 1)
    if is_embargoed:
        for stranger in ("", archive.stranger_key):
            key_file.write_text(stranger or "x")
            with pytest.raises(AccessError, match="is not there, or is private") as caught:
                miniscope_nwb.open(url, instance=archive.url, api_key_file=key_file)
            assert "Signature" not in str(caught.value)
            assert archive.stranger_key not in str(caught.value)
