"""The gateway as real server processes over real sockets, on Granian and on gunicorn."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.simulators.free_port import free_port
from tests.web.served import BIN, HOST, LIMIT, MINE, Served, answer, chunked, kept, patient, post, wait


@pytest.fixture(scope="module", params=["granian", "gunicorn"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp(request.param)
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ECM_")} | {
        "ECM_DATABASE": f"sqlite:///{folder / 'gateway.sqlite'}",
        "ECM_PORT": str(port),
        "ECM_MAX_BODY": str(LIMIT),
        "ECM_PARTNERS": str(folder / "partners.toml"),
    }
    commands = {
        "granian": [BIN / "ecm-gateway", "serve"],
        "gunicorn": [BIN / "gunicorn", "-k", "gthread", "--threads", "4", "-b", f"127.0.0.1:{port}",
                     "--log-level", "error", "gateway.wiring:wsgi()"],
    }  # fmt: skip
    log = folder / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(commands[request.param], env=environment, stdout=stderr, stderr=stderr, cwd=folder)
    server = Served(port, process, log)
    try:
        wait(server)
        yield server
        assert b"anzibarovna" not in log.read_bytes()
        if request.param == "granian":
            assert {"event", "at", "level"} <= set.intersection(*map(_members, log.read_bytes().splitlines()))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0


def _members(line: bytes) -> set[str]:
    """The members of a line of the log; whoever reads it expects an object on each."""
    return set(json.loads(line))


PLACES = [
    ("/fhir/Patient", "application/fhir+json"),
    ("/fhir", "application/fhir+json"),
    ("/fhir/Patient/$validate", "application/fhir+json"),
    ("/fhir/$convert", "application/json"),
    ("/fhir/Patient/_search", "application/x-www-form-urlencoded"),
    ("/referrals", "application/json"),
    ("/care-plans", "application/json"),
    ("/care-teams", "application/json"),
    ("/files/kaiser/referral", "text/csv"),
]


@pytest.mark.parametrize(("path", "media"), PLACES)
def test_a_body_over_the_limit_is_refused_on_every_address(served: Served, path: str, media: str) -> None:
    before = kept(served)
    for raw in (chunked(path, patient(LIMIT), media=media), post(path, patient(LIMIT), media=media)):
        status, body = served.say(raw)
        assert status == 413
        assert json.loads(body)["issue"][0]["code"] == "too-long"
    assert kept(served) == before


def test_a_chunked_body_within_the_limit_is_read_whole(served: Served) -> None:
    before = kept(served)
    status, body = served.say(chunked("/fhir/Patient", patient(LIMIT - 5_000)))
    assert status == 201, body[:300]
    assert len(json.loads(body)["name"][0]["text"]) == LIMIT - 5_000
    assert kept(served) == before + 1


def test_a_chunked_file_over_the_limit_is_not_cut_at_a_row(served: Served) -> None:
    row = b"Zanzibarovna,Ljuba\n"
    rows = b"Last,First\n" + row * (LIMIT // len(row) + 2)
    assert served.say(chunked("/files/kaiser/referral", rows, media="text/csv"))[0] == 413


def cut_off(server: Served, raw: bytes) -> tuple[int, bytes]:
    """The answer to a request whose sender has gone silent, but still listens."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return answer(connection)


ROW = b"Zanzibarovna,Ljuba\n"
WITHOUT_END = [
    ("/files/kaiser/referral", "text/csv", b"Last,First\n" + ROW),
    ("/fhir/$convert?partner=kaiser&kind=referral", "text/csv", b"Last,First\n" + ROW),
    ("/fhir/Patient/_search", "application/x-www-form-urlencoded", b"_count=5"),
]


@pytest.mark.parametrize(("path", "media", "body"), WITHOUT_END)
@pytest.mark.parametrize("missing", [5, 0], ids=["in a chunk", "between chunks"])
def test_what_has_no_end_of_its_own_must_say_its_length_so_that_none_is_taken_that_was_cut(
    served: Served, path: str, media: str, body: bytes, missing: int
) -> None:
    head, _, _ = chunked(path, b"", media=media).partition(b"0\r\n")
    cut = head + b"%x\r\n%s" % (len(body) + missing, body) + (b"" if missing else b"\r\n")
    assert cut_off(served, cut)[0] in (400, 411)
    status, answer = served.say(chunked(path, body, media=media))
    assert (status, json.loads(answer)["issue"][0]["details"]["coding"][0]["code"]) == (411, "body-length")
    assert served.say(post(path, body, media=media))[0] in (200, 422)


