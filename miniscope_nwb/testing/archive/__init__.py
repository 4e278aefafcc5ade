"""A stand-in for the DANDI archive, in one process, for tests and tutorials.

`StandIn` serves the archive's HTTP interface and its storage (moto's S3) on this machine, as far as
uploading, reading back and describing files need it. It keeps what it is given in memory and in
temporary files, forgets all of it at the end, and misbehaves on request (`Fault`).

It needs ``moto[server]``, which ``pip install "miniscope-nwb[test]"`` brings.
"""

from miniscope_nwb.testing.archive.faults import Fault, Request
from miniscope_nwb.testing.archive.stand_in import StandIn

__all__ = ["Fault", "Request", "StandIn"]
