"""Who may speak for a device: the certificate that is pinned to it, and nobody else."""

import os
import urllib.parse

import pytest

from harness.server import quote

pytestmark = pytest.mark.core


def messages(channel, uuid):
    """Every kind of message a channel may send."""
    return {
        "Authenticate": {"MessageType": "Authenticate", "Topic": channel.device.topic},
        "TokenUpdate": {
            "MessageType": "TokenUpdate",
            "Topic": channel.device.topic,
            "Token": b"stolen",
            "PushMagic": "stolen",
            "UnlockToken": b"stolen",
        },
        "CheckOut": {"MessageType": "CheckOut", "Topic": channel.device.topic},
        "SetBootstrapToken": {"MessageType": "SetBootstrapToken", "BootstrapToken": b"stolen"},
        "GetBootstrapToken": {"MessageType": "GetBootstrapToken"},
        "UserAuthenticate": {"MessageType": "UserAuthenticate", "UserID": "00000000-0000-0000-0000-000000000001"},
        "Idle": {"Status": "Idle"},
        "Acknowledged": {"Status": "Acknowledged", "CommandUUID": uuid},
        "Error": {"Status": "Error", "CommandUUID": uuid, "ErrorChain": []},
        "CommandFormatError": {"Status": "CommandFormatError", "CommandUUID": uuid},
        "NotNow": {"Status": "NotNow", "CommandUUID": uuid},
    }


def everything(server, channel):
    """All that the store holds of a channel but when it came."""
    return server.sql(
        "SELECT e.id, e.state, e.topic, e.certificate, hex(e.push_token), hex(e.push_magic), hex(e.unlock_token), "
        "hex(e.bootstrap_token), e.token_tally, (SELECT json_group_array(json_array(state, ended_at)) FROM delivery "
        f"WHERE enrollment_no = e.no) FROM enrollment e WHERE e.id = {quote(channel.id)}"
    )


@pytest.fixture(scope="module")
def pair(server):
    """A device with a secret and a command, and another one."""
    victim = server.new_device().enroll(UnlockToken=b"secret")
    victim.check_in("SetBootstrapToken", BootstrapToken=b"secret")
    other = server.enrolled()
    victim.uuid = server.queue(victim, "ProfileList")
    yield victim, other
    victim.close()
    other.close()


MESSAGES = (
    "Authenticate", "TokenUpdate", "CheckOut", "SetBootstrapToken", "GetBootstrapToken", "UserAuthenticate",
    "Idle", "Acknowledged", "Error", "CommandFormatError", "NotNow",
)  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_certificate_of_another_device(server, pair, message):
    victim, other = pair
    body = victim.message(messages(victim, victim.uuid)[message])
    before = everything(server, victim)
    reply = other.send(body)
    assert reply.status == 403
    assert b"<plist" not in reply.body
    assert everything(server, victim) == before


def test_another_device_cannot_speak_for_a_user(server, pair):
    victim, other = pair
    user = victim.mac_user()
    assert user.token_update().status == 200
    uuid = server.queue(user, "ProfileList")
    before = everything(server, user)
    for message in messages(user, uuid).values():
        assert other.send(user.message(message)).status in (400, 403)
    assert everything(server, user) == before


def test_a_certificate_belongs_to_one_device(server, device):
    """A second device with a copy of the identity does not get in."""
    copy = server.new_device(identity=device.identity)
    assert copy.authenticate().status == 403
    assert device.idle().status == 200


def test_the_newest_pin_alone_counts(server, device):
    old = device.identity
    device.identity = server.issue()
    device.close()
    assert device.idle().status == 403
    device.enroll()
    assert device.idle().status == 200
    new, device.identity = device.identity, old
    device.close()
    for message in messages(device, "x").values():
        if message.get("MessageType") != "Authenticate":
            assert device.send(device.message(message)).status == 403
    device.identity = new
    device.close()
    assert device.idle().status == 200


FRONT_DOOR = ("/mdm", "/checkin", "/server")


