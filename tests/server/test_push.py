"""From a command to the push on the wire, and what becomes of APNs's answers."""

import datetime
import re
import socket
import statistics
import threading
import time

import pytest

from harness import free_port, wait_for
from harness.server import quote

pytestmark = pytest.mark.nginx


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def push_of(server, device):
    """The store's row: counts and the last answer."""
    return server.row(
        "SELECT p.wanted, p.served, p.due_at, p.under_way, p.attempts, p.failures, p.stopped, p.status, p.reason, p.apns_id "
        f"FROM push p JOIN enrollment e ON e.no = p.enrollment_no WHERE e.id = {quote(device.id)}"
    )


def settled(server, device):
    """Nothing is under way any more."""
    return wait_for(lambda: (row := push_of(server, device))["under_way"] == 0 and row, "the push to settle")


def wait_for_pushes(server, device, count, **wait):
    return wait_for(lambda: len(found := server.pushes(device)) >= count and found, f"{count} pushes", **wait)


@pytest.fixture
def device(push_server):
    push_server.apns_answers()
    enrolled = push_server.enrolled()
    yield enrolled
    enrolled.close()


def test_the_push(push_server, device):
    push_server.queue(device, "ProfileList")
    (push,) = wait_for_pushes(push_server, device, 1)
    assert push["topic"] == push_server.topic
    assert push["push_type"] == "mdm"
    assert push["payload"] == {"mdm": device.magic}
    assert push["status"] == 200
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", push["apns_id"])
    row = settled(push_server, device)
    assert (row["status"], row["apns_id"], row["failures"]) == (200, push["apns_id"], 0)


def test_a_user_channel_is_pushed_by_its_own_token(push_server, device):
    user = device.mac_user()
    user.token_update()
    push_server.queue(user, "ProfileList")
    (push,) = wait_for_pushes(push_server, user, 1)
    assert push["payload"] == {"mdm": user.magic}
    assert push_server.pushes(device) == []


def test_the_newest_token_counts(push_server, device):
    old = device.token
    device.token, device.magic = b"a new token of another length" * 2, "a new magic"
    device.token_update()
    push_server.queue(device, "ProfileList")
    (push,) = wait_for_pushes(push_server, device, 1)
    assert push["payload"] == {"mdm": "a new magic"}
    assert not [line for line in push_server.pushes() if line["token"] == old.hex()]


def test_push_by_hand(push_server, device):
    push_server.pomona("push", device.id)
    assert len(wait_for_pushes(push_server, device, 1)) == 1


def test_a_command_that_is_due_later_is_pushed_later(push_server, device):
    soon = push_server.value("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+3 seconds') AS soon")
    push_server.queue(device, "ProfileList", not_before=soon)
    (push,) = wait_for_pushes(push_server, device, 1)
    assert parse_time(push["time"]) >= parse_time(soon) - 0.01


def test_no_push_before_the_token_and_after_check_out(push_server):
    device = push_server.new_device()
    device.authenticate()
    push_server.queue(device, "ProfileList")
    marker = push_server.enrolled()
    push_server.queue(marker, "ProfileList")
    wait_for_pushes(push_server, marker, 1)
    assert push_server.pushes(device) == []
    # With the token comes the push for what waits.
    device.token_update()
    wait_for_pushes(push_server, device, 1)
    device.check_out()
    push_server.sql(f"INSERT INTO queue(device, request) VALUES ('{device.id}', 'ProfileList')")
    push_server.queue(marker, "SecurityInfo")
    marker.idle()
    push_server.queue(marker, "SecurityInfo")
    wait_for_pushes(push_server, marker, 2)
    assert len(push_server.pushes(device)) == 1


# ---- merging ----


def test_pushes_merge(push_server, device):
    """Many commands in one statement are one push; more while it is under way are one more."""
    push_server.apns_answers({"token": device.token.hex(), "delay_ms": 1500})
    row = f"('{device.id}', 'ProfileList')"
    push_server.sql(f"INSERT INTO queue(device, request) VALUES {', '.join([row] * 20)}")
    wait_for(lambda: push_of(push_server, device)["under_way"] == 1, "the push to be under way")
    for _ in range(5):
        push_server.sql(f"INSERT INTO queue(device, request) VALUES {row}")
    wait_for_pushes(push_server, device, 2)
    row = settled(push_server, device)
    assert (row["wanted"], row["served"]) == (25, 25)
    assert len(push_server.pushes(device)) == 2


