"""Nothing that was answered 200 is lost, whatever happens to the programs; and nothing leaks into logs."""

import base64
import http.client
import os
import signal
import ssl
import threading
import time

import pytest

from harness import wait_for
from harness.process import SANITIZER, Shell, program_path
from harness.server import quote


class Load:
    """Devices that answer one command after the other; remembers what was answered 200."""

    def __init__(self, server, devices=6):
        self.server = server
        self.devices = [server.enrolled() for _ in range(devices)]
        self.accepted = []
        self.statuses = {}
        self.lost_connections = 0
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(device,)) for device in self.devices]

    def queue(self, each):
        ids = ", ".join(quote(device.id) for device in self.devices)
        self.server.sql(
            "INSERT INTO queue(device, request) "
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {each}) "
            f"SELECT id, 'ProfileList' FROM device, n WHERE id IN ({ids})"
        )

    def _note(self, reply, uuid, device):
        with self.lock:
            self.statuses[reply.status] = self.statuses.get(reply.status, 0) + 1
            if uuid is not None and reply.status == 200:
                self.accepted.append((device.id, uuid))

    def _run(self, device):
        uuid = None
        while not self.stopping.is_set():
            try:
                reply = device.idle() if uuid is None else device.acknowledge(uuid, ProfileList=[])
            except (OSError, http.client.HTTPException, ssl.SSLError):
                with self.lock:
                    self.lost_connections += 1
                uuid = None
                continue
            self._note(reply, uuid, device)
            uuid = reply.uuid

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        for device in self.devices:
            device.close()

    def check(self):
        """Every answer that got its 200 is there, once."""
        stored = {(row["device"], row["uuid"]) for row in self.server.sql("SELECT device, uuid FROM result")}
        lost = [answer for answer in self.accepted if answer not in stored]
        assert not lost, f"{len(lost)} of {len(self.accepted)} answers are lost"
        open_but_answered = self.server.sql(
            "SELECT c.device, c.uuid FROM command c JOIN result r ON r.device = c.device AND r.uuid = c.uuid "
            "WHERE c.state NOT IN ('acknowledged')"
        )
        assert not open_but_answered


@pytest.fixture
def load(own_server):
    running = Load(own_server)
    running.queue(400)
    running.start()
    yield running
    if not running.stopping.is_set():
        running.stop()


def wait_for_answers(load, more):
    goal = len(load.accepted) + more
    wait_for(lambda: len(load.accepted) >= goal, f"{more} more answers")


def test_sigterm_under_load_loses_nothing(own_server, load):
    for _ in range(3):
        wait_for_answers(load, 50)
        own_server.parts.pop("pomona-fcgi").stop()
        own_server.start_fcgi()
    wait_for_answers(load, 50)
    load.stop()
    load.check()
    assert set(load.statuses) <= {200, 503}, load.statuses
    assert load.lost_connections == 0, "nginx answers, whatever becomes of the responder"


def test_kill_under_load_loses_nothing_that_was_answered(own_server, load):
    for _ in range(3):
        wait_for_answers(load, 50)
        own_server.parts.pop("pomona-fcgi").kill()
        own_server.start_fcgi()
    wait_for_answers(load, 50)
    load.stop()
    load.check()
    assert set(load.statuses) <= {200, 503}, load.statuses
    assert own_server.value("PRAGMA integrity_check") == "ok"


@pytest.mark.nginx
def test_two_responders_on_one_store(own_server, load):
    """Several processes may share one database file."""
    second = own_server.start(
        "pomona-fcgi-2", [own_server.fcgi.process.args[0], "--listen", own_server.path("fcgi-2.sock")]
    )
    wait_for(lambda: "msg=ready" in second.output(), "the second responder")
    own_server.restart_front(FCGI_SOCKET=f"{own_server.socket}; server unix:{own_server.path('fcgi-2.sock')}")
    wait_for_answers(load, 200)
    load.stop()
    load.check()
    assert "msg=request" in second.output()