@pytest.mark.parametrize("path", FRONT_DOOR)
def test_no_certificate(device, path):
    reply = device.request_as(None, "PUT", path, b"<plist/>")
    assert reply.status == 403
    assert reply.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", FRONT_DOOR)
def test_certificate_of_an_unknown_ca(pki, device, path):
    stranger_ca = pki.make_ca("stranger-ca")
    stranger = pki.issue(stranger_ca, "stranger", "/CN=stranger")
    assert device.turned_away(stranger, path)


def test_expired_certificate(server, device, pki):
    """From a CA that the web server trusts."""
    ca = pki.make_ca("second-ca")
    expired = pki.issue(ca, "expired", "/CN=expired", days=-1)
    both = server.path("two-cas.pem")
    with open(both, "w") as out:
        for path in (server.device_ca, ca.certificate):
            with open(path) as part:
                out.write(part.read())
    server.restart_front(DEVICE_CA=both)
    try:
        good = pki.issue(ca, "good", "/CN=good")
        assert device.request_as(good, "PUT", "/mdm", b"x").status == 400
        assert device.turned_away(expired, "/mdm")
    finally:
        server.restart_front()
        os.unlink(both)


HEADERS = ("SSL_CLIENT_CERT", "SSL-CLIENT-CERT", "Ssl-Client-Cert", "X-SSL-Client-Cert", "HTTP_SSL_CLIENT_CERT")


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_proves_nothing(server, pair, name):
    victim, other = pair
    with open(victim.identity.certificate) as pem:
        certificate = urllib.parse.quote(pem.read())
    forged = {name: certificate, name.replace("CERT", "VERIFY").replace("Cert", "Verify"): "SUCCESS"}
    body = b'<plist version="1.0"><dict><key>Status</key><string>Idle</string><key>UDID</key><string>%s</string></dict></plist>'
    body %= victim.udid.encode()
    assert victim.request("PUT", "/mdm", body).status == 200
    assert victim.request_as(None, "PUT", "/mdm", body, forged).status == 403
    assert victim.request_as(other.identity, "PUT", "/mdm", body, forged).status == 403


# ---- ids and pins that are made to hurt ----


def test_a_device_id_holds_no_colon(server, pair):
    """Else it could be the id of another device's user channel."""
    victim, _ = pair
    user = victim.mac_user()
    user.token_update()
    before = everything(server, user)
    for options in ({}, {"user_enrollment": True}):
        thief = server.new_device(udid=user.id, **options)
        assert thief.authenticate().status == 400
        assert thief.token_update().status == 400
        assert thief.idle().status == 400
    assert everything(server, user) == before


def test_a_shared_ipad_user_with_a_colon_in_the_name(server):
    victim = server.enrolled()
    user = victim.shared_ipad_user("a:b")
    assert user.token_update().status == 200
    uuid = server.queue(user, "ProfileList")
    thief = server.new_device(udid=f"{victim.id}:a")
    thief.authenticate()
    stolen = thief.shared_ipad_user("b")
    assert stolen.token_update().status == 400
    assert user.idle().uuid == uuid


def test_a_replaced_certificate_is_good_for_nothing(server, pair):
    victim, _ = pair
    before = everything(server, victim)
    device = server.enrolled()
    old = device.identity
    device.close()
    device.identity = server.issue()
    device.enroll()
    device.close()
    new, device.identity = device.identity, old
    assert device.authenticate().status == 403
    assert device.idle().status == 403
    assert server.new_device(identity=old).authenticate().status == 403
    assert server.new_device(identity=old, udid=victim.udid).authenticate().status == 403
    assert everything(server, victim) == before
    device.close()
    device.identity = new
    assert device.idle().status == 200
    assert device.authenticate().status == 200


def test_a_checked_out_device_gets_no_bootstrap_token(server):
    device = server.enrolled()
    device.check_in("SetBootstrapToken", BootstrapToken=b"secret")
    assert device.check_out().status == 200
    assert device.check_in("SetBootstrapToken", BootstrapToken=b"more").status == 403
    assert device.check_in("GetBootstrapToken").status == 403
    assert device.check_out().status == 200
