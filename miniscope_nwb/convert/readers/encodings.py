"""Bytes to text, in whatever encoding a text file has reached us."""

from __future__ import annotations

RESAVED = "re-saved by a spreadsheet or an editor: "
_UTF8_MARK, _UTF16_LE_MARK, _UTF16_BE_MARK = b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"
_BYTES_TO_SNIFF = 4096


def decode(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    """Return text, encoding and remarks on what was mended. Never fails.

    UTF-8 with and without byte order mark, UTF-16 with and without (PowerShell), else code page
    1252. NUL bytes at the end, as a power failure leaves them, are dropped.
    """
    remarks: list[str] = []
    encoding = _sniff(data)
    if encoding.startswith("utf-16"):
        return _decode_utf16(data, encoding, remarks), encoding, tuple(remarks)
    body = data.removeprefix(_UTF8_MARK)
    stripped = body.rstrip(b"\0")
    _remark_nul(len(body) - len(stripped), remarks)
    text, encoding = _decode_8bit(stripped, encoding, remarks)
    return text, encoding, tuple(remarks)


def _sniff(data: bytes) -> str:
    if data.startswith(_UTF8_MARK):
        return "utf-8-sig"
    if data.startswith(_UTF16_LE_MARK):
        return "utf-16-le"
    if data.startswith(_UTF16_BE_MARK):
        return "utf-16-be"
    body = data[:_BYTES_TO_SNIFF].rstrip(b"\0")
    even, odd = body[0::2], body[1::2]
    # ASCII in UTF-16 has a NUL in every second byte, and only there.
    if odd.count(0) > len(odd) // 2 and not even.count(0):
        return "utf-16-le"
    if even.count(0) > len(even) // 2 and not odd.count(0):
        return "utf-16-be"
    return "utf-8"


def _decode_utf16(data: bytes, encoding: str, remarks: list[str]) -> str:
    body = data.removeprefix(_UTF16_LE_MARK if encoding == "utf-16-le" else _UTF16_BE_MARK)
    if len(body) % 2:
        body = body[:-1]
        remarks.append("the last character is cut and was dropped")
    text = body.decode(encoding, errors="replace")
    stripped = text.rstrip("\0")
    _remark_nul(2 * (len(text) - len(stripped)), remarks)
    remarks.insert(0, RESAVED + "UTF-16")
    return stripped


def _decode_8bit(body: bytes, encoding: str, remarks: list[str]) -> tuple[str, str]:
    try:
        return body.decode("utf-8"), encoding
    except UnicodeDecodeError as error:
        whole = body[: error.start]
        # A lone byte above 127 at the end of plain ASCII is rather a character of code page 1252.
        if error.reason == "unexpected end of data" and not whole.isascii():
            remarks.append("the last character is cut and was dropped")
            return whole.decode("utf-8"), encoding
    remarks.append("not UTF-8, read as Windows code page 1252")
    try:
        return body.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        # Five bytes mean nothing in code page 1252; Latin-1 keeps them as they are.
        return body.decode("latin-1"), "latin-1"


def _remark_nul(n_bytes: int, remarks: list[str]) -> None:
    if n_bytes:
        remarks.append(f"{n_bytes} NUL bytes at the end were dropped (power failure?)")
