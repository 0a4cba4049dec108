"""A command's life: queued, sent, answered, and its other ends."""

import json
import os
import plistlib

import pytest

from harness import wait_for
from harness.device import new_uuid
from harness.process import REPOSITORY
from harness.server import quote


def drain(device, first=None):
    """Answers whatever comes; gives the UUIDs in their order."""
    reply = first or device.idle()
    seen = []
    while reply.uuid:
        seen.append(reply.uuid)
        assert len(seen) < 100
        reply = device.acknowledge(reply.uuid)
    assert reply.status == 200
    return seen


def test_queued_sent_acknowledged(server, device):
    uuid = server.queue(device, "SecurityInfo")
    row = server.command(device, uuid)
    assert (row["state"], row["sent_at"], row["ended_at"], row["not_now_count"]) == ("queued", None, None, 0)

    assert device.idle().uuid == uuid
    row = server.command(device, uuid)
    assert row["state"] == "sent" and row["sent_at"] and row["ended_at"] is None

    reply = device.acknowledge(uuid, SecurityInfo={"HardwareEncryptionCaps": 3})
    assert (reply.status, reply.body) == (200, b"")
    row = server.command(device, uuid)
    assert row["state"] == "acknowledged" and row["ended_at"] and row["reason"] is None
    assert server.sql(f"SELECT * FROM queue WHERE device = {quote(device.id)}") == []
    result = server.result(device, uuid)
    assert (result["request"], result["status"], result["error"]) == ("SecurityInfo", "Acknowledged", None)
    assert json.loads(result["response"])["SecurityInfo"] == {"HardwareEncryptionCaps": 3}


def test_first_in_first_out(server, device):
    uuids = [server.queue(device, request) for request in ("ProfileList", "SecurityInfo", "CertificateList", "ProfileList")]
    assert drain(device) == uuids


def test_priority_before_age(server, device):
    low = server.queue(device, "ProfileList", priority=-5)
    usual = [server.queue(device, "SecurityInfo") for _ in range(2)]
    high = server.queue(device, "CertificateList", priority=10)
    assert drain(device) == [high, *usual, low]


def test_a_command_stays_until_it_is_answered(server, device):
    first = server.queue(device, "ProfileList")
    server.queue(device, "SecurityInfo")
    assert [device.idle().uuid for _ in range(3)] == [first] * 3
    assert device.idle().body == device.idle().body


def test_a_command_on_its_way_is_not_overtaken(server, device):
    """What was sent and not answered comes again before anything else."""
    first = server.queue(device, "ProfileList")
    assert device.idle().uuid == first
    server.queue(device, "SecurityInfo", priority=100)
    assert device.idle().uuid == first


def test_the_next_command_comes_with_the_answer(server, device):
    first, second = (server.queue(device, "ProfileList") for _ in range(2))
    assert device.idle().uuid == first
    assert device.acknowledge(first).uuid == second


# ---- NotNow ----


def test_not_now_offers_others_in_the_same_connection(server, device):
    uuids = [server.queue(device, "ProfileList") for _ in range(3)]
    assert device.idle().uuid == uuids[0]
    assert device.not_now(uuids[0]).uuid == uuids[1]
    assert device.acknowledge(uuids[1]).uuid == uuids[2]
    reply = device.acknowledge(uuids[2])
    assert (reply.status, reply.body) == (200, b""), "the deferred one at once would loop"
    row = server.command(device, uuids[0])
    assert (row["state"], row["not_now_count"]) == ("not_now", 1)


def test_not_now_comes_again_on_the_next_idle_and_first(server, device):
    deferred = server.queue(device, "ProfileList")
    device.idle()
    assert device.not_now(deferred).body == b""
    server.queue(device, "SecurityInfo", priority=50)
    assert device.idle().uuid == deferred
    assert server.state(device, deferred) == "sent"
    device.not_now(deferred)
    assert server.command(device, deferred)["not_now_count"] == 2
    assert device.idle().uuid == deferred
    device.acknowledge(deferred)
    assert server.state(device, deferred) == "acknowledged"


def test_not_now_to_everything_ends_the_connection(server, device):
    uuids = [server.queue(device, "ProfileList") for _ in range(3)]
    reply = device.idle()
    seen = []
    while reply.uuid:
        seen.append(reply.uuid)
        reply = device.not_now(reply.uuid)
    assert seen == uuids


def test_answers_around_a_not_now(server, device):
    """NotNow A, Acknowledged B, Acknowledged A (a retry that came late): B is not sent again."""
    a, b = (server.queue(device, "ProfileList") for _ in range(2))
    device.idle()
    assert device.not_now(a).uuid == b
    assert device.acknowledge(b).body == b""
    assert device.acknowledge(a).body == b""
    assert [server.state(device, uuid) for uuid in (a, b)] == ["acknowledged"] * 2
    assert device.idle().body == b""


def test_not_now_is_no_answer(server, device):
    uuid = server.queue(device, "ProfileList")
    device.idle()
    device.not_now(uuid)
    assert server.sql(f"SELECT * FROM result WHERE uuid = {quote(uuid)}") == []