def test_a_cut_resource_is_none_and_a_whole_one_is_whole(served: Served) -> None:
    before = kept(served)
    raw = chunked("/fhir/Patient", patient())
    for left in (60, 20):
        assert cut_off(served, raw[:-left])[0] in (0, 400)
    assert kept(served) == before


def test_a_body_that_ends_early_keeps_nothing(served: Served) -> None:
    before = kept(served)
    raw = post("/fhir/Patient", patient(), length=len(patient()) + 100)
    with socket.create_connection(("127.0.0.1", served.port), timeout=120) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        status, _ = answer(connection)
    assert status in (0, 400)
    assert kept(served) == before


@pytest.mark.parametrize(
    "headers",
    ["Content-Length: -5", "Content-Length: 1\r\nContent-Length: 2", "Content-Length: x", "X-Note: a\x00b"],
)
def test_headers_that_lie_are_refused(served: Served, headers: str) -> None:
    before = kept(served)
    raw = f"POST /fhir/Patient HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/fhir+json\r\n{headers}\r\n\r\n{{}}"
    assert served.say(raw.encode())[0] in (0, 400)
    assert kept(served) == before


def test_a_forged_host_is_refused(served: Served) -> None:
    status, body = served.say(b"GET /fhir/Patient HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert status == 421
    assert b"evil.example" not in body


def test_one_that_sends_half_a_body_holds_up_nobody_else(served: Served) -> None:
    slow = [socket.create_connection(("127.0.0.1", served.port), timeout=120) for _ in range(2)]
    try:
        for connection in slow:
            connection.sendall(post("/fhir/Patient", patient(), length=10_000))
        time.sleep(0.2)
        started = time.perf_counter()
        assert served.say(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200
        assert time.perf_counter() - started < 60, "those who hang never end"
    finally:
        for connection in slow:
            connection.close()


def test_many_at_once_make_one_version_each(served: Served) -> None:
    body = json.loads(patient()) | {"id": "contended"}
    served.say(_put(body))
    answers: list[int] = []

    def change(number: int) -> None:
        gender = ["male", "female", "other", "unknown"][number % 4]
        raw = _put({**body, "gender": gender}, match='W/"1"')
        answers.append(served.say(raw)[0])

    threads = [threading.Thread(target=change, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [412] * 11


def _put(body: dict[str, object], *, match: str | None = None) -> bytes:
    data = json.dumps(body).encode()
    condition = f"If-Match: {match}\r\n" if match else ""
    head = (
        f"PUT /fhir/Patient/{body['id']} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/fhir+json\r\n{condition}"
    )
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def test_the_log_has_a_line_a_request_and_no_query(served: Served) -> None:
    served.say(
        b"GET /fhir/Patient?family=Zanzibarovna HTTP/1.1\r\nHost: [::1]\r\nX-Request-Id: " + MINE.encode() + b"\r\n\r\n"
    )
    until, mine = time.monotonic() + 60, []
    while not mine and time.monotonic() < until:
        time.sleep(0.02)
        lines = [json.loads(line) for line in served.log.read_text().splitlines() if line.endswith("}")]
        mine = [line for line in lines if line.get("request_id") == MINE]
    assert [(line["route"], line["status"]) for line in mine] == [("/fhir/<data:type>", 200)]


def test_a_stop_lets_requests_in_work_end(tmp_path: Path) -> None:
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ECM_")} | {
        "ECM_DATABASE": f"sqlite:///{tmp_path / 'gateway.sqlite'}",
        "ECM_PORT": str(port),
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [BIN / "ecm-gateway", "serve"], env=environment, stdout=log, stderr=log, cwd=tmp_path
        )
    server = Served(port, process, tmp_path / "log")
    wait(server)
    entry = {"resource": json.loads(patient()), "request": {"method": "POST", "url": "Patient"}}
    bundle = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 400}).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(post("/fhir", bundle))
        _taken_in(connection)
        process.send_signal(signal.SIGTERM)
        status, body = answer(connection)
    assert status == 200, server.log.read_text()
    assert len(json.loads(body)["entry"]) == 400
    assert process.wait(120) == 0


def _taken_in(connection: socket.socket) -> None:
    """Wait until the server has read all that was sent to it."""
    here, there = (f"0100007F:{end[1]:04X}" for end in (connection.getsockname(), connection.getpeername()))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        queues = {row[4] for row in rows if (row[1], row[2]) in ((here, there), (there, here))}
        if queues == {"00000000:00000000"}:
            return
        time.sleep(0.005)


def test_beyond_loopback_is_refused_with_the_reason() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ECM_")}
    done = subprocess.run(
        [BIN / "ecm-gateway", "serve", "--host", "0.0.0.0"],
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert b"callers are not authenticated" in done.stderr
