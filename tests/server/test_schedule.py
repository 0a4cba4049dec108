"""Recurring commands: the worker queues them, each device at its own time, and never a second one while one waits.

Times are not waited for: a test moves the mark up to which a schedule has been served, as if the worker had been down.
"""

import itertools
import json

import pytest

from harness import wait_for
from harness.server import SqlError, quote

pytestmark = pytest.mark.nginx

names = itertools.count(1)


@pytest.fixture(scope="module")
def server(make_server):
    """With pomona-push and the APNs stand-in."""
    own = make_server(push=True)
    yield own
    own.stop()


@pytest.fixture(autouse=True)
def no_schedule(server):
    yield
    server.sql("DELETE FROM schedule")


@pytest.fixture
def device(server):
    new = server.enrolled()
    yield new
    new.close()


def add(server, request, *words, to="all"):
    name = f"s{next(names)}"
    server.pomona("schedule", "add", name, request, *words, "--every", "24h", "--to", to)
    return name


def shown(server, name):
    (schedule,) = [row for row in server.pomona_json("schedule", "list") if row["name"] == name]
    return schedule


def a_day_passes(server, name):
    """What has been was a day ago, and the worker has not looked since: all of the schedule's devices are due."""
    server.sqlite(
        "BEGIN IMMEDIATE; UPDATE enrollment SET enrolled_at = enrolled_at - 86400000;"
        "UPDATE delivery SET queued_at = queued_at - 86400000;"
        "UPDATE payload SET created_at = created_at - 86400000 WHERE schedule_no IS NOT NULL;"
        f"UPDATE schedule_rule SET done_to = done_to - 86400000, round = round - 1 WHERE name = {quote(name)}; COMMIT"
    )


def commands(server, channel, request):
    return server.sql(f"SELECT * FROM command WHERE device = {quote(channel.id)} AND request = {quote(request)}")


def queued(server, channel, request, count):
    return wait_for(lambda: len(found := commands(server, channel, request)) == count and found, f"{count} commands")


def looked_at(server, name):
    """The worker has been there again, after whatever the test has done: a schedule made now has been looked at."""
    server.sql("INSERT INTO schedule(name, every, request, target) VALUES ('mark', '366d', 'ProfileList', 'group:none')")
    wait_for(lambda: server.value("SELECT state FROM schedule WHERE name = 'mark'") == "invalid", "the worker to look")
    server.sql("DELETE FROM schedule WHERE name = 'mark'")
    return shown(server, name)


def test_each_interval_one_and_a_push(server, device):
    name = add(server, "SecurityInfo", to=device.id)
    before = len(server.pushes(device))
    a_day_passes(server, name)
    (first,) = queued(server, device, "SecurityInfo", 1)
    wait_for(lambda: len(server.pushes(device)) > before, "the push")
    # While it waits no other one comes, however long it waits.
    a_day_passes(server, name)
    assert looked_at(server, name)["queued"] == 1
    assert device.idle().uuid == first["uuid"]
    assert device.acknowledge(first["uuid"], SecurityInfo={"PasscodePresent": True}).uuid is None
    assert server.value(f"SELECT value FROM security_info WHERE device = {quote(device.id)}") == 1
    a_day_passes(server, name)
    assert {row["state"] for row in queued(server, device, "SecurityInfo", 2)} == {"acknowledged", "queued"}
    schedule = shown(server, name)
    assert (schedule["queued"], schedule["every"], schedule["state"]) == (2, 86400, "active")
    assert schedule["last_at"] is not None


def test_a_new_device_gets_its_first_soon(server):
    add(server, "SecurityInfo")
    add(server, "ProfileList", "ManagedOnly=true")
    new = server.enrolled()
    queued(server, new, "SecurityInfo", 1)
    queued(server, new, "ProfileList", 1)
    wait_for(lambda: server.pushes(new), "the push")
    replies = [new.idle()]
    replies.append(new.acknowledge(replies[0].uuid))
    assert new.acknowledge(replies[1].uuid).uuid is None
    assert {reply.request for reply in replies} == {"SecurityInfo", "ProfileList"}
    # So it does when it enrolls anew.
    new.enroll()
    queued(server, new, "SecurityInfo", 2)
    queued(server, new, "ProfileList", 2)
    new.close()


