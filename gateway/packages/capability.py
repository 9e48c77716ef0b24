"""What of a CapabilityStatement is kept: what a server of that kind serves, and how firmly that is asked."""

from __future__ import annotations

from typing import Any

from gateway.packages.rule_members import HEAD, pick, rules_of

Json = dict[str, Any]


def capability(resource: Json) -> Json:
    kept = pick(resource, (*HEAD, "kind", "instantiates", "imports", "fhirVersion", "format"))
    return kept | {"rest": [_rest(item) for item in resource.get("rest", ())]}


def _rest(item: Json) -> Json:
    kept = pick(item, ("mode",))
    kept["resource"] = [_served(part) for part in item.get("resource", ())]
    return kept | _expected(item, {"interaction": ("code",), "operation": ("name", "definition")})


def _served(part: Json) -> Json:
    kept = rules_of(part) | pick(part, ("type", "profile", "supportedProfile", "_supportedProfile", "searchInclude"))
    kept |= pick(part, ("searchRevInclude", "referencePolicy"))
    lists = {
        "interaction": ("code",),
        "searchParam": ("name", "definition", "type"),
        "operation": ("name", "definition"),
    }
    return kept | _expected(part, lists)


def _expected(source: Json, lists: dict[str, tuple[str, ...]]) -> Json:
    return {
        name: [rules_of(item) | pick(item, members) for item in source[name]]
        for name, members in lists.items()
        if name in source
    }
