"""What other servers got wrong, case by case.  Each test stands for itself, and bears the number of its case:

 1 NotNow loops                                   13 queues that grow without bound
 2 a command that is dropped when it is sent      14 GetBootstrapToken with none stored
 3 a TokenUpdate without an UnlockToken           15 UserAuthenticate
 4 a malformed command that blocks the queue      16 a device that waits for DeviceConfigured
 5 a stale command after a re-enrollment          17 messages without all the ids of the schema
 6 401, which unenrolls                           18 Content-Types that cannot be relied upon
 7 identities that end unnoticed                  19 a CheckOut that never comes
 8 push certificates that cannot be used          20 declarations and token services that are not there
 9 answers that repeat, or name unknown commands  21 ids with a colon
10 an old certificate after a re-enrollment       22 large fleets
11 a command without a push certificate           23 plists as they come
12 one unknown id among many
"""

import base64
import os
import plistlib
import re

import pytest

from harness import wait_for
from harness.device import CHECKIN, REPORT, Device
from harness.pki import Identity
from harness.process import REPOSITORY
from harness.server import quote

pytestmark = pytest.mark.nginx


@pytest.fixture(scope="module")
def server(make_server):
    """With pomona-push and the APNs stand-in."""
    own = make_server(push=True)
    yield own
    own.stop()


def issue(server, *options):
    """Another identity, with these options of `pomona identity issue`."""
    name = f"case-{len(os.listdir(server.dir))}-{len(options)}"
    out = server.path(f"case-{name}")
    server.pomona("identity", "issue", name, "--out", out, "--key", "ec", *options)
    return Identity(os.path.join(out, name + ".pem"), os.path.join(out, name + ".key"))


def statement(concept, name):
    """The text of a statement of sql/CONCEPT.sql."""
    with open(os.path.join(REPOSITORY, "sql", concept + ".sql"), encoding="utf-8") as file:
        text = file.read().split(f"-- name: {name}\n")[1].split("\n\n")[0]
    return re.sub(r"/\*sqlite (.*?)\*/", r"\1", text)


def plan(server, concept, name):
    """How the store goes about it, in words; a parameter's value does not matter."""
    text = server.sqlite(f"EXPLAIN QUERY PLAN {statement(concept, name)}")
    assert "QUERY PLAN" in text
    return text


def test_case_01_not_now_does_not_loop(server, device):
    first, other = server.queue(device, "ProfileList"), server.queue(device, "SecurityInfo")
    assert device.idle().uuid == first
    assert device.not_now(first).uuid == other
    assert device.not_now(other).body == b""
    assert device.idle().uuid == first
    assert device.not_now(first).uuid == other
    assert device.acknowledge(other).body == b""
    assert (server.state(device, first), server.state(device, other)) == ("not_now", "acknowledged")


def test_case_02_a_command_that_was_sent_stays_until_it_is_answered(server, device):
    uuid = server.queue(device, "ProfileList")
    for _ in range(3):  # the connection broke off each time
        device.close()
        assert device.idle().uuid == uuid
    assert device.acknowledge(uuid).body == b""
    assert device.idle().body == b""


def test_case_03_the_unlock_token_is_kept_until_the_enrollment_ends(server, device):
    device.token_update(UnlockToken=b"unlock me")
    for keys in ({}, {"UnlockToken": None}):
        assert device.token_update(**keys).status == 200
    uuid = server.queue(device, "ClearPasscode")
    reply = device.idle()
    assert (reply.uuid, reply.command["Command"]["UnlockToken"]) == (uuid, b"unlock me")
    device.enroll()
    uuid = server.queue(device, "ClearPasscode")
    assert device.idle().body == b""
    assert server.state(device, uuid) == "invalid"


def test_case_04_a_malformed_command_blocks_nothing(server, device, tmp_path):
    # U+0000 is no character of a plist: such a command is not taken, …
    nul = tmp_path / "nul.plist"
    for body in (b"<string>a\x00b</string>", b"<string>a&#0;b</string>"):
        nul.write_bytes(b'<plist version="1.0"><dict><key>Command</key><dict><key>RequestType</key><string>DeviceLock</string>'
                        b"<key>Message</key>" + body + b"</dict></dict></plist>")  # fmt: skip
        assert server.pomona("queue", "add", device.id, "--plist", str(nul), check=False).returncode == 1
    # … and one that shows itself only when it is built is ended then, with those behind it going on.
    server.sqlite("INSERT INTO payload(uuid, request, args, origin, created_at) "
                  "VALUES ('NUL', 'DeviceLock', json_object('Message', 'a' || char(0) || 'b'), 'cli', 1);"
                  "INSERT INTO delivery(enrollment_no, payload_no, state, priority, queued_at) "
                  f"SELECT e.no, p.no, 'queued', 9, 1 FROM enrollment e, payload p WHERE e.id = {quote(device.id)} AND p.uuid = 'NUL';")  # fmt: skip
    good = server.queue(device, "ProfileList")
    assert device.idle().uuid == good
    command = server.command(device, "NUL")
    assert command["state"] == "invalid" and command["reason"]