# ---- other answers ----


def test_error_with_its_chain(server, device):
    uuid, after = server.queue(device, "InstallProfile", {"Payload": "AAAA"}), server.queue(device, "ProfileList")
    device.idle()
    reply = device.error(uuid, (4001, "MCInstallationErrorDomain", "Profile Installation Failed"), (-1, "Inner", "why"))
    assert reply.uuid == after, "an error does not hold up what is behind it"
    row = server.command(device, uuid)
    assert row["state"] == "error" and row["ended_at"]
    assert "4001" in row["reason"] and "Profile Installation Failed" in row["reason"]
    result = server.result(device, uuid)
    assert result["status"] == "Error"
    chain = json.loads(result["error"])
    assert [entry["ErrorCode"] for entry in chain] == [4001, -1]
    assert chain[0]["ErrorDomain"] == "MCInstallationErrorDomain"


def test_error_without_a_chain(server, device):
    uuid = server.queue(device, "ProfileList")
    device.idle()
    assert device.report("Error", uuid).status == 200
    assert server.state(device, uuid) == "error"
    assert server.result(device, uuid)["error"] is None


def test_command_format_error(server, device):
    uuid, after = (server.queue(device, "ProfileList") for _ in range(2))
    device.idle()
    assert device.report("CommandFormatError", uuid).uuid == after
    assert server.state(device, uuid) == "format_error"
    assert server.result(device, uuid)["status"] == "CommandFormatError"
    assert device.idle().uuid == after


@pytest.mark.parametrize("again", ["Acknowledged", "Error", "CommandFormatError", "NotNow"])
def test_an_answer_that_repeats_changes_nothing(server, device, again):
    first, second, third = (server.queue(device, "ProfileList") for _ in range(3))
    device.idle()
    assert device.acknowledge(first, ProfileList=[{"PayloadIdentifier": "a"}]).uuid == second
    before = (server.command(device, first), server.result(device, first))
    reply = device.report(again, first, ProfileList=[{"PayloadIdentifier": "forged"}])
    assert reply.status == 200
    assert reply.uuid == second, "what was on its way comes again"
    assert (server.command(device, first), server.result(device, first)) == before
    assert server.state(device, third) == "queued"
    names = server.sql(f"SELECT identifier FROM installed_profile WHERE device = {quote(device.id)}")
    assert names == [{"identifier": "a"}]


@pytest.mark.parametrize("status", ["Acknowledged", "Error", "CommandFormatError", "NotNow"])
def test_unknown_uuids_change_nothing(server, device, status):
    waiting = server.queue(device, "ProfileList")
    before = server.sql(f"SELECT device, uuid, state FROM command WHERE device = {quote(device.id)}")
    for uuid in (new_uuid(), "no uuid at all", "x" * 200):
        reply = device.report(status, uuid)
        assert reply.status == 200 and reply.uuid in (waiting, None)
    after = server.sql(f"SELECT device, uuid FROM command WHERE device = {quote(device.id)}")
    assert after == [{"device": row["device"], "uuid": row["uuid"]} for row in before]
    assert server.sql(f"SELECT * FROM result WHERE device = {quote(device.id)}") == []
    assert "unknown command" in server.fcgi.output()


def test_an_answer_to_another_devices_command_is_unknown(server, device):
    other = server.enrolled()
    uuid = server.queue(other, "ProfileList")
    assert device.acknowledge(uuid).status == 200
    assert server.state(other, uuid) == "queued"
    assert server.sql(f"SELECT * FROM result WHERE uuid = {quote(uuid)}") == []


# ---- other ends ----


def test_cancelled(server, device):
    uuid, after = (server.queue(device, "ProfileList") for _ in range(2))
    server.sql(f"DELETE FROM queue WHERE uuid = {quote(uuid)}")
    row = server.command(device, uuid)
    assert row["state"] == "cancelled" and row["ended_at"]
    assert device.idle().uuid == after


def test_cancelled_while_on_its_way(server, device):
    """The device will answer all the same; the answer is kept, the end stays."""
    uuid, after = (server.queue(device, "ProfileList") for _ in range(2))
    device.idle()
    server.sql(f"DELETE FROM queue WHERE uuid = {quote(uuid)}")
    assert device.idle().uuid == after
    assert device.acknowledge(uuid).uuid == after
    assert server.state(device, uuid) == "cancelled"
    assert server.result(device, uuid)["status"] == "Acknowledged"


def test_expired_is_never_sent(server, device):
    gone = server.queue(device, "ProfileList", expires="2020-01-01T00:00:00Z", priority=9)
    later = server.queue(device, "SecurityInfo", expires="2099-01-01T00:00:00Z")
    assert device.idle().uuid == later
    assert server.command(device, gone)["sent_at"] is None


def test_expired_ends_as_such(push_server):
    """The worker keeps house."""
    device = push_server.enrolled()
    gone = push_server.queue(device, "ProfileList", expires="2020-01-01T00:00:00Z")
    wait_for(lambda: push_server.state(device, gone) == "expired", "the command to expire", 90)
    assert push_server.command(device, gone)["ended_at"]