def test_a_device_that_came_needs_no_push(push_server, device):
    """Its commands were answered before the worker looked: the worker is stopped meanwhile."""
    push_server.parts.pop("pomona-push").stop()
    uuid = push_server.queue(device, "ProfileList")
    assert device.idle().uuid == uuid
    assert device.acknowledge(uuid).body == b""
    marker = push_server.enrolled()
    push_server.queue(marker, "ProfileList")
    push_server.start_push()
    wait_for_pushes(push_server, marker, 1)
    assert push_server.pushes(device) == []


# ---- what APNs answers ----


@pytest.mark.parametrize("answer", [{"status": 410, "reason": "Unregistered"}, {"status": 400, "reason": "BadDeviceToken"},
                                    {"status": 400, "reason": "DeviceTokenNotForTopic"}])  # fmt: skip
def test_a_dead_token_stops_pushing_until_the_next_token_update(push_server, device, answer):
    push_server.apns_answers({"token": device.token.hex(), "answer": answer})
    push_server.queue(device, "ProfileList")
    wait_for(lambda: push_server.device_row(device)["push_state"] == "stopped", "pushing to stop")
    row = push_of(push_server, device)
    assert answer["reason"] in row["stopped"] and row["status"] == answer["status"]
    assert push_server.row(f"SELECT * FROM event WHERE kind = 'push_stopped' AND device = {quote(device.id)}")
    push_server.apns_answers()
    push_server.queue(device, "SecurityInfo")
    push_server.pomona("push", device.id, check=False)
    marker = push_server.enrolled()
    push_server.queue(marker, "ProfileList")
    wait_for_pushes(push_server, marker, 1)
    assert len(push_server.pushes(device)) == 1

    device.token_update()
    wait_for_pushes(push_server, device, 2)
    assert push_server.device_row(device)["push_state"] != "stopped"


def test_410_older_than_the_token_is_not_believed(push_server, device):
    """If the token was updated after APNs saw it dead, the token is good."""
    long_ago = int(time.time() * 1000) - 3_600_000
    answer = {"status": 410, "reason": "Unregistered", "timestamp": long_ago}
    push_server.apns_answers({"token": device.token.hex(), "answer": answer, "times": 1})
    push_server.queue(device, "ProfileList")
    wait_for_pushes(push_server, device, 1)
    wait_for(lambda: push_of(push_server, device)["status"] == 410 or len(push_server.pushes(device)) > 1, "the answer")
    assert push_server.device_row(device)["push_state"] != "stopped"


@pytest.mark.parametrize("status", [500, 503])
def test_5xx_is_tried_again_much_later(push_server, device, status):
    """After a quarter of an hour, with jitter and growing."""
    push_server.apns_answers({"token": device.token.hex(), "answer": {"status": status}})
    push_server.queue(device, "ProfileList")
    row = wait_for(lambda: (row := push_of(push_server, device))["failures"] == 1 and row, "the failure")
    assert (row["status"], row["stopped"], row["under_way"]) == (status, None, 0)
    delay = row["due_at"] / 1000 - time.time()
    assert 600 < delay < 1900
    # It is tried again: the operator's clock runs faster.
    push_server.sql(f"UPDATE push SET due_at = 1 WHERE enrollment_no = (SELECT no FROM enrollment WHERE id = '{device.id}')")
    row = wait_for(lambda: (row := push_of(push_server, device))["failures"] == 2 and row, "the second failure")
    assert row["due_at"] / 1000 - time.time() > delay
    push_server.apns_answers()
    push_server.sql(f"UPDATE push SET due_at = 1 WHERE enrollment_no = (SELECT no FROM enrollment WHERE id = '{device.id}')")
    row = wait_for(lambda: (row := push_of(push_server, device))["status"] == 200 and row, "the push to be taken")
    assert row["failures"] == 0


def test_429_is_tried_again_after_a_delay(push_server, device):
    push_server.apns_answers({"token": device.token.hex(), "answer": {"status": 429}, "times": 1})
    push_server.queue(device, "ProfileList")
    row = wait_for(lambda: (row := push_of(push_server, device))["failures"] == 1 and row, "the failure")
    assert row["stopped"] is None
    assert 0.5 < row["due_at"] / 1000 - time.time() < 3700


def test_a_retry_after_that_never_comes(push_server, device):
    """At most a day, whatever the server says."""
    answer = {"token": device.token.hex(), "answer": {"status": 429}, "retry_after": 10**11, "times": 1}
    push_server.apns_answers(answer)
    push_server.queue(device, "ProfileList")
    row = wait_for(lambda: (row := push_of(push_server, device))["failures"] == 1 and row, "the failure")
    assert 86000 < row["due_at"] / 1000 - time.time() < 1.3 * 86400


