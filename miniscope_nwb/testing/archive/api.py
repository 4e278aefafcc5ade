"""The archive's HTTP interface: which request is answered by what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from miniscope_nwb.testing.archive import assets, dandisets, uploads
from miniscope_nwb.testing.archive.call import WRONG_KEY, Answer, Call, Refused
from miniscope_nwb.testing.archive.state import State, User
from miniscope_nwb.testing.archive.storage import Storage

_SET = "/dandisets/<identifier>"
_DRAFT = f"{_SET}/versions/draft"
_ONE = f"{_DRAFT}/assets/<asset_id>"
ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/info/", dandisets.server_info),
    ("GET", "/auth/token/", dandisets.token),
    ("GET", "/users/me/", dandisets.me),
    ("GET", "/dandisets/", dandisets.list_dandisets),
    ("POST", "/dandisets/", dandisets.create),
    ("GET", f"{_SET}/", dandisets.show),
    ("GET", f"{_SET}/users/", dandisets.owners),
    ("GET", f"{_SET}/uploads/", uploads.list_uploads),
    ("DELETE", f"{_SET}/uploads/", uploads.drop_uploads),
    ("GET", f"{_SET}/versions/", dandisets.versions),
    ("GET", f"{_SET}/versions/<version>/", dandisets.version),
    ("PUT", f"{_DRAFT}/", dandisets.change),
    ("GET", f"{_DRAFT}/info/", dandisets.draft_info),
    ("POST", f"{_DRAFT}/publish/", dandisets.publish),
    ("GET", f"{_DRAFT}/assets/", assets.list_assets),
    ("POST", f"{_DRAFT}/assets/", assets.add),
    ("GET", f"{_DRAFT}/assets/paths/", assets.list_paths),
    ("GET", f"{_ONE}/", assets.show),
    ("PUT", f"{_ONE}/", assets.replace),
    ("DELETE", f"{_SET}/versions/<version>/assets/<asset_id>/", assets.remove),
    ("GET", f"{_ONE}/info/", assets.info),
    ("GET", f"{_ONE}/validation/", assets.validation),
    ("GET", "/assets/<asset_id>/", assets.show_any),
    ("GET", "/assets/<asset_id>/info/", assets.info),
    ("GET", "/assets/<asset_id>/download/", assets.download),
    ("POST", "/uploads/initialize/", uploads.initialize),
    ("POST", "/uploads/<upload_id>/complete/", uploads.complete),
    ("POST", "/uploads/<upload_id>/validate/", uploads.validate),
    ("POST", "/blobs/digest/", uploads.digest),
)


@cache
def _routes() -> Any:
    """Return the map of the requests; making it takes longer than answering one."""
    from werkzeug.routing import Map, Rule

    return Map(
        [
            Rule(f"/api{rule}", methods=[method], endpoint=handler)
            for method, rule, handler in ROUTES
        ]
    )


class Api:
    """A WSGI application over the state and the storage."""

    def __init__(self, state: State, storage: Storage, url: str) -> None:
        self.state, self.storage, self.url = state, storage, url

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        from botocore.exceptions import BotoCoreError
        from werkzeug.exceptions import HTTPException
        from werkzeug.routing import RequestRedirect
        from werkzeug.wrappers import Request

        try:
            handler, given = _routes().bind_to_environ(environ).match()
        except HTTPException as refusal:
            if isinstance(refusal, RequestRedirect):  # to the path with a slash
                refusal.code = 301
            answered: Iterable[bytes] = refusal(environ, start_response)
            return answered
        request = Request(environ)
        try:
            with self.state.lock:
                call = Call(request, self.state, self.storage, self.url, self._user(request))
                answer = handler(call, **given)
        except Refused as refused:
            answer = refused.answer
        except BotoCoreError:  # the storage is away
            answer = Answer(status=503, html="")
        body: Iterable[bytes] = _response(answer)(environ, start_response)
        return body

    def _user(self, request: Any) -> User | None:
        """Return whose key came with the request; a wrong one is refused, whatever was asked."""
        given = request.headers.get("Authorization", "")
        if not given:
            return None
        user = self.state.users.get(given.removeprefix("token ").strip())
        if user is None:
            raise Refused(401, WRONG_KEY)
        return user


def _response(answer: Answer) -> Any:
    from werkzeug.wrappers import Response

    if answer.html is not None:
        return Response(answer.html, answer.status, list(answer.headers), mimetype="text/html")
    body = "" if answer.content is None else json.dumps(answer.content)
    return Response(body, answer.status, list(answer.headers), mimetype="application/json")