def test_not_before(server, device):
    early = server.queue(device, "ProfileList", not_before="2099-01-01T00:00:00Z", priority=9)
    now = server.queue(device, "SecurityInfo", not_before="2020-01-01T00:00:00Z")
    assert drain(device) == [now]
    assert server.state(device, early) == "queued"
    server.sql(f"UPDATE queue SET not_before = NULL WHERE uuid = {quote(early)}")
    assert device.idle().uuid == early


def test_re_enrollment_clears(server, device):
    users = [device.mac_user("anna"), device.shared_ipad_user("bea")]
    for user in users:
        user.token_update()
    waiting = [(channel, server.queue(channel, "RemoveProfile", {"Identifier": "com.example"})) for channel in (device, *users)]
    device.idle()
    deferred = server.queue(device, "ProfileList")
    assert device.authenticate().status == 200
    for channel, uuid in (*waiting, (device, deferred)):
        row = server.command(channel, uuid)
        assert row["state"] == "cleared" and row["ended_at"]
    assert device.token_update().status == 200
    assert device.idle().body == b""


def test_a_late_answer_after_re_enrollment(server, device):
    uuid = server.queue(device, "ProfileList")
    device.idle()
    device.enroll()
    fresh = server.queue(device, "SecurityInfo")
    assert device.acknowledge(uuid).uuid == fresh
    assert server.state(device, uuid) == "cleared"


def test_re_enrollment_starts_the_tally_anew(server, device):
    def tally():
        return server.value(f"SELECT token_tally FROM enrollment WHERE id = {quote(device.id)}")

    assert tally() == 1
    device.token_update()
    assert tally() == 2
    device.enroll()
    assert tally() == 1


def test_token_update_clears_nothing(server, device):
    """It comes with every new token, and after a certificate renewal."""
    uuid = server.queue(device, "ProfileList")
    device.token_update()
    assert device.idle().uuid == uuid


def test_what_cannot_be_built_is_invalid_and_blocks_nothing(server, device):
    """ClearPasscode of a device that never gave an UnlockToken."""
    broken = server.queue(device, "ClearPasscode")
    after = server.queue(device, "ProfileList")
    assert device.idle().uuid == after
    row = server.command(device, broken)
    assert row["state"] == "invalid" and row["ended_at"] and "UnlockToken" in row["reason"]
    event = server.row(f"SELECT * FROM event WHERE kind = 'command_invalid' AND device = {quote(device.id)}")
    assert json.loads(event["detail"])["uuid"] == broken


def test_what_a_trigger_cannot_see_is_invalid_and_blocks_nothing(server, device):
    """A wrong value deep inside: the check is made when the command is built."""
    args = {"confirm": device.id, "ReturnToService": {"Enabled": "yes, please"}}
    broken = server.queue(device, "EraseDevice", args)
    after = server.queue(device, "ProfileList")
    assert device.idle().uuid == after
    row = server.command(device, broken)
    assert row["state"] == "invalid" and "ReturnToService.Enabled" in row["reason"]


def test_user_channels_have_queues_of_their_own(server, device):
    user = device.mac_user()
    user.token_update()
    for_user, for_device = server.queue(user, "ProfileList"), server.queue(device, "ProfileList")
    assert user.idle().uuid == for_user
    assert device.idle().uuid == for_device
    assert user.acknowledge(for_device).status == 200
    assert server.state(device, for_device) == "sent"
    assert user.acknowledge(for_user).body == b""


def test_history_does_not_slow_down_the_next_command(server, device):
    """The statement that is asked at every Idle finds its row by an index of what is open, and sorts nothing."""
    with open(os.path.join(REPOSITORY, "sql", "queue.sql")) as file:
        statement = file.read().split("-- name: queue_next\n")[1].split(";")[0]
    plan = server.sqlite("EXPLAIN QUERY PLAN " + statement + ";")
    assert "INDEX delivery_open" in plan, plan
    assert "SCAN" not in plan and "TEMP B-TREE" not in plan, plan


def test_replies_are_plists_that_others_read(server, device):
    """plistlib has read every reply here; the shell's own tool agrees on one."""
    server.queue(device, "DeviceLock", {"Message": "Zoë \U0001f34e <&>\"'", "PIN": "123456"})
    body = device.idle().body
    assert plistlib.loads(body)["Command"]["Message"] == "Zoë \U0001f34e <&>\"'"
    assert body.count(b"\t<key>") >= 2


def test_all_deferred_commands_are_eligible_again(server, device):
    """Not one of them per session."""
    uuids = [server.queue(device, request) for request in ("ProfileList", "SecurityInfo", "CertificateList", "Restrictions")]
    reply = device.idle()
    while reply.uuid:
        reply = device.not_now(reply.uuid)
    assert drain(device) == uuids
    assert server.sql(f"SELECT * FROM queue WHERE device = {quote(device.id)}") == []
