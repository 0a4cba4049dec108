"""Devices that wait in Setup Assistant: setup commands, DeviceConfigured, and nobody who waits for ever."""

import json

import pytest

from harness import wait_for
from harness.server import quote

pytestmark = pytest.mark.nginx


@pytest.fixture(scope="module")
def server(make_server):
    """With pomona-push and the APNs stand-in."""
    own = make_server(push=True)
    yield own
    own.stop()


@pytest.fixture
def steps(server):
    """Two setup commands for devices, one for users."""
    server.pomona("setup", "add", "SecurityInfo", "--position", "20")
    server.pomona("setup", "add", "ProfileList", "ManagedOnly=true", "--position", "10")
    server.sql("INSERT INTO setup_command(request, channel, args) VALUES ('ProfileList', 'user', NULL)")
    yield
    server.sql("DELETE FROM setup_command")


@pytest.fixture
def device(server):
    new = server.new_device()
    yield new
    new.close()


def released(server, channel):
    """Why it was let go, each time."""
    rows = server.sql(f"SELECT detail FROM event WHERE kind = 'await_released' AND device = {quote(channel.id)} ORDER BY id")
    return [json.loads(row["detail"])["reason"] for row in rows]


def commands(server, channel):
    rows = server.sql(f"SELECT request FROM command WHERE device = {quote(channel.id)} ORDER BY rowid")
    return [row["request"] for row in rows]


def answer_all(channel, how="acknowledge"):
    """What it gets, in order, until there is nothing more."""
    seen, reply = [], channel.idle()
    while reply.uuid is not None:
        seen.append(reply.request)
        reply = getattr(channel, how)(reply.uuid)
        assert reply.status == 200 and len(seen) < 100
    return seen


def time_is_over(server, channel):
    server.sqlite(f"UPDATE enrollment SET await_until = 1 WHERE id = {quote(channel.id)}")


def test_nothing_configured_is_configured_at_once(server, device):
    device.enroll(AwaitingConfiguration=True)
    assert server.device_row(device)["awaiting"] == 1
    wait_for(lambda: server.pushes(device), "the push")
    assert answer_all(device) == ["DeviceConfigured"]
    assert server.device_row(device)["awaiting"] == 0
    assert released(server, device) == ["there are no setup commands"]


def test_a_secret_of_a_setup_command(server, device):
    """It is shown by nobody, lies nowhere in the store, and reaches the device."""
    account = {"shortName": "admin", "passwordHash": "UzNDUkVULWhhc2g="}
    server.pomona("setup", "add", "AccountConfiguration", "--args", json.dumps({"AutoSetupAdminAccounts": [account]}))
    try:
        shown = json.loads(server.value("SELECT args FROM setup_command"))
        assert shown == {"AutoSetupAdminAccounts": [{"shortName": "admin", "passwordHash": "(secret)"}]}
        assert account["passwordHash"] not in server.pomona("setup", "list") + server.pomona("setup", "list", "--json")
        assert device.authenticate(ProductName="Mac14,2", ModelName="MacBook Air", OSVersion="15.1").status == 200
        assert device.token_update(AwaitingConfiguration=True).status == 200
        reply = device.idle()
        assert reply.request == "AccountConfiguration"
        assert reply.command["Command"]["AutoSetupAdminAccounts"][0]["passwordHash"] == b"S3CRET-hash"
        assert device.acknowledge(reply.uuid).request == "DeviceConfigured"
        for name in (server.db, server.db + "-wal"):
            with open(name, "rb") as file:
                assert account["passwordHash"].encode() not in file.read(), name
    finally:
        server.sql("DELETE FROM setup_command")


def test_setup_commands_then_device_configured_then_the_others(server, device, steps):
    device.enroll(AwaitingConfiguration=True)
    server.queue(device, "CertificateList", priority=50)
    server.pomona("queue", "add", device.id, "ProvisioningProfileList", "--setup")
    shown = server.pomona_json("device", "show", device.id)
    assert shown["awaiting_configuration"] is True and shown["await_until"] is not None
    assert server.device_row(device)["await_until"] == shown["await_until"]
    reply = device.idle()
    assert reply.command["Command"] == {"RequestType": "ProfileList", "ManagedOnly": True}
    assert answer_all(device) == [
        "ProfileList", "SecurityInfo", "ProvisioningProfileList", "DeviceConfigured", "CertificateList",
    ]  # fmt: skip
    assert server.device_row(device)["awaiting"] == 0
    assert released(server, device) == ["the setup commands have ended"]


