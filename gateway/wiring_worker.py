"""The part of wiring that is about the worker: its store, what it applies of what partners sent, how it notifies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from gateway import store, wiring
from gateway.ports import Inbound
from gateway.settings import Settings
from gateway.usecases.services import Services
from gateway.wiring_webhooks import parties, watching, webhooks_file

if TYPE_CHECKING:
    from gateway.fhir.xml_writer import XmlWriter
    from gateway.store import SqlStore
    from gateway.usecases.apply_inbox import Applying, Ending
    from gateway.usecases.deliver import Delivering
    from gateway.usecases.notify import Notifying

T = TypeVar("T")


@contextmanager
def working(settings: Settings) -> Iterator[tuple[SqlStore, Callable[[], Services]]]:
    """The worker's store, and the services over it; definitions are loaded only when something has to be kept.

    Before its transaction, and once: loading takes seconds, and on SQLite everyone would wait.
    """
    known = _once(lambda: wiring.knowledge_of(settings))
    search = _once(lambda: wiring.searching(settings, known()))
    opened = store.open(
        settings.database,
        clock=wiring.now,
        index=lambda resource: search().entries(resource),
        watch=lambda *subscription: watching(search(), clock=wiring.now)(*subscription),
        prepare=search,
    )
    with closing(opened):
        yield opened, _once(lambda: wiring.services_over(opened, settings, known(), search()))


def _once(make: Callable[[], T]) -> Callable[[], T]:
    """`make`, called by whoever needs it first; others wait for what it makes."""
    lock, cached = Lock(), cache(make)

    def made() -> T:
        with lock:
            return cached()

    return made


@contextmanager
def applying(
    settings: Settings, services: Callable[[], Services], *, tell: Callable[[Inbound, Ending, str], None], scale: float
) -> Iterator[Applying]:
    """How what partners sent us is applied."""
    from gateway.partners.settings import load
    from gateway.partners.source import FhirSource
    from gateway.usecases.apply_inbox import Applying

    listed = load(settings.partners)
    bases = {name: one.base_url for name, one in listed.items()}
    tokens = {name: one.token_file for name, one in listed.items()}
    with closing(FhirSource(bases, tokens=tokens, ca_files={n: one.ca_file for n, one in listed.items()})) as source:
        yield Applying(services, source, wiring.now, wiring.base_url(settings), tell, scale, xml_reader(settings))


@contextmanager
def notifying(settings: Settings, using: Delivering, *, alert: Callable[[str, str], None]) -> Iterator[Notifying]:
    """How subscribers are notified."""
    from gateway.partners.mail import mailer
    from gateway.partners.webhook import Webhooks
    from gateway.usecases.notify import Notifying

    read = webhooks_file(settings)
    with closing(Webhooks(read.endpoints)) as post:
        mail = mailer(settings.mail, sender=settings.mail_from)
        secrets = lambda principal: read.secrets.get(principal, ())  # noqa: E731
        xml = lambda data: _xml_writer(settings).of_json(data)  # noqa: E731
        yield Notifying(using, post, mail, secrets, alert, xml=xml, parties=parties(settings))


def xml_reader(settings: Settings) -> Callable[[bytes], object]:
    """Reads FHIR XML; definitions are loaded only when a partner sends it."""

    def read(data: bytes) -> object:
        from gateway.web.formats import XmlCodec

        codec = XmlCodec.of(wiring.knowledge_of(settings).validator.engine.shapes)
        assert codec.read is not None
        return codec.read(data)

    return read


@cache
def _xml_writer(settings: Settings) -> XmlWriter:
    """Writes FHIR XML; definitions are loaded only when somebody wants it."""
    from gateway.fhir.xml_writer import XmlWriter

    return XmlWriter(wiring.knowledge_of(settings).validator.engine.shapes)
