"""The channels of a device and its users: what a TokenUpdate tells of them, how they begin and end, bootstrap tokens."""

import plistlib

import pytest

from harness.device import SHARED_IPAD_USER, User
from harness.server import quote

pytestmark = pytest.mark.nginx

FACTS = ("kind", "device_id", "user_id", "user_short_name", "user_long_name", "not_on_console", "awaiting")


def facts(server, channel):
    row = server.device_row(channel)
    return tuple(row[name] for name in FACTS)


@pytest.fixture(scope="module")
def ue(server):
    enrolled = server.new_device(user_enrollment=True).enroll()
    yield enrolled
    enrolled.close()


# ---- what they tell ----


def test_a_mac_and_its_users(server, device):
    assert facts(server, device) == ("device", device.id, None, None, None, None, 0)
    anna, ben = device.mac_user("anna"), device.mac_user("ben")
    assert anna.token_update(NotOnConsole=False).status == 200
    assert ben.token_update(NotOnConsole=True).status == 200
    assert facts(server, anna) == ("user", device.id, anna.user, "anna", "Anna", 0, 0)
    assert facts(server, ben) == ("user", device.id, ben.user, "ben", "Ben", 1, 0)
    # Fast user switching: the other one is in front now; who says nothing of it stays where he was.
    assert anna.token_update(NotOnConsole=True).status == 200
    assert ben.token_update(UserLongName=None).status == 200
    assert facts(server, anna)[5] == 1
    assert facts(server, ben)[4:6] == ("Ben", 1)


def test_a_shared_ipad_and_its_users(server, device):
    users = [device.shared_ipad_user(name) for name in ("bea", "carl")]
    for user in users:
        assert user.token_update().status == 200
    for user in users:
        assert facts(server, user) == ("shared_ipad", device.id, SHARED_IPAD_USER, user.user, None, None, 0)
    assert device.send(device.message({"MessageType": "TokenUpdate", "Topic": device.topic, "Token": b"t", "PushMagic": "m"},
                                      UserID=SHARED_IPAD_USER)).status == 400  # fmt: skip


def test_a_user_enrollment(server, ue):
    user = ue.enrollment_user()
    assert user.token_update().status == 200
    assert facts(server, ue) == ("user_enrollment_device", ue.id, None, None, None, None, 0)
    assert facts(server, user) == ("user_enrollment", ue.id, user.user, None, None, None, 0)


def test_device_show_tells_it(server, device):
    user = device.mac_user("anna")
    user.token_update(NotOnConsole=True)
    shown = server.pomona_json("device", "show", user.id)
    assert (shown["user_id"], shown["user_short_name"], shown["user_long_name"]) == (user.user, "anna", "Anna")
    assert (shown["not_on_console"], shown["awaiting_configuration"], shown["device_id"]) == (True, False, device.id)
    assert server.pomona_json("device", "show", device.id)["channels"] == [user.id]
    text = server.pomona("device", "show", user.id)
    assert "User's short name" in text and "anna" in text


@pytest.mark.parametrize("column", ["user_id", "user_short_name", "user_long_name", "not_on_console", "awaiting", "await_until"])
def test_what_a_device_tells_is_not_set_by_hand(server, device, column):
    with pytest.raises(Exception, match="device: only state can be set"):
        server.sql(f"UPDATE device SET {column} = '7' WHERE id = {quote(device.id)}")


# ---- how they begin and end ----


def test_a_user_of_a_device_that_is_not_known(server, unknown_device):
    for user in (unknown_device.mac_user(), unknown_device.shared_ipad_user("bea")):
        assert user.token_update().status == 403
        assert user.idle().status == 403
    stranger = server.new_device(user_enrollment=True)
    assert stranger.enrollment_user().token_update().status == 403
    assert server.sql(f"SELECT * FROM device WHERE device_id = {quote(unknown_device.id)}") == []
    stranger.close()


def test_a_user_leaves_and_comes_back(server, device):
    user, other = device.mac_user(), device.mac_user("ben")
    for channel in (user, other):
        channel.token_update(NotOnConsole=True)
    waiting = server.queue(user, "ProfileList")
    assert user.check_out().status == 200
    assert server.state(user, waiting) == "cleared"
    assert server.device_row(user)["state"] == "checked_out"
    assert facts(server, user)[5] is None
    for channel in (device, other):
        assert server.device_row(channel)["state"] == "enrolled"
    assert user.idle().status == 403
    assert user.token_update(NotOnConsole=False).status == 200
    row = server.device_row(user)
    assert (row["state"], row["not_on_console"]) == ("enrolled", 0)
    assert server.pomona_json("device", "show", user.id)["token_tally"] == 1
    assert user.idle().body == b""
    uuid = server.queue(user, "ProfileList")
    assert user.idle().uuid == uuid


