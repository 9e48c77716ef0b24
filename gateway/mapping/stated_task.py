"""A referral's Task as it was written, beside the version before: since when it stands so, and what stays said of it.

Who writes a Task gives its status and perhaps why; since when, how it is reported and for which reason of closure are
kept with it, so that the same Task written again is the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.domain.loop import Loop, TaskStatus
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of
from gateway.mapping import loop, systems

_OURS = (loop.CLOSURE, loop.DISCONTINUATION)


def moves(before: Json, after: Json) -> bool:
    """Whether a referral's Task gets another status, both of them statuses of a referral."""
    statuses = set(TaskStatus)
    differs = loop.is_referral_task(before) and before.get("status") != after.get("status")
    return differs and before["status"] in statuses and after.get("status") in statuses


def same_status(before: Json, after: Json) -> bool:
    """Whether a referral's Task keeps its status."""
    return loop.is_referral_task(before) and before.get("status") == after.get("status")


def then(before: Json, after: Json, *, now: datetime) -> Loop:
    """Where the loop stands after the move: since when the writer says, else since now."""
    stated = loop.loop_of(after)
    if after.get("lastModified") not in (None, before.get("lastModified")):
        return stated
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return replace(stated, since=max(now, loop.loop_of(before).since))


def still(before: Json, after: Json) -> Json:
    """A Task whose status stays, with what was said of that status before where it says less."""
    made = dict(after)
    since = loop.since_of(before)
    if since is not None and (loop.since_of(after) or since) <= since:
        made["lastModified"] = before["lastModified"]
    if code_of(before.get("businessStatus"), systems.REFERRAL_STATUS) is not None:
        made["businessStatus"] = _reported(before["businessStatus"], after.get("businessStatus") or {})
    if (stood := before.get("statusReason")) is None:
        return made
    if "statusReason" not in after:
        return made | {"statusReason": stood}
    codings = [one for one in stood.get("coding", ()) if one.get("system") in _OURS]
    return with_reason(made | {"statusReason": {"coding": codings}}, after["statusReason"])


def with_reason(task: Json, stated: Json | None) -> Json:
    """The Task with the reason as it was stated, and the codes of ours that this lacks."""
    if stated is None:
        return task
    said = stated.get("coding", [])
    known = {one.get("system") for one in said}
    ours = (task.get("statusReason") or {}).get("coding", ())
    codings = [*said, *(one for one in ours if one.get("system") not in known)]
    return task | {"statusReason": stated | ({"coding": codings} if codings else {})}


def _reported(before: Json, after: Json) -> Json:
    """How the Task is reported stays; the state of ECM is the writer's to say."""
    state = [one for one in after.get("coding", ()) if one.get("system") == loop.LIFE_CYCLE]
    codings = [one for one in before["coding"] if not (state and one.get("system") == loop.LIFE_CYCLE)]
    return before | {"coding": [*codings, *state]}