def test_a_group(server):
    server.pomona("group", "add", "old-phones", "--where", "os_version < '17' AND product LIKE 'iPhone%'")
    name = add(server, "SecurityInfo", to="group:old-phones")
    old = server.enrolled()
    young = server.enrolled()
    server.sqlite(
        f"UPDATE enrollment SET product = 'iPhone12,1', os_version = '16.7', os_major = 16 WHERE id = {quote(old.id)};"
        f"UPDATE enrollment SET product = 'iPhone15,2', os_version = '17.10', os_major = 17 WHERE id = {quote(young.id)}"
    )
    wait_for(lambda: server.sql("SELECT * FROM group_member WHERE name = 'old-phones'"), "the group to have members")
    a_day_passes(server, name)
    queued(server, old, "SecurityInfo", 1)
    a_day_passes(server, name)
    looked_at(server, name)
    assert commands(server, young, "SecurityInfo") == []
    # A group that is gone is told of.
    server.pomona("group", "remove", "old-phones")
    wait_for(lambda: shown(server, name)["state"] == "invalid", "the worker to miss the group")
    assert "old-phones" in shown(server, name)["reason"]
    old.close()
    young.close()


def test_sql(server, device):
    server.sql(
        "INSERT INTO schedule(name, every, request, args, target) "
        f"VALUES ('info', '12h', 'DeviceInformation', json_object('Queries', json_array('UDID', 7)), {quote(device.id)})"
    )
    wait_for(lambda: server.value("SELECT state FROM schedule") == "invalid", "the worker to look at it")
    assert "Queries[1]" in server.value("SELECT reason FROM schedule")
    assert "a schedule is not right" in server.logs()
    doctor = json.loads(server.pomona("doctor", "--json", "--ca", server.tls_ca, check=False).stdout)
    (found,) = [line for line in doctor if "the schedule info is not right" in json.dumps(line)]
    assert "Queries[1]" in json.dumps(found)
    server.sql("UPDATE schedule SET args = json_object('Queries', json_array('UDID')), every = '24h'")
    wait_for(lambda: server.value("SELECT state FROM schedule") == "active", "the worker to look at it again")
    a_day_passes(server, "info")
    (command,) = queued(server, device, "DeviceInformation", 1)
    assert json.loads(command["args"]) == {"Queries": ["UDID"]}
    server.sql("DELETE FROM schedule WHERE name = 'info'")
    assert commands(server, device, "DeviceInformation")[0]["state"] == "queued"
    with pytest.raises(SqlError, match="every is an interval"):
        server.sql("INSERT INTO schedule(name, every, request) VALUES ('info', 'often', 'ProfileList')")


def test_run_pause_resume_remove(server, device):
    name = add(server, "CertificateList", to=device.id)
    assert "queued for 1 device\n" in server.pomona("schedule", "run", name)
    assert server.pomona_json("schedule", "run", name) == {"queued": 0, "refused": 0}
    server.pomona("queue", "clear", device.id)
    server.pomona("schedule", "pause", name)
    assert shown(server, name)["state"] == "paused"
    a_day_passes(server, name)
    assert looked_at(server, name)["queued"] == 1
    server.pomona("schedule", "resume", name)
    assert shown(server, name)["state"] == "active"
    server.pomona("schedule", "remove", name)
    assert server.pomona_json("schedule", "list") == []


