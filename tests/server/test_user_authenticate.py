"""UserAuthenticate: a network user logs in at a Mac.  The digests are made with Python's hashlib."""

import hashlib
import plistlib
import re

import pytest

from harness.server import quote

pytestmark = pytest.mark.nginx


@pytest.fixture(scope="module")
def server(make_server):
    own = make_server()
    own.pomona("user", "add", "net1", input=b"clear text\n")
    yield own
    own.stop()


@pytest.fixture
def digest(server):
    server.pomona("setting", "set", "user_authenticate", "digest")
    yield
    server.pomona("setting", "unset", "user_authenticate")


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def ask(user):
    """The first message holds UDID and UserID alone."""
    reply = user.check_in("UserAuthenticate", UserShortName=None, UserLongName=None)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/xml")
    return plistlib.loads(reply.body)["DigestChallenge"]


def response_to(challenge, name="net1", password="clear text", method="PUT"):
    (nonce, realm) = re.fullmatch(r'Digest nonce="([^"]+)",realm="([^"]+)"', challenge).groups()
    digest = md5(f"{md5(f'{name}:{realm}:{password}')}:{nonce}:{md5(f'{method}:/')}")
    return f'Digest username="{name}",realm="{realm}",nonce="{nonce}", uri="/",response="{digest}"'


def answer(user, response):
    reply = user.check_in("UserAuthenticate", UserShortName=None, UserLongName=None, DigestResponse=response)
    assert reply.status == 200
    return plistlib.loads(reply.body)["AuthToken"]


def test_declined_unless_set_otherwise(server, device):
    reply = device.mac_user().check_in("UserAuthenticate")
    assert reply.status == 410
    assert server.sql(f"SELECT * FROM device WHERE device_id = {quote(device.id)} AND kind = 'user'") == []


def test_accepted_with_an_empty_challenge(server, device):
    server.sql("INSERT INTO setting(name, value) VALUES ('user_authenticate', 'accept')")
    user = device.mac_user()
    assert ask(user) == ""
    reply = user.check_in("UserAuthenticate", DigestResponse="Digest x")
    assert (reply.status, reply.body) == (200, b"")
    assert user.token_update().status == 200
    assert user.idle().status == 200
    server.sql("DELETE FROM setting WHERE name = 'user_authenticate'")


def test_a_login(server, device, digest):
    user = device.mac_user("net1")
    challenge = ask(user)
    token = answer(user, response_to(challenge))
    assert len(token) >= 20
    user.ids["AuthToken"] = token
    assert user.token_update(NotOnConsole=False).status == 200
    uuid = server.queue(user, "ProfileList")
    assert user.idle().uuid == uuid
    assert user.acknowledge(uuid).status == 200
    # All requests of this user must have it.
    for wrong in (None, "", "x", token.lower()):
        assert user.report("Idle", AuthToken=wrong).status == 403
        assert user.token_update(AuthToken=wrong).status == 403
    # It is good until the user logs in again.
    ask(user)
    assert user.idle().status == 403
    assert device.idle().status == 200
    assert token not in server.logs()


@pytest.mark.parametrize("method", ["PUT", "POST", "GET"])
def test_whatever_method_a_mac_digests(device, digest, method):
    user = device.mac_user()
    assert answer(user, response_to(ask(user), method=method)) != ""


def test_refused(server, device, digest):
    user = device.mac_user()
    assert answer(user, response_to(ask(user), password="wrong")) == ""
    assert user.token_update().status == 403
    assert answer(user, response_to(ask(user), name="net2")) == ""
    # A challenge is good for one answer, of the user of the device it was made for.
    challenge = ask(user)
    assert answer(user, response_to(challenge)) != ""
    assert answer(user, response_to(challenge)) == ""
    challenge, other = ask(user), device.mac_user()
    assert answer(other, response_to(challenge)) == ""
    stranger = server.enrolled()
    assert answer(stranger.mac_user(UserID=user.user), response_to(challenge)) == ""
    assert answer(user, response_to(challenge)) != ""
    stranger.close()
    outcomes = server.sql("SELECT json_extract(detail, '$.reason') AS reason FROM event WHERE kind = 'user_authenticate'")
    assert "the password is wrong" in {row["reason"] for row in outcomes}


def test_no_digest_is_400(device, digest):
    user = device.mac_user()
    ask(user)
    for wrong in ("", "x", "Basic bmV0MTp4", "Digest username=net1", 'Digest username="net1'):
        assert user.check_in("UserAuthenticate", DigestResponse=wrong).status == 400


def test_guessing_ends_soon(server, device, digest):
    server.pomona("user", "add", "victim", input=b"secret\n")
    user = device.mac_user()
    for _ in range(5):
        assert answer(user, response_to(ask(user), "victim", "guess")) == ""
    assert answer(user, response_to(ask(user), "victim", "secret")) == ""
    for number in range(5):
        assert answer(user, response_to(ask(user), f"nobody{number}", "guess")) == ""
    assert user.check_in("UserAuthenticate").status == 410
    other = server.enrolled()
    user = other.mac_user()
    assert answer(user, response_to(ask(user), "victim", "secret")) == ""
    assert answer(user, response_to(ask(user))) != ""
    other.close()


def test_who_is_asked(server, device, unknown_device, digest):
    assert unknown_device.mac_user().check_in("UserAuthenticate").status == 403
    reply = device.check_in("UserAuthenticate")
    assert reply.status == 400 and b"UserID" in reply.body
    assert device.shared_ipad_user("bea").check_in("UserAuthenticate").status == 410
    ue = server.new_device(user_enrollment=True).enroll()
    assert ue.enrollment_user().check_in("UserAuthenticate").status == 410
    ue.close()


def test_any_responder_takes_the_answer(server, device, digest):
    user = device.mac_user()
    challenge = ask(user)
    server.parts.pop("pomona-fcgi").stop()
    server.start_fcgi()
    assert answer(user, response_to(challenge)) != ""


def test_the_table_of_users(server, device, digest, tmp_path):
    file = tmp_path / "password"
    file.write_text("first\nsecond line\n")
    server.pomona("user", "add", "Zo\u00eb", "--password-file", str(file))
    user = device.mac_user()
    assert answer(user, response_to(ask(user), "Zo\u00eb", "first")) != ""
    server.pomona("user", "password", "Zo\u00eb", input=b"other\n")
    assert answer(user, response_to(ask(user), "Zo\u00eb", "first")) == ""
    assert answer(user, response_to(ask(user), "Zo\u00eb", "other")) != ""
    # Sealed anew with everything else.
    server.pomona("key", "rotate")
    assert answer(user, response_to(ask(user), "Zo\u00eb", "other")) != ""
    # Another realm wants the password again.
    server.pomona("setting", "set", "user_realm", "fusion.home")
    assert answer(user, response_to(ask(user), "Zo\u00eb", "other")) == ""
    server.pomona("user", "password", "Zo\u00eb", input=b"other\n")
    assert answer(user, response_to(ask(user), "Zo\u00eb", "other")) != ""
    listed = {row["name"]: row for row in server.pomona_json("user", "list")}
    assert listed["Zo\u00eb"]["realm"] == "fusion.home" and listed["net1"]["realm"] == "Pomona"
    server.pomona("setting", "unset", "user_realm")
    assert "other" not in str(listed)
    server.pomona("user", "remove", "Zo\u00eb")
    for args in (["add", "net1"], ["password", "nobody"], ["remove", "nobody"], ["add", "a:b"]):
        assert server.pomona("user", *args, check=False, input=b"x\n").returncode == 1
    assert server.pomona("user", "add", "net3", check=False, input=b"").returncode == 1