def test_the_web_server_reloads_under_load(own_server, load):
    for _ in range(3):
        wait_for_answers(load, 50)
        own_server.parts["front"].signal(signal.SIGHUP)
    wait_for_answers(load, 50)
    load.stop()
    load.check()
    assert set(load.statuses) == {200}


def test_a_locked_store_is_503_and_retry_after(own_server):
    device = own_server.enrolled()
    uuid = own_server.queue(device, "ProfileList")
    device.idle()
    shell = Shell(own_server)
    shell.type("BEGIN IMMEDIATE;")
    reply = device.acknowledge(uuid, ProfileList=[])
    assert reply.status == 503
    assert int(reply.headers["Retry-After"]) > 0
    assert b"lock" not in reply.body.lower(), "what went wrong inside is for the log"
    assert own_server.state(device, uuid) == "sent"
    # Reading needs no lock.
    other = own_server.get("/healthz")
    assert other == b"ok\n"
    shell.type("ROLLBACK;")
    shell.leave()
    assert device.acknowledge(uuid, ProfileList=[]).status == 200
    assert own_server.state(device, uuid) == "acknowledged"


def test_an_idle_with_nothing_waiting_needs_no_lock(own_server):
    device = own_server.enrolled()
    device.idle()
    shell = Shell(own_server)
    shell.type("BEGIN IMMEDIATE;")
    assert device.idle().status == 200
    shell.type("COMMIT;")
    shell.leave()


def test_a_locked_store_does_not_lose_a_check_in(own_server):
    device = own_server.new_device()
    shell = Shell(own_server)
    shell.type("BEGIN IMMEDIATE;")
    assert device.authenticate().status == 503
    shell.type("COMMIT;")
    shell.leave()
    device.enroll()
    assert own_server.device_row(device)["state"] == "enrolled"


def test_a_full_disk_is_503(make_server, small_disk):
    server = make_server(store=small_disk)
    try:
        device = server.enrolled()
        uuid = server.queue(device, "CertificateList")
        device.idle()
        filler = os.path.join(small_disk, "filler")
        with open(filler, "wb") as file:
            with pytest.raises(OSError):
                while True:
                    os.write(file.fileno(), b"x" * 65536)
        answer = {"CertificateList": [{"Data": b"x" * 500_000}]}
        reply = device.acknowledge(uuid, **answer)
        assert reply.status == 503 and reply.headers["Retry-After"]
        assert server.get("/version")
        os.unlink(filler)
        assert device.acknowledge(uuid, **answer).status == 200
        assert server.state(device, uuid) == "acknowledged"
        device.close()
    finally:
        server.stop()


def test_a_client_that_breaks_off_costs_nothing(server, device):
    connections = []
    for _ in range(20):
        connection = device.open()
        connection.putrequest("PUT", "/mdm")
        connection.putheader("Content-Length", "100000")
        connection.endheaders()
        connection.send(b"<plist>")
        connections.append(connection)
    assert device.idle().status == 200
    for connection in connections:
        connection.close()
    assert device.idle().status == 200


def test_last_seen_of_a_device_that_only_looks_in(server, device):
    server.sql(f"UPDATE enrollment SET last_seen = 1 WHERE id = {quote(device.id)}")
    assert device.idle().status == 200
    wait_for(lambda: not server.device_row(device)["last_seen"].startswith("1970"), "last_seen to be written")