@pytest.mark.parametrize("trouble", ["goaway", "drop"])
def test_what_was_not_answered_is_sent_again(push_server, device, trouble):
    push_server.apns_answers({"token": device.token.hex(), "answer": trouble, "times": 2})
    push_server.queue(device, "ProfileList")
    wait_for(lambda: 200 in [push["status"] for push in push_server.pushes(device)], "the push", 120)
    assert len(push_server.pushes(device)) == 3
    row = settled(push_server, device)
    assert (row["status"], row["stopped"]) == (200, None)


def test_an_answer_that_never_comes(make_server):
    """The lease runs out, and the push is sent again."""
    server = make_server(push=True, lease=2)
    try:
        device = server.enrolled()
        server.apns_answers({"token": device.token.hex(), "answer": "hang", "times": 1})
        server.queue(device, "ProfileList")
        wait_for(lambda: 200 in [push["status"] for push in server.pushes(device)], "the push", 60)
    finally:
        server.stop()


def test_a_goodbye_that_never_ends(make_server):
    """The server says goodbye, and then never answers what it still had to: others are not to wait for that."""
    server = make_server(push=True, lease=2)
    try:
        mute, leaving, other = (server.enrolled() for _ in range(3))
        server.apns_answers(
            {"token": mute.token.hex(), "answer": "hang", "times": 1},
            {"token": leaving.token.hex(), "answer": "goaway", "times": 1},
        )
        server.queue(mute, "ProfileList")
        wait_for_pushes(server, mute, 1)
        server.queue(leaving, "ProfileList")
        wait_for_pushes(server, leaving, 1)
        server.queue(other, "ProfileList")
        for device in (other, leaving, mute):
            wait_for(lambda: 200 in [push["status"] for push in server.pushes(device)], "the push", 60)  # noqa: B023
    finally:
        server.stop()


def test_the_stand_in_is_away(make_server):
    server = make_server(push=True)
    try:
        device = server.enrolled()
        server.parts.pop("apns").stop()
        server.queue(device, "ProfileList")
        wait_for(lambda: "connection to APNs was lost" in server.push.output(), "the failure")
        assert server.push.alive()
        assert push_of(server, device)["failures"] == 0
        server.start_apns()
        wait_for_pushes(server, device, 1, timeout=90)
    finally:
        server.stop()


@pytest.mark.parametrize("reason", ["BadCertificate", "Forbidden"])
def test_a_certificate_error_stops_the_topic(make_server, reason):
    server = make_server(push=True)
    try:
        devices = [server.enrolled() for _ in range(3)]
        server.apns_answers({"token": "*", "answer": {"status": 403, "reason": reason}})
        server.queue(devices[0], "ProfileList")
        stopped = wait_for(lambda: server.value("SELECT stopped FROM push_certificate"), "the topic to stop")
        assert reason in stopped
        assert server.row("SELECT * FROM event WHERE kind = 'topic_stopped'")
        assert reason in server.push.output() and server.topic in server.push.output()
        assert reason in server.pomona("push-cert", "list")
        so_far = len(server.pushes())
        server.queue(devices[1], "ProfileList")
        # A new certificate of the same topic: pushing goes on, and what waited goes out.
        server.apns_answers()
        assert len(server.pushes()) == so_far
        server.pomona("push-cert", "import", server.push_certificate().both)
        for device in devices[:2]:
            wait_for(lambda: 200 in [push["status"] for push in server.pushes(device)], "the push", 60)  # noqa: B023
    finally:
        server.stop()


def test_a_certificate_that_apns_does_not_know(make_server, pki):
    """Refused in TLS: the topic is stopped, and says so."""
    server = make_server(push=True)
    try:
        stranger = pki.push_certificate("stranger-push", server.topic, ca=pki.tls_ca)
        server.pomona("push-cert", "import", stranger.both)
        device = server.enrolled()
        server.queue(device, "ProfileList")
        stopped = wait_for(lambda: server.value("SELECT stopped FROM push_certificate"), "the topic to stop", 90)
        assert "alert" in stopped
        assert server.row("SELECT * FROM event WHERE kind = 'topic_stopped'")
        assert server.pushes() == []
        server.pomona("push-cert", "import", server.push_certificate().both)
        wait_for_pushes(server, device, 1)
    finally:
        server.stop()


