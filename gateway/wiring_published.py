"""The part of wiring that is about what the gateway publishes of itself."""

from __future__ import annotations

from gateway import wiring
from gateway.mapping.concept_maps import concept_maps
from gateway.settings import Settings
from gateway.usecases.published import Published


def published(settings: Settings) -> Published:
    """Our definitions, with the ConceptMaps of the tables that are read by."""
    sources = [file.read_bytes() for file in wiring.own_definitions(settings.profiles)]
    concepts = wiring.knowledge_of(settings).readers.concepts
    return Published(sources, maps=lambda day: concept_maps(concepts, on=day))


def reserved(settings: Settings) -> frozenset[str]:
    """References of our own definitions, which nobody writes: a file is named by type and id."""
    return frozenset(file.stem.replace("-", "/", 1) for file in wiring.own_definitions(settings.profiles))