def test_with_the_device_its_users_go(server, device):
    users = [device.mac_user("anna"), device.mac_user("ben")]
    for end in (device.check_out, device.authenticate):
        for user in users:
            assert user.token_update(NotOnConsole=False).status == 200
        assert end().status == 200
        for user in users:
            row = server.device_row(user)
            assert (row["state"], row["push_state"], row["not_on_console"]) == ("checked_out", "none", None)
            assert user.idle().status == 403
        device.enroll()
        assert {server.device_row(user)["state"] for user in users} == {"checked_out"}


def test_a_blocked_user_is_refused_and_the_device_is_not(server, device):
    user = device.mac_user()
    user.token_update()
    server.sql(f"UPDATE device SET state = 'blocked' WHERE id = {quote(user.id)}")
    assert user.token_update().status == 403
    assert user.idle().status == 403
    assert device.idle().status == 200
    server.sql(f"UPDATE device SET state = 'enrolled' WHERE id = {quote(user.id)}")
    assert user.token_update().status == 200


def test_a_user_does_not_move_to_another_device(server, device):
    """Not even one whose id reads the same: a device's id holds no colon."""
    user = device.mac_user()
    user.token_update()
    other = server.enrolled()
    stolen = User(other, user.user, {**user.ids})
    assert stolen.send(stolen.message({"MessageType": "TokenUpdate", "Topic": other.topic, "Token": b"t", "PushMagic": "m"})).status == 403
    other.close()


# ---- bootstrap tokens ----


def bootstrap(channel):
    reply = channel.check_in("GetBootstrapToken")
    return reply.status, plistlib.loads(reply.body)["BootstrapToken"] if reply.body else reply.body


def test_bootstrap_token(server, device):
    assert bootstrap(device) == (200, b"")
    for token in (b"boot\x00strap", b"x" * 60000, b"the newest"):
        reply = device.check_in("SetBootstrapToken", BootstrapToken=token, AwaitingConfiguration=True)
        assert (reply.status, reply.body) == (200, b"")
        assert bootstrap(device) == (200, token)
    assert server.pomona_json("device", "show", device.id)["has_bootstrap_token"] is True
    sealed = server.value(f"SELECT hex(bootstrap_token) FROM enrollment WHERE id = {quote(device.id)}")
    assert b"the newest".hex().upper() not in sealed and len(sealed) > 20


@pytest.mark.parametrize("token", [b"", None], ids=["empty", "missing"])
def test_an_empty_or_missing_bootstrap_token_deletes(server, device, token):
    device.check_in("SetBootstrapToken", BootstrapToken=b"old")
    assert device.check_in("SetBootstrapToken", BootstrapToken=token).status == 200
    assert bootstrap(device) == (200, b"")
    assert server.pomona_json("device", "show", device.id)["has_bootstrap_token"] is False


@pytest.mark.parametrize("token", ["text", 7, True, {"a": b"b"}, b"x" * 70000])
def test_what_is_no_bootstrap_token_changes_nothing(server, device, token):
    device.check_in("SetBootstrapToken", BootstrapToken=b"good")
    reply = device.check_in("SetBootstrapToken", BootstrapToken=token)
    assert reply.status == 400 and b"BootstrapToken" in reply.body
    assert bootstrap(device) == (200, b"good")


def test_bootstrap_tokens_are_of_the_device_channel(server, device, ue):
    user = device.mac_user()
    user.token_update()
    for channel in (user, device.shared_ipad_user("bea"), ue):
        for message in ("SetBootstrapToken", "GetBootstrapToken"):
            reply = channel.check_in(message, BootstrapToken=b"no")
            assert reply.status == 400 and b"device channel" in reply.body
    assert bootstrap(device) == (200, b"")


def test_bootstrap_tokens_need_an_enrollment(server, device, unknown_device):
    for message in ("SetBootstrapToken", "GetBootstrapToken"):
        assert unknown_device.check_in(message, BootstrapToken=b"x").status == 403
    device.check_in("SetBootstrapToken", BootstrapToken=b"old")
    device.check_out()
    assert device.check_in("GetBootstrapToken").status == 403
    device.enroll()
    assert bootstrap(device) == (200, b"")
