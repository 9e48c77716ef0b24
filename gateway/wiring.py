"""Settings to services: the only place that chooses adapters, reads the clock and makes ids.

with running(settings) as application: ...      the WSGI application, closed with the block
with composed(settings) as services: ...        the same without the web room (commands, the worker)
wsgi()                                          for `gunicorn "gateway.wiring:wsgi()"` and Granian's factory
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from gateway import heap, log, shipped
from gateway import settings as environment
from gateway.domain.member import Organization
from gateway.doors.readers import Readers
from gateway.errors import GatewayError, Misconfigured
from gateway.ports import Json
from gateway.settings import Settings
from gateway.usecases.checking import Checker
from gateway.usecases.intake import Intake
from gateway.usecases.loop_tables import LoopTables
from gateway.usecases.served import GUIDES, PACKAGES, SERVED
from gateway.usecases.services import Services

if TYPE_CHECKING:
    from flask import Flask

    from gateway.domain.criteria import CriteriaTables
    from gateway.packages import Definitions
    from gateway.search.parameters import Parameters
    from gateway.search.rules import Search
    from gateway.store import SqlStore
    from gateway.validation import Validator


SAVE_SECONDS = 5.0
"""How often a server process keeps what it has compiled meanwhile, for the next start."""


def now() -> datetime:
    """The time, with a zone: the one clock of the process."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh FHIR id that says nothing of what it names."""
    return str(uuid4())


def base_url(settings: Settings) -> str:
    """The public address of the FHIR API, never taken from a request (its Host header can be forged)."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.base_url.rstrip("/") or f"http://{host}:{settings.port}/fhir"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is read from files once and never changes: definitions, search parameters, profiles."""

    definitions: Definitions
    searched: Parameters
    validator: Validator
    checker: Checker
    readers: Readers
    criteria: CriteriaTables
    loops: LoopTables


@cache
def knowledge(profiles: Path | None, mappings: Path | None, *, compiled: Path | None = None) -> Knowledge:
    """The definitions of `profiles` and the tables of `mappings` (unset: shipped), compiled once a process.

    `compiled` is a file in which compiled profiles are kept between starts.
    """
    from gateway.mapping import criteria
    from gateway.packages import Definitions
    from gateway.search.parameters import Parameters
    from gateway.validation import Validator

    definitions = Definitions.load(
        PACKAGES, resources=[file.read_bytes() for file in shipped.own_definitions(profiles)]
    )
    validator = Validator(definitions, unknown_extensions="warning", displays="warning", clock=now, cache=compiled)
    tables = mappings or shipped.folder("mappings")
    searched = Parameters(definitions, engine=True)
    readers = Readers.load(tables)
    return Knowledge(
        definitions,
        searched,
        validator,
        Checker(validator),
        readers,
        criteria.load(tables / "criteria"),
        LoopTables.load(tables),
    )


def knowledge_of(settings: Settings) -> Knowledge:
    """The knowledge that the settings name."""
    return knowledge(settings.profiles, settings.mappings, compiled=settings.cache.expanduser() / "profiles.compiled")


def profiles_of(definitions: Definitions) -> Callable[[str], Sequence[str]]:
    """By resource type, the profiles that are checked (`url|version`); looked up when the first one asks."""

    @cache
    def by_type() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for scope, entry in definitions.entries("StructureDefinition"):
            if scope in (*PACKAGES[1:], "loose") and entry.kind == "resource/constraint" and entry.of in SERVED:
                found.setdefault(entry.of, []).append(f"{entry.url}|{entry.version}" if entry.version else entry.url)
        return found

    return lambda type: by_type().get(type, ())


@contextmanager
def composed(settings: Settings) -> Iterator[Services]:
    """Everything the use cases need; the store is closed with the block."""
    known = knowledge_of(settings)
    search = searching(settings, known)
    store = open_store(settings, known)
    try:
        yield services_over(store, settings, known, search)
    finally:
        store.close()