def test_case_05_a_re_enrollment_clears_and_a_renewal_does_not(server, device):
    waits = server.queue(device, "RemoveProfile", {"Identifier": "com.example.mdm"})
    device.close()
    device.identity = issue(server, "--renew", device.id)
    assert device.token_update().status == 200
    assert device.idle().uuid == waits
    device.enroll()
    assert server.state(device, waits) == "cleared"
    assert device.idle().body == b""


def test_case_06_nobody_is_unenrolled_by_an_answer(server, device):
    """401 would do it; so would a 403 with the body that Apple defines for it."""
    unknown = server.new_device()
    stranger = server.issue(None, "--key", "ec")
    idle = plistlib.dumps(device.message({"Status": "Idle"}))
    replies = [
        unknown.idle(), unknown.token_update(), unknown.check_out(),
        device.request_as(stranger, "PUT", "/mdm", idle), device.request_as(None, "PUT", "/mdm", idle),
    ]  # fmt: skip
    for reply in replies:
        assert reply.status == 403
        assert b"com.apple" not in reply.body and b"plist" not in reply.body
    unknown.close()


def test_case_07_an_identity_that_ends_soon_is_told_of_and_can_be_renewed(server):
    device = server.new_device(identity=issue(server, "--days", "20")).enroll()
    ended = server.new_device(identity=issue(server, "--days", "20")).enroll()
    server.sqlite(f"UPDATE enrollment SET identity_expires = 1000 WHERE id = {quote(ended.id)}")
    assert ended.idle().status == 403
    server.parts.pop("pomona-push").stop()
    server.start_push()
    wait_for(lambda: server.sql(f"SELECT * FROM event WHERE kind = 'expires' AND device = {quote(device.id)}"), "the warning")
    device.close()
    device.identity = issue(server, "--renew", device.id)
    assert device.idle().status == 200
    assert server.pomona_json("device", "show", device.id)["identity_expires"] > "2030"
    device.close()
    ended.close()


def test_case_08_a_push_certificate_is_checked_when_it_is_imported(server, pki):
    good, other = (pki.push_certificate(f"case-8-{name}", f"com.apple.mgmt.External.case-8-{name}") for name in "ab")
    with open(other.key) as key, open(good.certificate) as certificate, open(server.path("mixed.pem"), "w") as mixed:
        mixed.write(certificate.read() + key.read())
    plain = pki.issue(pki.apple_ca, "case-8-plain", "/CN=no topic")
    with open(plain.certificate) as certificate, open(plain.key) as key, open(server.path("plain.pem"), "w") as file:
        file.write(certificate.read() + key.read())
    for path, *options in ((server.path("mixed.pem"),), (server.path("plain.pem"),), (good.certificate,),
                           (good.both, "--replace", server.topic)):  # fmt: skip
        done = server.pomona("push-cert", "import", path, *options, check=False)
        assert done.returncode == 1 and done.stderr, path
    assert [row["topic"] for row in server.pomona_json("push-cert", "list")] == [server.topic]
    # Its end is watched: two days from now.
    wait_for(lambda: server.sql("SELECT * FROM event WHERE kind = 'expires' AND instr(detail, 'push_certificate')"), "the warning")


def test_case_09_answers_that_repeat_lose_nothing(server, device):
    a, b, c = (server.queue(device, request) for request in ("ProfileList", "SecurityInfo", "CertificateList"))
    assert device.idle().uuid == a
    assert device.not_now(a).uuid == b
    assert device.acknowledge(b).uuid == c
    assert device.acknowledge(a).uuid == c
    assert device.acknowledge(b).uuid == c
    assert device.acknowledge("6D5D9B5E-0000-4000-8000-000000000000").uuid == c
    assert device.acknowledge(c).body == b""
    assert {server.state(device, uuid) for uuid in (a, b, c)} == {"acknowledged"}
    assert device.idle().body == b""


def test_case_10_the_newest_certificate_alone_counts(server, device):
    old = device.identity
    device.close()
    device.identity = server.issue(None, "--key", "ec")
    device.enroll()
    idle = plistlib.dumps(device.message({"Status": "Idle"}))
    assert device.request_as(old, "PUT", "/mdm", idle).status == 403
    assert device.idle().status == 200


