"""Which fronts a claim takes: urgent ones first, then one of each partner in turn, beginning after the one served last.

One statement walks the partners that have fronts, one index step each, and stops when there are enough. On PostgreSQL
the same statement locks (FOR UPDATE SKIP LOCKED) and takes; on SQLite the walk is read before the writer's turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from gateway.store.outbox_rows import COLUMNS
from gateway.store.sql import Engine, Reader, Row, Session, step

SPARE = 4
"""Candidates looked at for each that is wanted: other workers may hold some."""
LAST = "\U0010ffff"
"""Sorts after every name."""
_WALK = """
    walk (n, rank, partner) AS (
        SELECT 0, 0, {nothing}
        UNION ALL
        SELECT s.n, s.rank, (
            SELECT min(o.partner) FROM outbox o WHERE o.ready = 1 AND o.rank = s.rank
            AND o.partner > COALESCE(w.partner, s.low) {order} AND o.partner <= s.high {order}
        ) FROM walk w JOIN segment s ON s.n = w.n + CASE WHEN w.partner IS NULL THEN 1 ELSE 0 END
    )"""
"""Partners with fronts, one after the other, segment by segment, found as they are asked for."""
_TAKEN = "state = 'sending', worker = ?, fence = fence + 1, attempts = attempts + 1, due = ?"
_ROW = ", ".join(f"outbox.{name}" for name in COLUMNS.split(", "))
CLAIM = f"""
    WITH RECURSIVE
    segment (n, rank, low, high) AS (SELECT * FROM unnest(?::int[], ?::int[], ?::text[], ?::text[])),
    {_WALK.format(nothing='NULL::text COLLATE "C"', order='COLLATE "C"')},
    found AS (
        SELECT w.* FROM walk w CROSS JOIN LATERAL (
            SELECT 1 FROM outbox o WHERE o.ready = 1 AND o.rank = w.rank AND o.partner = w.partner AND o.due <= ?
            ORDER BY o.due LIMIT 1
        ) due WHERE w.partner IS NOT NULL AND NOT w.partner = ANY (?::text[]) LIMIT ?
    ),
    counted AS (
        SELECT f.*, count(*) OVER (PARTITION BY f.rank) AS partners, COALESCE(r.most, ?) AS most FROM found f
        LEFT JOIN unnest(?::text[], ?::int[]) r (partner, most) ON r.partner = f.partner
    ),
    front AS (
        SELECT c.n, c.rank, c.partner, c.most, o.seq, o.turn FROM counted c CROSS JOIN LATERAL (
            SELECT d.seq, row_number() OVER (ORDER BY d.due, d.seq) AS turn FROM outbox d
            WHERE d.ready = 1 AND d.rank = c.rank AND d.partner = c.partner AND d.due <= ? ORDER BY d.due, d.seq
            LIMIT CASE WHEN c.partners < ? THEN LEAST(c.most, GREATEST(?, ? / c.partners)) ELSE 1 END
        ) o
    ),
    placed AS (
        SELECT seq, most, row_number() OVER (ORDER BY rank, turn, n, partner) AS place,
        row_number() OVER (PARTITION BY partner ORDER BY rank, turn) AS nth FROM front
    ),
    chosen AS (SELECT seq, place FROM placed WHERE nth <= most ORDER BY place LIMIT ?),
    free AS (
        SELECT o.seq, (SELECT c.place FROM chosen c WHERE c.seq = o.seq) AS place FROM outbox o
        WHERE o.seq = ANY (ARRAY (SELECT seq FROM chosen)) AND o.ready = 1 AND o.due <= ?
        ORDER BY place LIMIT ? FOR UPDATE SKIP LOCKED
    ),
    taken AS (UPDATE outbox SET {_TAKEN} FROM free WHERE outbox.seq = free.seq RETURNING free.place, {_ROW})
    SELECT (SELECT count(*) FROM chosen), taken.* FROM (SELECT 1) one LEFT JOIN taken ON true ORDER BY taken.place
"""  # noqa: S608 (names of our own)
"""All of a claim, on PostgreSQL, and how many could have been taken. Few partners: several of each."""
PARTNERS = f"""
    WITH RECURSIVE segment (n, rank, low, high) AS (VALUES {{segments}}), {_WALK.format(nothing="NULL", order="")}
    SELECT w.rank, w.partner FROM walk w WHERE w.partner IS NOT NULL AND w.partner NOT IN ({{names}}) AND EXISTS (
        SELECT 1 FROM outbox o WHERE o.ready = 1 AND o.rank = w.rank AND o.partner = w.partner AND o.due <= ?
    ) LIMIT ?
"""  # noqa: S608
FRONTS = """
    WITH p (n, partner) AS (VALUES {partners}) SELECT p.n, o.seq FROM p CROSS JOIN outbox o WHERE o.seq IN (
        SELECT d.seq FROM outbox d WHERE d.ready = 1 AND d.rank = ? AND d.partner = p.partner AND d.due <= ?
        ORDER BY d.due, d.seq LIMIT ?
    ) ORDER BY p.n, o.due, o.seq