def services_over(store: SqlStore, settings: Settings, known: Knowledge, search: Search) -> Services:
    """The services of one store."""
    from gateway import wiring_published, wiring_webhooks

    return Services(
        store=store,
        validator=known.checker,
        intake=intake(settings, known),
        loops=known.loops,
        search=search,
        clock=now,
        new_id=new_id,
        types=SERVED,
        reserved=wiring_published.reserved(shipped.own_definitions(settings.profiles)),
        subscribers=wiring_webhooks.subscribers(settings),
        base=base_url(settings),
        check_references=settings.check_references,
        max_entries=settings.max_entries,
        started=now(),
        guides=GUIDES,
        profiles=profiles_of(known.definitions),
        offer=wiring_webhooks.offer(settings, search, clock=now),
        hooks=wiring_webhooks.hooks(settings),
        parties=wiring_webhooks.parties(settings),
    )


@contextmanager
def running(settings: Settings) -> Iterator[Flask]:
    """The web application; the store is closed with the block."""
    from gateway.web import app, context, formats, hosts
    from gateway.wiring_published import published

    with composed(settings) as services:
        yield app.create_app(
            context.Web(
                services=services,
                base=base_url(settings),
                hosts=None if settings.listen_anywhere else hosts.named(settings.host, base_url(settings)),
                max_body=settings.max_body,
                tenant=settings.tenant,
                release=version("ecm-gateway"),
                xml=formats.XmlCodec.of(knowledge_of(settings).validator.engine.shapes),
                published=published(
                    shipped.own_definitions(settings.profiles), knowledge_of(settings).readers.concepts
                ),
            )
        )


def wsgi() -> Flask:
    """The web application for a WSGI server, by the process's own settings; it lives as long as the process.

    What keeps it from starting (a bad table, a database that is away) is said in the log, and the process ends.
    """
    settings = environment.load()
    log.start(settings.log_level)
    manager = running(settings)
    try:
        with heap.loading():
            application = manager.__enter__()
    except GatewayError as error:
        for issue in error.issues:
            log.event("start.failed", level=logging.ERROR, error=type(error).__name__, reason=issue.message)
        raise SystemExit(2) from None
    application.extensions["gateway.lifetime"] = manager
    Thread(target=_saving, args=(knowledge_of(settings).validator,), name="saving", daemon=True).start()
    return application


def _saving(validator: Validator) -> None:
    while True:
        sleep(SAVE_SECONDS)
        validator.acceptor.save()


def open_store(settings: Settings, known: Knowledge) -> SqlStore:
    """The store at ECM_DATABASE, indexing by the published search parameters."""
    from gateway import store, wiring_webhooks

    if settings.database.startswith("sqlite:///"):
        Path(settings.database.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    search = searching(settings, known)
    watch = wiring_webhooks.watching(search, clock=now)
    return store.open(settings.database, clock=now, index=search.entries, watch=watch, connections=settings.threads + 2)


def searching(settings: Settings, known: Knowledge) -> Search:
    """What can be searched for, by the published search parameters."""
    from gateway.search.rules import Search

    compile = _expressions(known.definitions)
    return Search(known.searched, types=sorted(SERVED), clock=now, compile=compile, base=base_url(settings))


def _expressions(definitions: Definitions) -> Callable[[str, str], Callable[[Json], Sequence[Any]]]:
    """The FHIRPath engine, for the few search expressions that no plain route can say; made when first needed."""

    @cache
    def model() -> Any:
        from gateway.fhirpath import Model

        return Model(definitions)

    def compiled(expression: str, type: str) -> Callable[[Json], Sequence[Any]]:
        from gateway.fhirpath import compile

        return compile(expression, model=model(), type=type)

    return compiled


def intake(settings: Settings, known: Knowledge) -> Intake:
    """Readers and mappers of what comes in."""
    names: dict[str, str] = {}
    for rows in known.readers.concepts["plan"].rows.values():
        for row in rows:
            if row.label != row.code:
                names.setdefault(row.code, row.label)
    return Intake(
        readers=known.readers,
        criteria=known.criteria,
        clock=now,
        id_key=id_key(settings),
        operator=Organization(name=settings.operator_name, npi=settings.operator_npi or None),
        plan_names=names,
    )


def id_key(settings: Settings) -> bytes:
    """The secret that ids of members are made with; made at first start, readable by this user only."""
    file = settings.id_key
    if file is None:
        if not settings.database.startswith("sqlite:///"):
            raise Misconfigured("ECM_ID_KEY must name the file with the secret for ids when data is in PostgreSQL.")
        file = Path(settings.database.removeprefix("sqlite:///")).parent / "id.key"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Misconfigured(f"{file} does not hold the 64 hexadecimal digits of a key.")
    return key
