"""Secrets at rest: sealed, bound to their place, never in the clear; the master key rotated under load, by a process that is
killed; a store without its key."""

import base64
import glob
import json
import os
import plistlib
import random
import subprocess
import threading

import pytest

from harness import wait_for
from harness.process import Program, program_path

pytestmark = pytest.mark.nginx

SEALED = {
    "authority": "key",
    "push_certificate": "key",
    "push_request": "key",
    "enrollment": ("push_magic", "unlock_token", "bootstrap_token"),
    "event_log": "raw",
    "setting_value": "sealed",
    "token_source": "key",
    "return_profile": "profile",
}


def columns():
    for table, names in SEALED.items():
        for name in [names] if isinstance(names, str) else names:
            yield table, name


def key_numbers(server):
    """Under which master keys values are sealed, in the whole store."""
    found = set()
    for table, column in columns():
        rows = server.sql(f"SELECT DISTINCT hex(substr({column}, 2, 1)) AS n FROM {table} WHERE {column} IS NOT NULL")
        found |= {int(row["n"], 16) for row in rows}
    return found


def key_file(server):
    with open(server.path("pomona.key")) as file:
        return file.read().splitlines()


def put_key(server, text):
    path = server.path("pomona.key")
    with open(os.open(path + ".test", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(text)
    os.replace(path + ".test", path)


def bootstrap_token(device):
    reply = device.check_in("GetBootstrapToken")
    assert reply.status == 200, reply
    return plistlib.loads(reply.body)["BootstrapToken"]


def unlock_token(server, device):
    """As it goes to the device."""
    uuid = server.queue(device, "ClearPasscode")
    reply = device.idle()
    assert reply.uuid == uuid, reply
    assert device.acknowledge(uuid).status == 200
    return reply.command["Command"]["UnlockToken"]


def many_events(server, count):
    """Copies of one: they open where it does."""
    server.sql(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO event_log (at, kind, "
        "enrollment_no, detail, raw) SELECT l.at, l.kind, l.enrollment_no, l.detail, l.raw FROM n, (SELECT * FROM event_log "
        "WHERE raw IS NOT NULL LIMIT 1) l"
    )


# ---- in the clear nowhere ----


def forms(secret):
    """How a secret might be written."""
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret).rstrip(b"=")[:-1]]


def test_no_secret_is_in_the_clear(make_server, pki):
    server = make_server(push=True, log="debug")
    try:
        device = server.new_device()
        secrets = [os.urandom(24) for _ in range(4)]
        device.enroll(UnlockToken=secrets[0])
        assert device.check_in("SetBootstrapToken", BootstrapToken=secrets[1]).status == 200
        user = device.mac_user()
        assert user.token_update(UnlockToken=secrets[2]).status == 200
        uuid = server.queue(device, "ClearPasscode")
        wait_for(lambda: server.pushes(device), "a push")
        assert device.idle().command["Command"]["UnlockToken"] == secrets[0]
        assert device.error(uuid, (1, "d", "no")).status == 200
        device.token_update(UnlockToken=secrets[3])
        assert bootstrap_token(device) == secrets[1]
        server.pomona("push-cert", "request", "next")
        server.pomona("setting", "set", "scep_challenge", "the-operators-own-secret")
        server.pomona("key", "rotate")
        device.send(b"no plist")
        device.token_update(UnlockToken=secrets[3], Token="of a wrong type")
        needles = [form for secret in secrets for form in forms(secret)]
        needles += forms(b"the-operators-own-secret")
        needles += [device.magic.encode(), user.magic.encode(), b"PRIVATE KEY"]
        for line in key_file(server):
            word = line.split()[-1]
            if "former" not in line:
                needles += [word.encode(), bytes.fromhex(word)]
        with open(pki.path(f"push-{server.number}.key")) as file:
            needles += [line.encode() for line in file.read().splitlines()[1:-1]]
        searched = [server.db, server.db + "-wal", *glob.glob(server.path("*.log"))]
        assert any(os.path.getsize(path) for path in searched if path.endswith("-wal"))
        for path in searched:
            with open(path, "rb") as file:
                text = file.read()
            for needle in needles:
                assert needle not in text, (path, needle)
        device.close()
    finally:
        server.stop()


def test_a_sealed_value_does_not_open_in_another_row(own_server):
    """Somebody who may write to the store cannot have one device given the secret of another."""
    victim = own_server.new_device().enroll(UnlockToken=b"victim's")
    thief = own_server.new_device().enroll(UnlockToken=b"thief's")
    victim.check_in("SetBootstrapToken", BootstrapToken=b"victim's")
    own_server.sql(
        f"UPDATE enrollment SET (bootstrap_token, unlock_token) = (SELECT bootstrap_token, unlock_token FROM enrollment WHERE "
        f"id = '{victim.id}') WHERE id = '{thief.id}'"
    )
    assert thief.check_in("GetBootstrapToken").status == 500
    uuid = own_server.queue(thief, "ClearPasscode")
    assert thief.idle().body == b""
    assert own_server.state(thief, uuid) == "invalid"
    assert bootstrap_token(victim) == b"victim's"
    victim.close()
    thief.close()


def core_limit(pid):
    with open(f"/proc/{pid}/limits") as limits:
        for line in limits:
            if line.startswith("Max core file size"):
                return line.split()[4:6]
    raise AssertionError("no such limit")


def test_no_core_dumps(push_server):
    for name in ("pomona-fcgi", "pomona-push"):
        assert core_limit(push_server.parts[name].pid) == ["0", "0"], name
    shell = Program(push_server.programs, "pomona", [program_path("pomona"), "queue", "add", "x", "--plist", "-"],
                    push_server.dir, {"POMONA_CONF": push_server.conf}, stdin=subprocess.PIPE)  # fmt: skip
    wait_for(lambda: core_limit(shell.pid) == ["0", "0"], "pomona to forbid them")
    shell.process.stdin.close()
    shell.wait()


# ---- rotation ----


class Load:
    """Devices that store secrets without an end, each in a thread, and know what must come back."""

    def __init__(self, server, count):
        self.server = server
        self.devices = [server.new_device().enroll(UnlockToken=b"first") for _ in range(count)]
        self.stopping = threading.Event()
        self.statuses = []
        self.failures = []
        self.threads = [threading.Thread(target=self.run, args=(device,)) for device in self.devices]
        for thread in self.threads:
            thread.start()

    def run(self, device):
        number = 0
        try:
            while not self.stopping.is_set():
                number += 1
                device.secret = f"{device.id}-{number}".encode()
                for reply in (
                    device.check_in("SetBootstrapToken", BootstrapToken=device.secret),
                    device.token_update(UnlockToken=device.secret),
                    device.idle(),
                ):
                    self.statuses.append(reply.status)
                    assert reply.status == 200, reply
                assert bootstrap_token(device) == device.secret
        except Exception as problem:  # pylint: disable=broad-except
            self.failures.append(problem)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures
        for device in self.devices:
            assert bootstrap_token(device) == device.secret
            assert unlock_token(self.server, device) == device.secret
            device.close()


def test_rotation_under_load(make_server):
    server = make_server(push=True)
    try:
        bystander = server.new_device().enroll(UnlockToken=b"bystander")
        many_events(server, 2000)
        server.pomona("setting", "set", "scep_challenge", "the-operators-own-secret")
        load = Load(server, 8)
        olds = []
        for number in range(2, 5):
            olds.append(key_file(server)[0].split()[-1])
            done = server.pomona_json("key", "rotate")
            assert done["number"] == number and done["lost"] == 0 and not done["resumed"]
            assert done["resealed"] > 2000
            begun = len(load.statuses)
            wait_for(lambda begun=begun: len(load.statuses) > begun + 100 or load.failures, "devices to go on")
            assert key_numbers(server) == {number}
            assert not any(old in line for old in olds for line in key_file(server))
        load.stop()
        assert unlock_token(server, bystander) == b"bystander"
        before = len(server.pushes(bystander))
        uuid = server.queue(bystander, "ProfileList")
        wait_for(lambda: len(server.pushes(bystander)) > before, "a push")
        assert server.pushes(bystander)[-1]["status"] == 200
        assert bystander.idle().uuid == uuid and bystander.acknowledge(uuid).status == 200
        server.issue("after")
        server.parts.pop("pomona-fcgi").stop()
        server.start_fcgi()
        assert unlock_token(server, bystander) == b"bystander"
        bystander.close()
    finally:
        server.stop()


def test_a_rotation_that_is_killed(make_server):
    """At moments of all kinds; it is taken up where it was, and nothing is lost meanwhile."""
    server = make_server(push=True)
    chance = random.Random(4)
    try:
        device = server.new_device().enroll(UnlockToken=b"kept")
        device.check_in("SetBootstrapToken", BootstrapToken=b"kept")
        many_events(server, 3000)
        killed = resumed = 0
        for number in range(2, 8):
            enough = chance.choice([0, 1, 500, 1500])
            rotation = Program(server.programs, "rotate", [program_path("pomona"), "key", "rotate"], server.dir,
                               {"POMONA_CONF": server.conf})  # fmt: skip
            new = f"X'{number:02X}'"
            wait_for(
                lambda: len(key_file(server)) > 1 and key_file(server)[0].startswith(f"{number} ")
                and server.value(f"SELECT count(*) AS n FROM event_log WHERE substr(raw, 2, 1) = {new}") >= enough
                or not rotation.alive(),
                "the rotation to come so far",
            )  # fmt: skip
            rotation.kill()
            under_way = "former" not in key_file(server)[1]
            killed += under_way
            assert bootstrap_token(device) == b"kept"
            assert unlock_token(server, device) == b"kept"
            pushes = len(server.pushes(device))
            assert device.token_update().status == 200
            server.queue(device, "ProfileList")
            wait_for(lambda pushes=pushes: len(server.pushes(device)) > pushes, "a push")
            assert device.acknowledge(device.idle().uuid).status == 200
            if under_way:
                done = server.pomona_json("key", "rotate")
                assert done["resumed"] and done["number"] == number and done["lost"] == 0
                resumed += 1
            assert key_numbers(server) == {number}
            assert sum("former" not in line for line in key_file(server)) == 1
            assert not os.path.exists(server.path("pomona.key.new"))
        assert killed == resumed > 2
        assert unlock_token(server, device) == b"kept"
        device.close()
    finally:
        server.stop()


def test_two_rotations_at_once(own_server):
    """Both end well, or one says that the other is at it; the store opens with what is left."""
    device = own_server.new_device().enroll(UnlockToken=b"kept")
    many_events(own_server, 1000)
    runs = [
        Program(own_server.programs, f"rotate-{n}", [program_path("pomona"), "key", "rotate"], own_server.dir,
                {"POMONA_CONF": own_server.conf}) for n in range(3)
    ]  # fmt: skip
    statuses = [run.wait(120) for run in runs]
    assert 0 in statuses, [run.output() for run in runs]
    for run, status in zip(runs, statuses):
        assert status == 0 or "changing the master key just now" in run.output(), run.output()
    own_server.pomona("key", "rotate")
    assert len(key_numbers(own_server)) == 1
    assert unlock_token(own_server, device) == b"kept"
    device.close()


def test_what_was_lost_is_told(own_server):
    device = own_server.enrolled()
    own_server.sql(f"UPDATE enrollment SET unlock_token = zeroblob(60) WHERE id = '{device.id}'")
    done = own_server.pomona("key", "rotate", "--json", check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["lost"] == 1
    assert b"1 values do not open" in done.stderr
    device.close()


def test_the_owner_of_the_key_file_stays(own_server):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    key = own_server.path("pomona.key")
    os.chown(key, 4321, 4322)
    own_server.pomona("key", "rotate")
    about = os.stat(key)
    assert (about.st_uid, about.st_gid, about.st_mode & 0o777) == (4321, 4322, 0o600)


def test_a_foreign_key_file_under_a_running_server(own_server):
    """The server goes on with the key it has, and says so; the operator's commands refuse."""
    device = own_server.new_device().enroll(UnlockToken=b"kept")
    with open(own_server.path("pomona.key")) as file:
        kept = file.read()
    put_key(own_server, "ab" * 32 + "\n")
    wait_for(lambda: "replaced by one of another store" in own_server.fcgi.output(), "the responder to say so")
    assert device.token_update(UnlockToken=b"kept still").status == 200
    for command in (["key", "rotate"], ["push-cert", "request"], ["identity", "issue", "x", "--out", own_server.path("x")]):
        done = own_server.pomona(*command, check=False)
        assert done.returncode == 1 and b"not the one of this store" in done.stderr, command
    put_key(own_server, kept)
    own_server.parts.pop("pomona-fcgi").stop()
    own_server.start_fcgi()
    assert unlock_token(own_server, device) == b"kept still"
    device.close()


# ---- without the key ----


def test_a_store_without_its_key(own_server):
    """What needs no secret is served, and it is said what is missing; nothing is sealed; it comes back with the key."""
    device = own_server.new_device().enroll(UnlockToken=b"kept")
    other = own_server.new_device()
    own_server.parts.pop("pomona-fcgi").stop()
    key = own_server.path("pomona.key")
    os.rename(key, key + ".kept")
    own_server.start_fcgi()
    assert "there is no master key" in own_server.fcgi.output() and "level=error" in own_server.fcgi.output()
    sealed = own_server.sql("SELECT hex(push_magic), hex(unlock_token) FROM enrollment")

    uuid = own_server.queue(device, "DeviceInformation")
    assert device.idle().uuid == uuid
    assert device.acknowledge(uuid, QueryResponses={"OSVersion": "17.5"}).status == 200
    assert own_server.result(device, uuid)["status"] == "Acknowledged"
    assert device.idle().body == b""
    for reply in (device.token_update(), device.authenticate(), other.authenticate(),
                  device.check_in("SetBootstrapToken", BootstrapToken=b"x")):  # fmt: skip
        assert reply.status == 503 and reply.headers["Retry-After"], reply
    clear = own_server.queue(device, "ClearPasscode")
    assert device.idle().status == 503
    assert own_server.state(device, clear) == "queued"
    assert own_server.sql("SELECT hex(push_magic), hex(unlock_token) FROM enrollment") == sealed

    for command in (["device", "list"], ["queue", "list"], ["result", "list"], ["push-cert", "list"], ["ca", "show"],
                    ["setting", "list"], ["device", "show", device.id], ["result", "show", uuid]):  # fmt: skip
        own_server.pomona(*command)
    for command in (["key", "rotate"], ["push-cert", "request"], ["identity", "issue", "x", "--out", own_server.path("x")]):
        done = own_server.pomona(*command, check=False)
        assert done.returncode == 1 and b"this needs the master key: there is no master key at" in done.stderr, command
    done = own_server.run([program_path("pomona-push")], check=False)
    assert done.returncode == 1 and b"there is no master key" in done.stderr

    os.rename(key + ".kept", key)
    wait_for(lambda: device.token_update().status == 200, "the responder to find it")
    assert device.idle().command["Command"]["UnlockToken"] == b"kept"
    assert other.authenticate().status == 200
    device.close()
    other.close()


def test_a_wrong_key_is_not_found_later_either(own_server):
    device = own_server.enrolled()
    own_server.parts.pop("pomona-fcgi").stop()
    with open(own_server.path("pomona.key")) as file:
        kept = file.read()
    os.unlink(own_server.path("pomona.key"))
    own_server.start_fcgi()
    put_key(own_server, "ab" * 32 + "\n")
    wait_for(lambda: "not the one of this store" in own_server.fcgi.output(), "the responder to say so")
    assert device.token_update().status == 503
    assert device.idle().status == 200
    put_key(own_server, kept)
    wait_for(lambda: device.token_update().status == 200, "the responder to find it")
    device.close()
