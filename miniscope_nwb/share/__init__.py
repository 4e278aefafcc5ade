"""From the file on the bench to a verified asset in the DANDI archive.

In the order of the work::

    instances.py  which archive, and keys.py: with which key
    archive.py    the archive's requests, over transport.py: waits, retries, time limits
    access.py     who are we there, and may we write into the dandiset?
    names.py      the path in the dandiset; check.py: is the file fit, what becomes public
    etag.py       size and checksums of a file, part by part
    plan.py       what the archive already holds of it
    parts.py      sends what is missing, as journal.py remembers; blob.py: start to validated blob
    upload.py     all of that for several files; asset.py: the asset, read back
    record.py     what is written beside the file; verify.py: compares all three
    dandiset.py   the dandiset's own metadata
    redact.py     keeps keys and signed addresses out of all that is shown
"""
