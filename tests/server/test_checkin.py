"""Authenticate, TokenUpdate, CheckOut: devices and users come and go."""

import plistlib
import re

import pytest

from harness.device import CHECKIN, REPORT, new_uuid
from harness.server import quote

pytestmark = pytest.mark.core

ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def test_authenticate_then_token_update_enrolls(server, unknown_device):
    device = unknown_device
    reply = device.authenticate()
    assert (reply.status, reply.body) == (200, b"")
    row = server.device_row(device)
    assert row["state"] == "authenticating"
    assert row["push_state"] == "none"
    assert row["enrolled_at"] is None

    reply = device.token_update()
    assert (reply.status, reply.body) == (200, b"")
    row = server.device_row(device)
    assert row["state"] == "enrolled"
    assert row["push_state"] in ("ready", "waiting")
    assert ISO.match(row["enrolled_at"]) and ISO.match(row["last_seen"])


def test_authenticate_tells_the_facts_of_a_device(server, unknown_device):
    device = unknown_device
    name = "Zoë's iPad <&> \U0001f34e"
    assert device.authenticate(DeviceName=name, OSVersion="26.0.1").status == 200
    row = server.device_row(device)
    assert {key: row[key] for key in row if key not in ("last_seen", "enrolled_at", "push_state", "state")} == {
        "id": device.udid,
        "device_id": device.udid,
        "kind": "device",
        "udid": device.udid,
        "serial": device.serial,
        "name": name,
        "model": "MQ4C3",
        "product": "iPhone14,7",
        "os_version": "26.0.1",
        "os_major": 26,
        "build": "21E236",
        "topic": server.topic,
        "user_id": None,
        "user_short_name": None,
        "user_long_name": None,
        "not_on_console": None,
        "awaiting": 0,
        "await_until": None,
        "model_name": "iPhone",
        "supervised": None,
        "enrolled_via_dep": None,
        "user_approved": None,
    }


def test_the_least_an_authenticate_may_say(server, unknown_device):
    device = unknown_device
    facts = ("DeviceName", "Model", "ModelName", "ProductName", "OSVersion", "BuildVersion", "SerialNumber")
    assert device.authenticate(**dict.fromkeys(facts)).status == 200
    row = server.device_row(device)
    assert (row["name"], row["serial"], row["os_major"]) == (None, None, None)


@pytest.mark.parametrize("kind", ["user", "shared_ipad"])
def test_user_channels_and_their_ids(server, device, kind):
    user = device.mac_user() if kind == "user" else device.shared_ipad_user("Bea")
    wanted_id = f"{device.udid}:{user.ids['UserID'] if kind == 'user' else 'Bea'}"
    assert user.token_update().status == 200
    row = server.row(f"SELECT * FROM device WHERE device_id = {quote(device.udid)} AND kind = {quote(kind)}")
    assert row["id"] == wanted_id == user.id
    assert row["state"] == "enrolled"
    assert (row["udid"], row["serial"], row["os_major"]) == (device.udid, device.serial, 17)
    assert row["name"] == user.ids["UserShortName"]


def test_shared_ipad_users_are_told_apart_by_their_short_name(server, device):
    users = [device.shared_ipad_user(name) for name in ("bea", "carl")]
    for user in users:
        assert user.token_update().status == 200
    for user in users:
        uuid = server.queue(user, "ProfileList")
        assert user.idle().uuid == uuid


def test_user_enrollment(server):
    device = server.new_device(user_enrollment=True).enroll()
    row = server.device_row(device)
    assert (row["kind"], row["udid"], row["serial"]) == ("user_enrollment_device", None, None)
    user = device.enrollment_user()
    assert user.token_update().status == 200
    row = server.device_row(user)
    assert (row["id"], row["kind"]) == (f"{device.udid}:{user.user}", "user_enrollment")
    assert row["device_id"] == device.udid
    for channel in (device, user):
        uuid = server.queue(channel, "ProfileList")
        assert channel.idle().uuid == uuid
        assert channel.acknowledge(uuid, ProfileList=[]).status == 200
        assert server.state(channel, uuid) == "acknowledged"


def test_user_channel_needs_its_device(server, unknown_device):
    assert unknown_device.mac_user().token_update().status == 403
    assert server.sql(f"SELECT * FROM device WHERE device_id = {quote(unknown_device.udid)}") == []