"""
FREE = "SELECT seq FROM outbox WHERE seq IN ({marks}) AND ready = 1 AND due <= ?"
TAKE = f"UPDATE outbox SET {_TAKEN} WHERE seq IN ({{marks}}) RETURNING seq, {COLUMNS}"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Claim:
    """What is wanted: `limit` deliveries due `at`, leased until `lease` (microseconds), none of the partners `without`
    (`kind:` for all whose names begin so), of each partner no more than `rooms` says; beginning after `last`."""

    worker: str
    at: int
    lease: int
    limit: int
    without: Collection[str] = ()
    rooms: Mapping[str, int] = field(default_factory=dict)
    last: str = ""

    @property
    def names(self) -> list[str]:
        """The partners that are left out one by one."""
        full = [name for name, room in self.rooms.items() if room < 1]
        return [*full, *(one for one in self.without if not one.endswith(":"))]

    @property
    def most(self) -> int:
        """How many candidates are looked at."""
        return self.limit * SPARE

    def segments(self) -> Iterator[tuple[int, int, str, str]]:
        """Number, rank, and between which names (after the first, up to the last) partners are walked, in order."""
        kinds = sorted(one for one in self.without if one.endswith(":"))
        cuts = ["", *(end for kind in kinds for end in (kind, kind + LAST)), LAST]
        allowed = list(zip(cuts[::2], cuts[1::2], strict=True))
        after = [(max(low, self.last), high) for low, high in allowed if high > self.last]
        before = [(low, min(high, self.last)) for low, high in allowed if low < self.last]
        for n, (rank, (low, high)) in enumerate(((rank, span) for rank in (0, 1) for span in (*after, *before)), 1):
            yield n, rank, low, high


def claim(wanted: Claim, engine: Engine) -> tuple[int, Sequence[Row]]:
    """How many could be taken, and rows of COLUMNS of what was, in the order of their turns."""
    return _at_once(wanted, engine) if engine.dialect == "postgresql" else _in_turn(wanted, engine)


def _at_once(wanted: Claim, engine: Engine) -> tuple[int, Sequence[Row]]:
    segments, number, rooms = zip(*wanted.segments(), strict=True), wanted.most, wanted.rooms
    walked = (*map(list, segments), wanted.at, wanted.names, number)
    chosen = (number, [*rooms], [*rooms.values()], wanted.at, number, wanted.limit, number, number)
    with engine.writing() as session:
        rows = session.last(CLAIM, (*walked, *chosen, wanted.at, wanted.limit, wanted.worker, wanted.lease))
    step("claimed")
    return rows[0][0], [row[2:] for row in rows if row[1] is not None]


def _in_turn(wanted: Claim, engine: Engine) -> tuple[int, Sequence[Row]]:
    seqs = _candidates(wanted, engine)
    if not seqs:
        return 0, []
    with engine.writing() as session:
        taken = _take(wanted, seqs, session)
        step("claimed")
    return len(seqs), taken


def _candidates(wanted: Claim, reader: Reader) -> Sequence[int]:
    """The `seq` of what could be taken now, in the order of turns, more than are wanted."""
    segments = list(wanted.segments())
    sql = PARTNERS.format(
        segments=", ".join(["(?, ?, ?, ?)"] * len(segments)), names=", ".join("?" * len(wanted.names))
    )
    flat = [value for segment in segments for value in segment]
    partners = reader.rows(sql, [*flat, *wanted.names, wanted.at, wanted.most])
    found: list[int] = []
    taken: Counter[str] = Counter()
    for rank in (0, 1):
        names = [partner for of, partner in partners if of == rank]
        for turn in zip_longest(*_queues(names, rank, wanted, reader)):
            for name, seq in zip(names, turn, strict=True):
                if seq is not None and taken[name] < wanted.rooms.get(name, wanted.most):
                    taken[name] += 1
                    found.append(seq)
    return found[: wanted.most]


def _queues(names: Sequence[str], rank: int, wanted: Claim, reader: Reader) -> list[list[int]]:
    """The first due fronts of each partner; of few partners several."""
    queues: list[list[int]] = [[] for _ in names]
    if names:
        sql = FRONTS.format(partners=", ".join(["(?, ?)"] * len(names)))
        each = wanted.most if len(names) < wanted.most else 1
        numbered = [value for pair in enumerate(names) for value in pair]
        for n, seq in reader.rows(sql, [*numbered, rank, wanted.at, each]):
            queues[n].append(seq)
    return queues


def _take(wanted: Claim, seqs: Sequence[int], session: Session) -> Sequence[Row]:
    """Take the first of the candidates that are still free, as many as are wanted."""
    order = {seq: place for place, seq in enumerate(seqs)}
    free = session.rows(FREE.format(marks=", ".join("?" * len(seqs))), (*seqs, wanted.at))
    chosen = sorted((row[0] for row in free), key=order.__getitem__)[: wanted.limit]
    if not chosen:
        return []
    taken = session.rows(TAKE.format(marks=", ".join("?" * len(chosen))), (wanted.worker, wanted.lease, *chosen))
    return [row[1:] for row in sorted(taken, key=lambda row: order[row[0]])]
