"""The only code that turns an exception into a response; the errors themselves say status and issue code."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from gateway import log
from gateway.errors import (
    GatewayError,
    Issue,
    NotAcceptable,
    NotOffered,
    StoreUnavailable,
    Trouble,
    Unauthenticated,
)
from gateway.fhir.outcome import outcome, worst_first
from gateway.web import answers
from gateway.web.context import Web, request_id
from gateway.web.formats import Format, wanted

_ROUTING: dict[int, tuple[str, str]] = {  # what Flask itself refuses: status -> issue code, sentence
    400: ("invalid", "The request cannot be read."),
    404: ("not-found", "There is nothing at this address."),
    405: ("not-supported", "This method is not offered at this address."),
    413: ("too-long", "The request is too large."),
}


def register(app: Flask, web: Web) -> None:
    """Have every exception of a request answered as an OperationOutcome."""

    @app.errorhandler(GatewayError)
    def refused(error: GatewayError) -> Response:
        if isinstance(error, Trouble):
            _log_unavailable(error, request_id(web))
        elif error.status >= 500:
            _log_crash(error, request_id(web))
        told = outcome(worst_first(error.issues))
        format: Format = "json" if isinstance(error, NotAcceptable) else _format()
        return answers.public(told, status=error.status, format=format, headers=_headers(error))

    @app.errorhandler(HTTPException)
    def unroutable(error: HTTPException) -> Response:
        status = error.code or 500
        code, message = _ROUTING.get(status, ("processing", "The request was refused."))
        headers = {}
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return answers.public(
            outcome([Issue("error", code, message)]), status=status, format=_format(), headers=headers
        )

    @app.errorhandler(Exception)
    def crashed(error: Exception) -> Response:
        _log_crash(error, request_id(web))
        message = f"Something failed in the gateway. Tell its operator the request id {request_id(web)}."
        return answers.public(
            outcome([Issue("fatal", "exception", message)]), status=GatewayError.status, format=_format()
        )


def _headers(error: GatewayError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, StoreUnavailable):
        return {"Retry-After": "5"}
    if isinstance(error, NotOffered):
        return {"Allow": "GET, HEAD, OPTIONS"}
    return {}


def _format() -> Format:
    try:
        return wanted()
    except NotAcceptable:
        return "json"


def _log_unavailable(error: Trouble, request_id: str) -> None:
    """Something outside failed, which is no defect of ours: what it was, by its class and the cause's."""
    cause = error.__cause__ or error.__context__
    reason = type(cause).__name__ if cause is not None else None
    log.event("unavailable", level=logging.WARNING, error=type(error).__name__, reason=reason, request_id=request_id)


def _log_crash(error: BaseException, request_id: str) -> None:
    """Type and frames, of the causes too; never the message, which may quote a person's data."""
    frames: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(frames) < 60:
        frames.append(type(cause).__name__)
        frames += [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    log.event(
        "crash", level=logging.ERROR, error=type(error).__name__, frames=" < ".join(frames), request_id=request_id
    )