def test_case_11_without_a_push_certificate_the_command_is_queued(server):
    """What fails is the push, and it is told of."""
    server.sql("INSERT INTO setting(name, value) VALUES ('enroll_topics', 'any')")
    device = server.new_device(topic="com.apple.mgmt.External.nobody-has-it").enroll()
    server.sql("DELETE FROM setting WHERE name = 'enroll_topics'")
    assert "queued" in server.pomona("queue", "add", device.id, "ProfileList")
    assert device.idle().request == "ProfileList"
    told = server.pomona("doctor", check=False)
    assert "nobody-has-it, for which there is no certificate" in told.stdout.decode()
    device.close()


def test_case_12_one_unknown_id_fails_for_itself(server, device):
    done = server.pomona("queue", "add", device.id, "no-such-device", "ProfileList", "--json", check=False)
    assert done.returncode == 1
    text = done.stdout.decode()
    assert "no-such-device" in text and "unknown device" in text
    assert device.idle().request == "ProfileList"


def test_case_13_what_is_old_goes_and_history_costs_nothing(server, device):
    old = server.queue(device, "ProfileList")
    assert device.idle().uuid == old
    device.acknowledge(old)
    young = server.queue(device, "SecurityInfo")
    server.sqlite(
        f"UPDATE payload SET created_at = 1000 WHERE uuid <> {quote(young)};"
        "UPDATE delivery SET queued_at = 1000, ended_at = 1000 WHERE ended_at IS NOT NULL;"
        "UPDATE answer SET received_at = 1000;"
    )
    server.parts.pop("pomona-push").stop()
    server.start_push()
    wait_for(lambda: server.sql(f"SELECT 1 FROM command WHERE uuid = {quote(old)}") == [], "the old command to go")
    assert server.state(device, young) == "queued"
    # The next command is looked for among those that are open.
    assert "USING INDEX delivery_open" in plan(server, "queue", "queue_next")


def test_case_14_no_bootstrap_token_is_a_success(device):
    for token in (None, b"", b"token", b""):
        if token is not None:
            assert device.check_in("SetBootstrapToken", BootstrapToken=token).status == 200
        reply = device.check_in("GetBootstrapToken")
        assert reply.status == 200
        assert (plistlib.loads(reply.body)["BootstrapToken"] if token else reply.body) == (token or b"")


def test_case_15_user_authenticate(server, device):
    user = device.mac_user()
    assert user.check_in("UserAuthenticate").status == 410
    server.sql("INSERT INTO setting(name, value) VALUES ('user_authenticate', 'accept')")
    reply = user.check_in("UserAuthenticate")
    assert (reply.status, plistlib.loads(reply.body)) == (200, {"DigestChallenge": ""})
    reply = user.check_in("UserAuthenticate", DigestResponse="anything")
    assert (reply.status, reply.body) == (200, b"")
    server.sql("DELETE FROM setting WHERE name = 'user_authenticate'")


def test_case_16_who_waits_to_be_configured_is_let_go(server, device):
    assert device.token_update(AwaitingConfiguration=True).status == 200
    user = device.shared_ipad_user("bea")
    assert user.token_update(AwaitingConfiguration=True).status == 200
    for channel, request in ((device, "DeviceConfigured"), (user, "UserConfigured")):
        wait_for(lambda channel=channel: server.pushes(channel), "the push")
        reply = channel.idle()
        assert reply.request == request
        assert channel.acknowledge(reply.uuid).body == b""
        assert server.device_row(channel)["awaiting"] == 0


def test_case_17_each_message_has_the_ids_of_its_kind(server):
    for user_enrollment in (False, True):
        device = server.new_device(user_enrollment=user_enrollment)
        assert list(device.ids) == ["EnrollmentID" if user_enrollment else "UDID"]
        device.enroll()
        user = device.enrollment_user() if user_enrollment else device.mac_user()
        assert user.token_update().status == 200
        for channel in (device, user):
            uuid = server.queue(channel, "ProfileList")
            assert channel.idle().uuid == uuid
            assert channel.acknowledge(uuid).status == 200
        assert device.check_out().status == 200
        device.close()


def test_case_18_the_body_says_what_a_message_is(server, device):
    uuid = server.queue(device, "ProfileList")
    for content_type in (None, "", CHECKIN, REPORT, "text/xml", "application/octet-stream", "nonsense"):
        assert device.send(device.message({"Status": "Idle"}), content_type=content_type).uuid == uuid
        token = device.message({"MessageType": "TokenUpdate", "Topic": device.topic, "Token": device.token, "PushMagic": device.magic})
        assert device.send(token, content_type=content_type).status == 200