def test_logs_hold_no_secret(make_server):
    """With everything that could be logged switched on."""
    server = make_server(push=True, log="debug")
    try:
        device = server.new_device()
        secrets = {
            "magic": "MAGIC-77d1c3",
            "unlock": b"UNLOCK-77d1c3",
            "bootstrap": b"BOOTSTRAP-77d1c3",
            "payload": b"PAYLOAD-77d1c3",
        }
        device.magic = secrets["magic"]
        device.enroll(UnlockToken=secrets["unlock"])
        device.check_in("SetBootstrapToken", BootstrapToken=secrets["bootstrap"])
        device.check_in("GetBootstrapToken")
        device.token_update(PushMagic=5, UnlockToken=secrets["unlock"])
        device.send(b"<plist>MAGIC-77d1c3")
        uuid = server.queue(device, "ClearPasscode")
        server.queue(device, "InstallProfile", {"Payload": base64.b64encode(secrets["payload"]).decode()})
        wait_for(lambda: server.pushes(device), "the push")
        device.idle()
        assert device.acknowledge(uuid, Note="ANSWER-77d1c3").uuid
        server.apns_answers({"token": "*", "answer": {"status": 410}})
        server.pomona("push", device.id)
        wait_for(lambda: server.device_row(device)["push_state"] == "stopped", "the pushes to stop")
        forms = [secret if isinstance(secret, bytes) else secret.encode() for secret in secrets.values()]
        forms += [device.token, b"ANSWER-77d1c3"]
        text = {name: server.parts[name].output() for name in ("pomona-fcgi", "pomona-push")}
        for name, log in text.items():
            for secret in forms:
                for shown in (secret.decode("latin-1"), secret.hex(), secret.hex().upper(), base64.b64encode(secret).decode()):
                    assert shown not in log, f"{shown} in the log of {name}"
            assert "PRIVATE KEY" not in log and "<plist" not in log
        assert "msg=request" in text["pomona-fcgi"]
    finally:
        server.stop()


def test_a_log_line_is_a_line(server, device):
    """Whatever a message says of itself."""
    evil = "<plist><dict><key>MessageType</key><string>Evil\nlevel=error msg=forged \u202e\x7f</string></dict></plist>"
    assert device.send(evil.encode()).status == 400
    hostile = server.new_device(udid='x" status=200 y=\u2028')
    assert hostile.idle().status == 403
    lines = server.fcgi.output().splitlines()
    assert all(line.startswith("time=") for line in lines)
    assert not any(ord(character) < 0x20 or ord(character) > 0x7E for line in lines for character in line)
    assert not any(line.startswith("level=error msg=forged") for line in lines)


def test_one_line_a_request(server, device):
    uuid = server.queue(device, "ProfileList")
    before = server.fcgi.output().count("msg=request")
    device.idle()
    device.acknowledge(uuid)
    lines = [line for line in server.fcgi.output().splitlines() if "msg=request" in line][before:]
    assert len(lines) == 2
    sent, answered = lines
    assert f"device={device.id}" in sent and f"offered={uuid}" in sent and "message=Idle" in sent and "status=200" in sent
    assert f"command={uuid}" in answered and "message=Acknowledged" in answered
    requests = [word for line in lines for word in line.split() if word.startswith("req=")]
    assert len(set(requests)) == 2


# ---- messages that are made to hurt ----


def test_no_answer_holds_up_the_others(server, device):
    """An inventory of 200,000 facts is none; the answer is kept, and nobody waits for it."""
    uuid = server.queue(device, "DeviceInformation")
    device.idle()
    began = time.monotonic()
    assert device.acknowledge(uuid, QueryResponses={f"Key{n}": n for n in range(200_000)}).status == 200
    assert time.monotonic() - began < 10 * (10 if SANITIZER else 1)
    assert server.result(device, uuid)["status"] == "Acknowledged"
    assert server.sql(f"SELECT * FROM device_info WHERE device = '{device.id}'") == []


def test_facts_of_a_device_have_limits(server, device):
    uuid = server.queue(device, "DeviceInformation")
    device.idle()
    facts = {"DeviceName": "x" * 3_000_000, "OSVersion": "4294967313.1", "SerialNumber": "STOLEN"}
    assert device.acknowledge(uuid, QueryResponses=facts).status == 200
    row = server.device_row(device)
    assert row["os_major"] is None or row["os_major"] < 1000
    assert row["serial"] == device.serial
    assert row["name"] is None or len(row["name"]) <= 1024