def test_the_audit_trail(server, device):
    """A row for each change, none for what the worker does."""
    last = server.value("SELECT COALESCE(max(id), 0) FROM audit")
    name = add(server, "InstalledApplicationList", "ManagedAppsOnly=true", to=device.id)
    a_day_passes(server, name)
    queued(server, device, "InstalledApplicationList", 1)
    server.pomona("schedule", "pause", name)
    server.pomona("schedule", "pause", name)
    server.sql(f"UPDATE schedule SET paused = 0 WHERE name = '{name}'")
    server.pomona("schedule", "remove", name)
    server.sql("INSERT INTO schedule(name, every, request) VALUES ('other', '1h', 'ProfileList')")
    server.sql("DELETE FROM schedule")
    rows = server.sql(f"SELECT * FROM audit WHERE id > {last} ORDER BY id")
    assert [(row["source"], row["action"], row["object"]) for row in rows] == [
        ("cli", "schedule_set", name), ("cli", "schedule_set", name), ("sql", "schedule_set", name),
        ("cli", "schedule_remove", name), ("sql", "schedule_set", "other"), ("sql", "schedule_remove", "other"),
    ]  # fmt: skip
    expected = {"every": 86400, "target": device.id, "request": "InstalledApplicationList", "keys": ["ManagedAppsOnly"]}
    details = [json.loads(row["detail"]) for row in rows if row["object"] == name and row["detail"]]
    assert details == [{**expected, "paused": paused} for paused in (False, True, False)]
    server.pomona("audit", "verify")


def test_wrong_words(server):
    name = add(server, "ProfileList")
    for words, code, message in [
        (["add", "x", "ProfileList"], 2, "how often?"),
        (["add", "x", "ProfileList", "--every", "24"], 2, "an interval like 30m"),
        (["add", "x", "ProfileList", "--every", "1s"], 1, "from 1 minute"),
        (["add", "x", "NoSuch", "--every", "24h"], 1, "unknown request NoSuch"),
        (["add", "x", "InstallProfile", "--every", "24h"], 1, "Payload is missing"),
        (["add", "x", "EraseDevice", "--every", "24h"], 1, "destroys data"),
        (["add", "x", "ProfileList", "--every", "24h", "--to", "nobody"], 1, "unknown device nobody"),
        (["add", "x", "ProfileList", "--every", "24h", "--to", "group:nobody"], 1, "nobody"),
        (["add", "x y", "ProfileList", "--every", "24h"], 1, "the name has"),
        (["add", name, "ProfileList", "--every", "24h"], 1, f"a schedule {name} already"),
        (["pause", "x"], 1, "no schedule x"),
        (["resume", "x"], 1, "no schedule x"),
        (["run", "x"], 1, "no schedule x"),
        (["remove", "x"], 1, "no schedule x"),
    ]:
        done = server.pomona("schedule", *words, check=False)
        assert done.returncode == code and message in done.stderr.decode(), (words, done.stderr)
    assert len(server.pomona_json("schedule", "list")) == 1


def test_a_worker_that_is_killed_neither_forgets_nor_repeats(server):
    """A day was missed: a fleet is served in portions; killed between them, it goes on."""
    server.sqlite(
        "INSERT INTO enrollment (id, kind, state, enrolled_at) "
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120) SELECT 'K' || i, 'device', 'enrolled', 1 FROM n"
    )
    name = add(server, "CertificateList")
    a_day_passes(server, name)
    count = "SELECT count(*) FROM command WHERE device GLOB 'K*' AND request = 'CertificateList'"
    wait_for(lambda: server.value(count) > 0, "the first of them")
    server.parts.pop("pomona-push").kill()
    assert server.value(count) < 120
    server.start_push()
    wait_for(lambda: server.value(count) == 120, "all of them")
    assert server.value(f"{count} GROUP BY device ORDER BY 1 DESC LIMIT 1") == 1
    server.sqlite("DELETE FROM delivery WHERE enrollment_no IN (SELECT no FROM enrollment WHERE id GLOB 'K*');"
                  "DELETE FROM enrollment WHERE id GLOB 'K*'")  # fmt: skip