def test_commands_that_fail_hold_nobody(server, device, steps):
    device.enroll(AwaitingConfiguration=True)
    assert answer_all(device, "error") == ["ProfileList", "SecurityInfo", "DeviceConfigured"]
    assert released(server, device) == ["the setup commands have ended"]


def test_not_now_holds_until_the_time_is_over(server, device, steps):
    """The worker alone sees it, and wakes the device."""
    device.enroll(AwaitingConfiguration=True)
    assert answer_all(device, "not_now") == ["ProfileList", "SecurityInfo"]
    before = len(server.pushes(device))
    time_is_over(server, device)
    wait_for(lambda: released(server, device) == ["time-out"], "the worker to let it go")
    wait_for(lambda: len(server.pushes(device)) > before, "the push")
    assert answer_all(device) == ["DeviceConfigured", "ProfileList", "SecurityInfo"]
    assert commands(server, device).count("DeviceConfigured") == 1


def test_cancelled_commands_hold_nobody(server, device, steps):
    device.enroll(AwaitingConfiguration=True)
    server.pomona("queue", "clear", device.id)
    wait_for(lambda: released(server, device), "the worker to let it go")
    assert answer_all(device) == ["DeviceConfigured"]


def test_without_a_worker_the_device_is_let_go_when_it_comes(server, device, steps):
    """Also when responder and worker begin anew in between: all of it is in the store."""
    server.parts.pop("pomona-push").stop()
    device.enroll(AwaitingConfiguration=True)
    first = device.idle().uuid
    time_is_over(server, device)
    server.parts.pop("pomona-fcgi").stop()
    server.start_fcgi()
    reply = device.idle()
    assert reply.request == "DeviceConfigured"
    server.start_push()
    assert device.idle().uuid == reply.uuid
    assert device.acknowledge(reply.uuid).uuid == first
    assert commands(server, device).count("DeviceConfigured") == 1
    assert released(server, device) == ["time-out"]


def test_renewals_and_repeats_begin_nothing_anew(server, device, steps):
    device.enroll(AwaitingConfiguration=True)
    assert device.token_update(AwaitingConfiguration=True).status == 200
    assert device.token_update().status == 200
    assert len(commands(server, device)) == 2
    assert answer_all(device) == ["ProfileList", "SecurityInfo", "DeviceConfigured"]
    assert device.token_update().status == 200
    assert device.idle().body == b""
    assert server.device_row(device)["awaiting"] == 0


def test_re_enrollment_begins_anew(server, device, steps):
    for _ in range(2):
        device.enroll(AwaitingConfiguration=True)
        assert answer_all(device) == ["ProfileList", "SecurityInfo", "DeviceConfigured"]
    device.enroll()
    assert server.device_row(device)["awaiting"] == 0
    assert device.idle().body == b""


def test_users_of_a_shared_ipad(server, device, steps):
    device.enroll()
    user = device.shared_ipad_user("bea")
    assert user.token_update(AwaitingConfiguration=True).status == 200
    assert (server.device_row(user)["awaiting"], server.device_row(device)["awaiting"]) == (1, 0)
    assert answer_all(user) == ["ProfileList", "UserConfigured"]
    assert server.device_row(user)["awaiting"] == 0
    assert answer_all(device) == []


def test_the_list(server, steps):
    listed = server.pomona_json("setup", "list")
    assert [(row["channel"], row["position"], row["request"]) for row in listed] == [
        ("device", 20, "SecurityInfo"), ("device", 10, "ProfileList"), ("user", 1, "ProfileList"),
    ]  # fmt: skip
    assert listed[1]["args"] == {"ManagedOnly": True}
    server.pomona("setup", "remove", str(listed[0]["id"]))
    assert len(server.pomona_json("setup", "list")) == 2
    wrong = [
        (["add", "NoSuch"], 1, "unknown request NoSuch"), (["add", "EraseDevice"], 1, "EraseDevice sets nothing up"),
        (["add", "DeviceConfigured"], 1, "goes out by itself"), (["add", "RemoveProfile"], 1, "Identifier is missing"),
        (["add", "ProfileList", "x"], 2, "KEY=VALUE"), (["add", "ProfileList", "--args", "[]"], 1, "JSON object"),
        (["add", "ProfileList", "--channel", "tv"], 2, "channel"), (["remove", "x"], 2, "no number"),
        (["remove", "999"], 1, "no setup command 999"),
    ]  # fmt: skip
    for args, code, text in wrong:
        done = server.pomona("setup", *args, check=False)
        assert (done.returncode, text in done.stderr.decode()) == (code, True), (args, done.stderr)
    assert len(server.pomona_json("setup", "list")) == 2
