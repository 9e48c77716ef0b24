"""FHIR packages: condensed to facts, loaded, looked up by canonical.

`Definitions.load([...])` is the door; `ecm-gateway packages import` condenses an official package.
"""

from gateway.packages.definitions import Definitions, published_folder
from gateway.packages.facts import About, Entry

__all__ = ["About", "Definitions", "Entry", "published_folder"]