def test_case_19_a_device_that_went_without_a_word(server, device):
    server.apns_answers({"token": device.token.hex(), "answer": {"status": 410, "reason": "Unregistered"}})
    server.queue(device, "ProfileList")
    wait_for(lambda: server.device_row(device)["push_state"] == "stopped", "the pushes to stop")
    done = len(server.pushes(device))
    server.queue(device, "SecurityInfo")
    assert server.pomona("push", device.id, check=False).returncode == 1
    # Another one is pushed meanwhile; this one is not.
    other = server.enrolled()
    server.queue(other, "ProfileList")
    wait_for(lambda: server.pushes(other), "the other one's push")
    assert len(server.pushes(device)) == done
    assert device.token_update().status == 200
    assert server.device_row(device)["push_state"] != "stopped"
    server.apns_answers()
    other.close()


def test_case_20_what_is_not_there_is_404_and_what_is_unknown_400(device):
    declaration = {"Endpoint": "declaration/configuration/com.example.none"}
    assert device.check_in("DeclarativeManagement", **declaration).status == 404
    assert device.check_in("GetToken", TokenServiceType="com.example.unknown").status == 400


def test_case_21_ids_with_a_colon(server, device):
    user = device.shared_ipad_user("bea:the second")
    assert user.token_update().status == 200
    assert server.device_row(user)["device_id"] == device.id
    assert server.pomona_json("device", "show", user.id)["id"] == f"{device.id}:bea:the second"
    server.pomona("queue", "add", user.id, "ProfileList")
    assert server.pomona_json("queue", "list", user.id)[0]["device"] == user.id
    assert user.idle().request == "ProfileList"
    # %3A is what a URL makes of it, and no other id.
    assert server.pomona("queue", "add", user.id.replace(":", "%3A"), "ProfileList", check=False).returncode == 1
    # A device's own id has none: it would read as another one's user.
    thief = Device(server, server.issue(None, "--key", "ec"), server.topic, udid=f"{device.id}:thief")
    assert thief.authenticate().status == 400
    thief.close()


def test_case_22_many_devices_and_many_commands(server, device):
    """3,263 open commands on one device; what a device's visit asks of the store is found by indexes."""
    count = 3263
    server.sqlite(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        "INSERT INTO queue(device, request, args, priority) "
        f"SELECT {quote(device.id)}, 'DeviceLock', json_object('Message', i || ''), i % 7 FROM n"
    )
    assert server.value(f"SELECT count(*) FROM queue WHERE device = {quote(device.id)}") == count
    seen, reply = [], device.idle()
    for _ in range(10):
        seen.append(server.command(device, reply.uuid)["priority"])
        reply = device.acknowledge(reply.uuid)
    assert seen == [6] * 10
    server.pomona("queue", "clear", device.id)
    for concept, name in (("enrollment", "enrollment_find"), ("queue", "queue_next"), ("connect", "connect_delivery"),
                          ("push", "push_due"), ("await", "await_due")):  # fmt: skip
        steps = plan(server, concept, name).splitlines()
        assert [step for step in steps if "SCAN" in step and "USING INDEX" not in step] == [], name


def test_case_23_plists_as_they_come(server, device):
    """What is meant is taken where it is clear; where not, it is refused with a reason, and nothing is stored."""

    def token_update(keys):
        message = plistlib.dumps(device.message({"MessageType": "TokenUpdate", "Topic": device.topic})).replace(
            b"</dict>", keys + b"</dict>"
        )
        return device.send(message, path="/checkin", content_type=CHECKIN)

    def tally():
        return server.pomona_json("device", "show", device.id)["token_tally"]

    encoded = base64.b64encode(device.token)
    magic = b"<key>PushMagic</key><string>" + device.magic.encode() + b"</string>"
    taken = [
        b"<key>Token</key><data>\n\t" + encoded[:20] + b"\n\t  " + encoded[20:] + b"\r\n</data>",
        b"<key>Token</key><data>" + encoded.rstrip(b"=") + b"</data>",
        b"<key>Token</key>\n<!-- a comment -->\n<data>" + encoded + b"</data>",
    ]
    for keys in taken:
        assert token_update(magic + keys).status == 200
        assert server.value(f"SELECT hex(push_token) FROM enrollment WHERE id = {quote(device.id)}") == device.token.hex().upper()
    before = tally()
    refused = [
        b"<key>Token</key><data>not!base64</data>",
        b"<key>Token</key><data>" + encoded + b"</data><key>When</key><date>yesterday</date>",
        b"<key>Token</key><data>" + encoded + b"</data><key>N</key><integer>one</integer>",
        b"<key>Token</key><data>" + encoded + b"</data><key>UnlockToken</key><data>%%%</data>",
        b"<key>Token</key><string>" + encoded + b"</string>",
    ]
    for keys in refused:
        reply = token_update(magic + keys)
        assert reply.status == 400 and reply.body.strip(), keys
    assert tally() == before
    # White space inside a string is part of it, as it is in what comes back.
    name = "  Anna's\n iPhone "
    assert device.authenticate(DeviceName=name).status == 200
    assert server.device_row(device)["name"] == name
