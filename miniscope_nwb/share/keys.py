"""Where the key to an archive is looked for; it is never printed, stored or sent elsewhere."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from miniscope_nwb.errors import AccessError
from miniscope_nwb.share.instances import Instance
from miniscope_nwb.share.redact import Secret, redact


def find_key(
    instance: Instance,
    *,
    key_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    is_terminal: bool | None = None,
) -> Secret | None:
    """Look for the key: the file, the instance's variable, on a terminal the keyring.

    Parameters
    ----------
    instance
        The archive; the key of another one is never taken.
    key_file
        A file that holds the key and nothing else.
    environment
        Variables; default: those of the process.
    is_terminal
        Whether a person sits there: a keyring may ask for its password. Default: ask the system.

    Returns
    -------
    Secret or None
        None where there is no key.

    Raises
    ------
    AccessError
        If the file cannot be read or holds no key.
    """
    return _look(instance, key_file, environment, is_terminal)[0]


def _look(
    instance: Instance,
    key_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    is_terminal: bool | None = None,
) -> tuple[Secret | None, str]:
    """Look for the key; returns what is wrong with the keyring, too."""
    if key_file is not None:
        return _from_file(key_file), ""
    variables = os.environ if environment is None else environment
    text = variables.get(instance.key_variable, "").strip()
    if text:
        return _checked(text, instance.key_variable), ""
    if is_terminal is None:
        is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    return _from_keyring(instance.name) if is_terminal and instance.is_known else (None, "")


def require_key(instance: Instance, *, key_file: Path | None = None) -> Secret:
    """Look for the key, and say where it was looked for if there is none.

    Raises
    ------
    AccessError
        Names every place.
    """
    found, fault = _look(instance, key_file)
    if found is not None:
        return found
    keyring = ""
    if instance.is_known:
        asked = "" if sys.stdin.isatty() else "; not asked, since this is no terminal"
        keyring = f", keyring (service dandi-api-{instance.name}{fault or asked})"
    where = instance.web or instance.api
    raise AccessError(
        f"No key for {instance.name}. Looked at: --api-key-file (not given), variable "
        f"{instance.key_variable} (not set){keyring}. Copy the key from {where} (your initials, "
        f"API key) into a file that only you can read and name it with --api-key-file."
    )


def say_readable(path: Path) -> str:
    """Return a sentence if others on this computer may read a file with a key, else ""."""
    mode = path.stat().st_mode
    is_open = stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH)
    if os.name != "posix" or not is_open:  # elsewhere the mode does not tell who may read
        return ""
    return (
        f"Warning: others on this computer may read {path}, which holds your key: "
        f"`chmod 600 {path}` keeps it to you."
    )


def _from_file(path: Path) -> Secret:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise AccessError(f"The key cannot be read from {path} ({reason}).") from None
    return _checked(text, str(path))


def _checked(text: str, where: str) -> Secret:
    """Refuse what cannot be a key, before it stands in a header; never quote it."""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise AccessError(
            f"{where} holds no key: it must be one word of letters and digits, as the archive's "
            "page shows it."
        )
    return Secret(text)


def _from_keyring(name: str) -> tuple[Secret | None, str]:
    """Ask the system's keyring; one that fails holds no key, and why is said where one is needed.

    What keyrings raise has no common class: each system's brings the errors of its own libraries.
    """
    from dandi.keyring_utils import keyring_lookup

    try:
        _, text = keyring_lookup(f"dandi-api-{name}", "key")
    except Exception as error:  # noqa: BLE001  (see the docstring)
        words = " ".join(redact(str(error)).split())
        return None, f"; it cannot be read: {type(error).__name__}" + (
            f": {words}" if words else ""
        )
    return (Secret(text) if text else None), ""