def test_token_update_needs_authenticate(server, unknown_device):
    assert unknown_device.token_update().status == 403
    assert server.sql(f"SELECT * FROM device WHERE id = {quote(unknown_device.udid)}") == []


@pytest.mark.parametrize("path", ["/mdm", "/checkin", "/server"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("content_type", [CHECKIN, REPORT, "text/plain", None])
def test_any_path_and_content_type_takes_both_kinds(server, device, path, method, content_type):
    """The body says what it is, never the path nor the Content-Type."""
    how = {"path": path, "method": method, "content_type": content_type}
    token = {"MessageType": "TokenUpdate", "Topic": device.topic, "Token": b"12345", "PushMagic": "m"}
    assert device.send(device.message(token), **how).status == 200
    assert device.send(device.message({"Status": "Idle"}), **how).status == 200


WRONG_CHECKINS = {
    "no id": ("authenticate", {"UDID": None}, b"UDID"),
    "an empty id": ("authenticate", {"UDID": ""}, b"UDID"),
    "an id that is no string": ("authenticate", {"UDID": 7}, b"UDID"),
    "an over-long id": ("authenticate", {"UDID": "x" * 300}, b"UDID"),
    "an id with a control character": ("authenticate", {"UDID": "a\nb"}, b"UDID"),
    "no topic": ("authenticate", {"Topic": None}, b"Topic"),
    "an empty topic": ("authenticate", {"Topic": ""}, b"Topic"),
    "a serial number that is no string": ("authenticate", {"SerialNumber": 12}, b"SerialNumber"),
    "no token": ("token_update", {"Token": None}, b"Token"),
    "an empty token": ("token_update", {"Token": b""}, b"Token"),
    "a token that is a string": ("token_update", {"Token": "abc"}, b"Token"),
    "an over-long token": ("token_update", {"Token": b"x" * 5000}, b"Token"),
    "no magic": ("token_update", {"PushMagic": None}, b"PushMagic"),
    "a magic that is data": ("token_update", {"PushMagic": b"abc"}, b"PushMagic"),
    "an unlock token that is a string": ("token_update", {"UnlockToken": "abc"}, b"UnlockToken"),
    "no topic in a token update": ("token_update", {"Topic": None}, b"Topic"),
}


@pytest.mark.parametrize("case", WRONG_CHECKINS)
def test_what_is_missing_or_of_the_wrong_type_is_400_and_named(server, device, case):
    message, keys, named = WRONG_CHECKINS[case]
    before = server.device_row(device)
    reply = getattr(device, message)(**keys)
    assert reply.status == 400
    assert named in reply.body
    after = server.device_row(device)
    assert {**after, "last_seen": None} == {**before, "last_seen": None}


def test_authenticate_on_a_user_channel_is_400(server, device):
    assert device.mac_user().check_in("Authenticate", Topic=device.topic).status == 400


def test_check_out(server, device):
    user = device.mac_user()
    user.token_update()
    waiting = [(channel, server.queue(channel, "ProfileList")) for channel in (device, user)]
    assert device.check_out().status == 200
    for channel, uuid in waiting:
        row = server.device_row(channel)
        assert (row["state"], row["push_state"]) == ("checked_out", "none")
        assert server.state(channel, uuid) == "cleared"
    assert device.idle().status == 403
    assert device.token_update().status == 403


def test_check_out_of_a_user_leaves_the_device(server, device):
    user = device.mac_user()
    user.token_update()
    assert user.check_out().status == 200
    assert server.device_row(user)["state"] == "checked_out"
    assert server.device_row(device)["state"] == "enrolled"
    assert device.idle().status == 200


def test_a_device_comes_back_after_check_out(server, device):
    device.check_out()
    device.enroll()
    assert server.device_row(device)["state"] == "enrolled"
    uuid = server.queue(device, "SecurityInfo")
    assert device.idle().uuid == uuid


def test_every_message_is_kept(server, device):
    """As it came, beside what was made of it; sealed, as it holds secrets."""
    events = server.sql(f"SELECT kind FROM event WHERE device = {quote(device.id)} ORDER BY id")
    assert [event["kind"] for event in events] == ["authenticate", "token_update"]
    kept = server.sql(
        "SELECT length(l.raw) AS bytes, hex(l.raw) AS raw FROM event_log l JOIN enrollment e ON e.no = l.enrollment_no "
        f"WHERE e.id = {quote(device.id)}"
    )
    assert len(kept) == 2
    for row in kept:
        assert row["bytes"] > 400
        assert b"<plist".hex().upper() not in row["raw"]
        assert device.udid.encode().hex().upper() not in row["raw"]


def test_user_authenticate_is_declined(device):
    user = device.mac_user()
    assert user.check_in("UserAuthenticate").status == 410


def test_bootstrap_token(device):
    reply = device.check_in("GetBootstrapToken")
    assert (reply.status, reply.body) == (200, b"")
    assert device.check_in("SetBootstrapToken", BootstrapToken=b"boot\x00strap").status == 200
    reply = device.check_in("GetBootstrapToken")
    assert plistlib.loads(reply.body) == {"BootstrapToken": b"boot\x00strap"}
    assert device.check_in("SetBootstrapToken", BootstrapToken=b"").status == 200
    reply = device.check_in("GetBootstrapToken")
    assert (reply.status, reply.body) == (200, b"")


def test_re_enrollment_forgets_the_bootstrap_token(device):
    assert device.check_in("SetBootstrapToken", BootstrapToken=b"old").status == 200
    device.enroll()
    assert device.check_in("GetBootstrapToken").body == b""


def test_awaiting_configuration_is_taken(server, device):
    assert device.token_update(AwaitingConfiguration=True).status == 200
    detail = server.value(f"SELECT detail FROM event WHERE device = {quote(device.id)} ORDER BY id DESC LIMIT 1")
    assert '"AwaitingConfiguration":true' in detail.replace(" ", "")


# ---- who may enroll ----


def test_topic_without_a_push_certificate_is_refused(server):
    device = server.new_device(topic="com.apple.mgmt.External.other")
    reply = device.authenticate()
    assert reply.status == 403 and b"topic" in reply.body
    assert server.sql(f"SELECT * FROM device WHERE id = {quote(device.id)}") == []


def test_topic_cannot_change_to_another_one(server, device):
    assert device.token_update(Topic="com.apple.mgmt.External.other").status == 403
    assert server.device_row(device)["topic"] == server.topic


def test_topics_the_operator_lists(own_server):
    own_server.sql("INSERT INTO setting(name, value) VALUES ('enroll_topics', 'com.example.a com.example.b')")
    assert own_server.new_device(topic="com.example.b").authenticate().status == 200
    assert own_server.new_device(topic="com.example.c").authenticate().status == 403
    assert own_server.new_device().authenticate().status == 403
    own_server.sql("UPDATE setting SET value = 'any' WHERE name = 'enroll_topics'")
    assert own_server.new_device(topic="com.example.c").authenticate().status == 200


def test_blocked_and_allowed_devices(own_server):
    allowed, blocked, other = (own_server.new_device() for _ in range(3))
    own_server.pomona("admission", "add", "serial", blocked.serial, "block")
    assert blocked.authenticate().status == 403
    assert other.authenticate().status == 200

    own_server.pomona("setting", "set", "enroll_devices", "listed")
    own_server.pomona("admission", "add", "udid", allowed.udid, "allow")
    assert allowed.authenticate().status == 200
    assert own_server.new_device().authenticate().status == 403
    # Blocked wins, and what is allowed by one name may be blocked by the other.
    own_server.pomona("admission", "add", "serial", allowed.serial, "block")
    assert allowed.authenticate().status == 403

    own_server.pomona("setting", "set", "enroll_devices", "any")
    own_server.pomona("admission", "remove", "serial", blocked.serial)
    assert blocked.authenticate().status == 200


def test_operator_shuts_a_device_out(server, device):
    user = device.mac_user()
    user.token_update()
    server.sql(f"UPDATE device SET state = 'blocked' WHERE id = {quote(device.id)}")
    assert server.device_row(device)["state"] == "blocked"
    assert device.idle().status == 403
    assert user.idle().status == 403
    assert device.authenticate().status == 403
    server.sql(f"UPDATE device SET state = 'enrolled' WHERE id = {quote(device.id)}")
    assert device.idle().status == 200


def test_udid_is_taken_as_it_is(server):
    """Old and new forms, and whatever comes next."""
    for udid in ("00008120-" + new_uuid().replace("-", "")[:16], new_uuid().replace("-", "").lower() + "abcdef01"):
        device = server.new_device(udid=udid).enroll()
        assert server.device_row(device)["id"] == udid
