"""One request to the stand-in, who sent it, and how it may be answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from miniscope_nwb.testing.archive.state import Asset, Dandiset, State, User
from miniscope_nwb.testing.archive.storage import Storage

NO_KEY = {"detail": "Authentication credentials were not provided."}
WRONG_KEY = {"detail": "Invalid token."}
NO_RIGHT = {"detail": "You do not have permission to perform this action."}
NOT_FOUND = {"detail": "Not found."}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON and headers; `html` where the archive answers without JSON."""

    content: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    html: str | None = None


class Refused(Exception):  # noqa: N818 - an answer, no mishap
    """The answer to a request that is not allowed or makes no sense."""

    def __init__(self, status: int, content: Any = None, *, html: str | None = None) -> None:
        super().__init__(str(content))
        headers = (("WWW-Authenticate", 'Bearer realm="api"'),) if status == 401 else ()
        self.answer = Answer(content, status, headers, html)


@dataclass(frozen=True, slots=True)
class Call:
    """A request, with what its handler needs."""

    request: Any  # werkzeug.Request
    state: State
    storage: Storage
    api_url: str
    user: User | None  # None without a key

    @property
    def query(self) -> Any:
        """Parameters after the question mark."""
        return self.request.args

    @property
    def json(self) -> dict[str, Any]:
        """The object that was sent; empty without one."""
        sent = self.request.get_json(silent=True)
        return sent if isinstance(sent, dict) else {}

    def needs_user(self) -> User:
        """Return who asks; refuse who gave no key, or is not approved."""
        if self.user is None:
            raise Refused(401, NO_KEY)
        if self.user.status != "APPROVED":
            raise Refused(403, NO_RIGHT)
        return self.user

    def dandiset(self, identifier: str) -> Dandiset:
        """Return a dandiset that the user may see."""
        found = self.state.dandisets.get(identifier)
        if found is None:
            raise Refused(404, NOT_FOUND)
        if found.is_embargoed and not self.owns(found):
            raise Refused(*((401, NO_KEY) if self.user is None else (403, NO_RIGHT)))
        return found

    def owns(self, dandiset: Dandiset) -> bool:
        """Say whether the user may change a dandiset."""
        return self.user is not None and self.user.username in dandiset.owners

    def asset(self, asset_id: str) -> tuple[Dandiset, Asset]:
        """Return an asset that the user may see, and its dandiset."""
        found = self.state.dandiset_of(asset_id)
        if found is None:
            raise Refused(404, NOT_FOUND)
        self.dandiset(found[0].identifier)
        return found

    def page(self, rows: list[Any]) -> Answer:
        """Return one page of a list, as the archive pages them."""
        size, number = int(self.query.get("page_size", 100)), int(self.query.get("page", 1))
        last = number * size >= len(rows)
        return Answer(
            {
                "count": len(rows),
                "next": None if last else self._page_url(number + 1),
                "previous": None if number == 1 else self._page_url(number - 1),
                "results": rows[(number - 1) * size : number * size],
            }
        )

    def _page_url(self, number: int) -> str:
        from urllib.parse import urlencode

        host = self.api_url.removesuffix("/api")
        return f"{host}{self.request.path}?{urlencode({**self.query, 'page': number})}"
