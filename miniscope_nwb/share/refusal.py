"""An archive says no: in which of our errors, and in whose words."""

from __future__ import annotations

from miniscope_nwb.errors import AccessError, ShareError
from miniscope_nwb.share.instances import Instance
from miniscope_nwb.share.redact import Secret, redact
from miniscope_nwb.share.transport import Reply

_REDIRECT, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN = 300, 400, 401, 403
_MAX_WORDS = 600


def refusal(instance: Instance, key: Secret | None, reply: Reply, *, doing: str) -> ShareError:
    """Make the error of an answer that says no.

    Parameters
    ----------
    instance, key
        Who answered, and the key that came with the request.
    doing
        For the sentence: ``"asking for dandiset 000001"``.
    """
    words = f" ({text})" if (text := words_of(reply, key)) else ""
    where = instance.web or instance.api
    if reply.status == _UNAUTHORIZED:
        what = "does not know the key" if key else "wants a key for that"
        return AccessError(
            f"{instance.name} {what}{words}, while {doing}: copy the key anew from {where}; every "
            "archive has keys of its own."
        )
    if reply.status == _FORBIDDEN:
        return AccessError(
            f"{instance.name} does not allow {doing}{words}: check the dandiset's number, or ask "
            "one of its owners to add you."
        )
    if _REDIRECT <= reply.status < _BAD_REQUEST:
        return AccessError(
            f"{instance.api} has moved ({reply.status}): name the archive by its present address "
            "with --instance."
        )
    return ShareError(
        f"{instance.name} refused {doing}: {reply.status}{words}. If the words do not help, ask "
        "the archive's help desk."
    )


def words_of(reply: Reply, key: Secret | None) -> str:
    """Return what an answer says, redacted and short; ``""`` where that is no sentence."""
    value = reply.json()
    if isinstance(value, dict):
        value = "; ".join(f"{name}: {said}" for name, said in value.items())
    if isinstance(value, list):
        value = "; ".join(str(item) for item in value)
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return redact(text, key)[:_MAX_WORDS]