def test_a_check_in_is_small(server, device):
    before = server.value("SELECT count(*) AS n FROM event")
    assert device.token_update(Junk=b"x" * 300_000).status == 413
    assert server.value("SELECT count(*) AS n FROM event") == before


def test_a_stranger_sends_nothing_large(server):
    stranger = server.new_device()
    assert stranger.report("Idle", Junk=b"x" * 300_000).status == 403


@pytest.mark.measured
def test_many_large_messages_take_little_memory(own_server):
    """64 at once: some are told to come again; none takes the machine down, and the memory is given back."""
    devices = [own_server.enrolled() for _ in range(8)]
    body = b"<plist><dict><key>Status</key><string>Idle</string><key>UDID</key><string>%s</string><key>x</key><array>"
    statuses = []

    def send(device):
        message = body % device.udid.encode() + b"<true/>" * 450_000 + b"</array></dict></plist>"
        twin = own_server.new_device(identity=device.identity, udid=device.udid)
        for _ in range(2):
            statuses.append(twin.send(message).status)
        twin.close()

    threads = [threading.Thread(target=send, args=(device,)) for device in devices * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 503} and 200 in statuses
    assert own_server.fcgi.peak_kib() < 400 * 1024
    # The last ones may have been answered, but not yet put away.
    wait_for(lambda: own_server.fcgi.resident_kib() < 50 * 1024, "the memory to be given back")


# ---- files that are not what they were ----


def test_listen_removes_nothing_but_a_stale_socket(own_server):
    victim = own_server.path("victim")
    with open(victim, "w") as file:
        file.write("precious")
    done = own_server.run([program_path("pomona-fcgi"), "--listen", victim], check=False)
    assert done.returncode == 1 and b"no socket" in done.stdout + done.stderr
    with open(victim) as file:
        assert file.read() == "precious"
    for address in ("9000", "127.0.0.1:99999", "127.0.0.1:x", "127.0.0.1:0"):
        done = own_server.run([program_path("pomona-fcgi"), "--listen", address], check=False)
        assert done.returncode == 1, address


def test_another_master_key_is_noticed(own_server):
    """Before anything is sealed with it."""
    for name in ("pomona-fcgi",):
        own_server.parts.pop(name).stop()
    key = own_server.path("pomona.key")
    os.rename(key, key + ".kept")
    with open(key + ".kept") as file:
        text = file.read().strip()
    with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(text[::-1] + "\n" if not text.endswith("=") else "A" * (len(text) - 1) + "=\n")
    for program in ("pomona-fcgi", "pomona-push"):
        options = ["--listen", own_server.path("s")] if program == "pomona-fcgi" else []
        done = own_server.run([program_path(program), *options], check=False)
        assert done.returncode == 1 and b"master key" in done.stdout + done.stderr
    os.replace(key + ".kept", key)
    own_server.start_fcgi()


def test_a_store_that_was_replaced_is_noticed(own_server):
    """What is written to the old file would be lost."""
    device = own_server.enrolled()
    os.rename(own_server.db, own_server.db + ".moved")
    wait_for(lambda: device.idle().status == 503, "the responder to notice")
    assert device.token_update().status == 503
    assert "moved away" in own_server.fcgi.output()
    os.rename(own_server.db + ".moved", own_server.db)
    wait_for(lambda: device.idle().status == 200, "the responder to go on")


def test_another_programs_database_is_left_alone(own_server):
    other = own_server.path("other.db")
    own_server.run(["sqlite3", other, "CREATE TABLE x (y)"])
    conf = own_server.path("other.conf")
    with open(own_server.conf) as file:
        text = file.read().replace(own_server.db, other)
    with open(conf, "w") as file:
        file.write(text)
    for command in (["device", "list"], ["init"]):
        assert own_server.pomona(*command, "--config", conf, check=False).returncode == 1
    assert own_server.run(["sqlite3", other, ".tables"]).stdout.split() == [b"x"]