class Relay:
    """A TCP relay in front of the stand-in that can fall silent, without closing, on what it carries."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.target = self.listener.getsockname()[1], port
        self.sockets, self.silent = [], set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                self._greet(client)
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _greet(self, client):
        pass

    def _carry(self, source, sink):
        try:
            while data := source.recv(65536):
                if source not in self.silent:
                    sink.sendall(data)
        except OSError:
            pass

    def fall_silent(self):
        self.silent = set(self.sockets)

    def close(self):
        self.listener.close()
        for end in self.sockets:
            end.close()


class Proxy(Relay):
    """Takes CONNECT, as an HTTP proxy does, and keeps what it was asked for."""

    def _greet(self, client):
        self.asked = b""
        while b"\r\n\r\n" not in self.asked:
            self.asked += client.recv(1)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")


def test_the_way_goes_through_a_proxy(make_server):
    server = make_server()
    proxy = None
    try:
        server.apns_port = free_port()
        server.start_apns()
        server.write_conf()
        proxy = Proxy(server.apns_port)
        server.start_push(env={"https_proxy": f"http://127.0.0.1:{proxy.port}", "no_proxy": ""})
        device = server.enrolled()
        server.queue(device, "ProfileList")
        wait_for_pushes(server, device, 1)
        assert proxy.asked.startswith(f"CONNECT 127.0.0.1:{server.apns_port} HTTP/1.1\r\n".encode())
    finally:
        if proxy:
            proxy.close()
        server.stop()


def test_a_connection_that_hangs_is_left(make_server):
    """Nothing closes it; no answer comes. Another one is opened."""
    server = make_server(lease=3)
    relay = None
    try:
        server.apns_port = free_port()
        server.start_apns()
        relay = Relay(server.apns_port)
        server.apns_port = relay.port
        server.write_conf(push_conf={"lease": 3})
        server.start_push()
        devices = [server.enrolled() for _ in range(2)]
        server.queue(devices[0], "ProfileList")
        wait_for_pushes(server, devices[0], 1)
        relay.fall_silent()
        server.queue(devices[1], "ProfileList")
        wait_for_pushes(server, devices[1], 1, timeout=60)
    finally:
        if relay:
            relay.close()
        server.stop()


def test_a_server_that_is_not_apns_gets_nothing(make_server, pki):
    """Its certificate comes from another CA: no push, no certificate, no token for it."""
    server = make_server()
    server.apns_port = free_port()
    server.write_conf()
    stranger = pki.issue(pki.tls_ca, "not-apns", "/CN=localhost", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    genuine, pki.apns = pki.apns, stranger
    try:
        server.start_apns()
        server.start_push()
        device = server.enrolled()
        server.queue(device, "ProfileList")
        wait_for(lambda: "connection to APNs was lost" in server.push.output(), "the failure")
        assert server.pushes() == []
        assert re.search("certificate|SSL|TLS", server.push.output())
    finally:
        pki.apns = genuine
        server.stop()


# ---- a device that does not come ----


def test_a_device_that_does_not_come_is_pushed_again(make_server):
    """At growing intervals; none any more once it has come and nothing waits."""
    server = make_server(push=True, retry=1)
    try:
        device = server.enrolled()
        uuid = server.queue(device, "ProfileList")
        pushes = wait_for_pushes(server, device, 3, timeout=60)
        times = [parse_time(push["time"]) for push in pushes[:3]]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        assert gaps[0] >= 0.5 and gaps[1] > gaps[0] * 1.2, gaps
        assert device.idle().uuid == uuid
        assert device.acknowledge(uuid).body == b""
        settled(server, device)
        assert push_of(server, device)["due_at"] is None
    finally:
        server.stop()


def test_the_interval_ends_at_a_day(push_server, device):
    push_server.queue(device, "ProfileList")
    wait_for_pushes(push_server, device, 1)
    settled(push_server, device)
    mine = f"WHERE enrollment_no = (SELECT no FROM enrollment WHERE id = '{device.id}')"
    push_server.sql(f"UPDATE push SET attempts = 40, due_at = 1 {mine}")
    wait_for_pushes(push_server, device, 2)
    row = settled(push_server, device)
    delay = row["due_at"] / 1000 - time.time()
    assert 40_000 < delay < 100_000


# ---- the worker itself ----


def test_killed_it_loses_no_push(make_server):
    """At any moment: while pushes are under way, and again."""
    server = make_server(push=True, lease=2)
    try:
        devices = [server.enrolled() for _ in range(15)]
        server.apns_answers({"token": "*", "delay_ms": 300})
        ids = ", ".join(quote(device.id) for device in devices)
        for round_number in range(1, 4):
            server.sql(f"INSERT INTO queue(device, request) SELECT id, 'ProfileList' FROM device WHERE id IN ({ids})")
            wait_for(lambda: server.value("SELECT count(*) AS n FROM push WHERE under_way = 1"), "pushes under way")
            server.parts.pop("pomona-push").kill()
            server.start_push()
            wait_for(
                lambda: server.value("SELECT count(*) AS n FROM push WHERE served < wanted OR under_way = 1") == 0,
                "all pushes to be answered",
            )
            for device in devices:
                taken = [push for push in server.pushes(device) if push["status"] == 200]
                assert len(taken) >= round_number
    finally:
        server.stop()


def test_two_workers_do_not_push_twice(make_server):
    server = make_server(push=True)
    try:
        second = server.start("pomona-push-2", [server.push.process.args[0]])
        wait_for(lambda: "msg=ready" in second.output() or not second.alive(), "the second worker")
        devices = [server.enrolled() for _ in range(20)]
        ids = ", ".join(quote(device.id) for device in devices)
        server.sql(f"INSERT INTO queue(device, request) SELECT id, 'ProfileList' FROM device WHERE id IN ({ids})")
        for device in devices:
            wait_for_pushes(server, device, 1)
        wait_for(lambda: server.value("SELECT count(*) AS n FROM push WHERE under_way = 1") == 0, "the pushes to settle")
        assert [len(server.pushes(device)) for device in devices] == [1] * 20
    finally:
        server.stop()


def test_one_connection_carries_all(push_server):
    devices = [push_server.enrolled() for _ in range(30)]
    ids = ", ".join(quote(device.id) for device in devices)
    push_server.sql(f"INSERT INTO queue(device, request) SELECT id, 'ProfileList' FROM device WHERE id IN ({ids})")
    pushes = [wait_for_pushes(push_server, device, 1)[0] for device in devices]
    assert len({push["connection"] for push in pushes}) == 1


def test_it_obeys_the_number_of_streams(make_server):
    server = make_server(push=True)
    try:
        server.parts.pop("apns").stop()
        server.start_apns("--apns-max-streams", "2")
        server.apns_answers({"token": "*", "delay_ms": 50})
        devices = [server.enrolled() for _ in range(20)]
        ids = ", ".join(quote(device.id) for device in devices)
        server.sql(f"INSERT INTO queue(device, request) SELECT id, 'ProfileList' FROM device WHERE id IN ({ids})")
        pushes = [wait_for_pushes(server, device, 1)[0] for device in devices]
        assert {push["status"] for push in pushes} == {200}
    finally:
        server.stop()


def test_expired_push_certificate_is_told(own_server, pki):
    expired = pki.push_certificate("expired-push", own_server.topic, days=-1)
    done = own_server.pomona("push-cert", "import", expired.both, check=False)
    assert "expire" in (done.stdout + done.stderr).decode()


@pytest.mark.measured
def test_from_insert_to_push_within_150_ms(push_server, device):
    """Median over 20 tries: from the end of the sqlite3 shell's INSERT to the push at the stand-in."""
    took = []
    for number in range(1, 21):
        push_server.sqlite(f"INSERT INTO queue(device, request) VALUES ('{device.id}', 'ProfileList');")
        queued = time.time()
        push = wait_for_pushes(push_server, device, number)[-1]
        took.append(parse_time(push["time"]) - queued)
        reply = device.idle()
        assert device.acknowledge(reply.uuid).status == 200
        settled(push_server, device)
    print(f"median {statistics.median(took) * 1000:.0f} ms, most {max(took) * 1000:.0f} ms")
    assert statistics.median(took) < 0.150


@pytest.mark.measured
def test_idle_programs_take_no_time(make_server):
    """Under half a percent of a core each, over five seconds with nothing to do."""
    server = make_server(push=True)
    try:
        device = server.enrolled()
        server.queue(device, "ProfileList")
        wait_for_pushes(server, device, 1)
        settled(server, device)
        programs = [server.fcgi, server.push]
        before = [program.cpu_seconds() for program in programs]
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > 5, "five seconds to pass", every=1)
        took = time.monotonic() - began
        shares = [(program.cpu_seconds() - cpu) / took for program, cpu in zip(programs, before)]
        print(f"pomona-fcgi {shares[0]:.2%}, pomona-push {shares[1]:.2%}")
        assert max(shares) < 0.005
    finally:
        server.stop()
