"""The part of wiring that is about what the gateway publishes of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.mapping.concept_maps import concept_maps
from gateway.mapping.concepts import Concept
from gateway.usecases.published import Published


def published(files: Sequence[Path], concepts: Mapping[str, Concept]) -> Published:
    """Our definitions, with the ConceptMaps of the tables that are read by."""
    sources = [file.read_bytes() for file in files]
    return Published(sources, maps=lambda day: concept_maps(concepts, on=day))


def reserved(files: Sequence[Path]) -> frozenset[str]:
    """References of our own definitions, which nobody writes: a file is named by type and id."""
    return frozenset(file.stem.replace("-", "/", 1) for file in files)
