"""What has been kept long enough goes, while devices come and go; what is needed stays."""

import pytest

from harness import wait_for
from harness.process import SANITIZER
from harness.server import SqlError, quote

pytestmark = pytest.mark.nginx

OLD = "CAST(strftime('%s', 'now', '-400 days') AS INTEGER) * 1000"
OLD_COMMANDS = 300 if SANITIZER else 5000
APPS = {"InstalledApplicationList": [{"Identifier": "com.example.a", "Name": "A"}, {"Identifier": "com.example.b"}]}


@pytest.fixture
def server(make_server):
    """Its worker is started by the test: it looks at once, then each minute."""
    own = make_server(push=True)
    own.parts.pop("pomona-push").stop()
    own.parts.pop("apns").stop()
    yield own
    own.stop()


def answered(server, device, request, **keys):
    uuid = server.queue(device, request)
    assert device.idle().uuid == uuid
    assert device.acknowledge(uuid, **keys).status == 200
    return uuid


def age(server):
    """All that is there happened 400 days ago."""
    server.sqlite(
        f"UPDATE payload SET created_at = {OLD}; UPDATE delivery SET queued_at = {OLD};"
        f"UPDATE delivery SET ended_at = {OLD} WHERE ended_at IS NOT NULL;"
        f"UPDATE answer SET received_at = {OLD}; UPDATE event_log SET at = {OLD};"
    )


def commands(server):
    return {row["uuid"] for row in server.sql("SELECT uuid FROM command")}


def passes(server):
    """What the worker tells of the passes in which something has gone."""
    with open(server.path("pomona-push.log")) as log:
        return [line for line in log if "kept long enough" in line]


def start_worker(server, gone):
    """Waits for the pass it begins with, in which so many commands have gone (and some events)."""
    before = len(passes(server))
    server.start_push()
    wait_for(lambda: len(passes(server)) > before, "the worker to have removed what is old")
    assert f"commands={gone} " in passes(server)[-1]


def test_the_old_goes(server):
    """Its answer and its payload too; what is open, what is young and what the views show stays."""
    device = server.enrolled()
    old = answered(server, device, "InstalledApplicationList", **APPS)
    cancelled = server.queue(device, "ProfileList")
    server.sql(f"DELETE FROM queue WHERE uuid = {quote(cancelled)}")
    waits = server.queue(device, "SecurityInfo")
    age(server)
    young = server.queue(device, "CertificateList")
    apps = server.sql("SELECT * FROM installed_app ORDER BY identifier")
    assert [app["identifier"] for app in apps] == ["com.example.a", "com.example.b"]
    assert commands(server) == {old, cancelled, waits, young}

    newest = server.value("SELECT max(id) FROM event")
    start_worker(server, 2)

    assert commands(server) == {waits, young}
    assert server.sql("SELECT * FROM result") == []
    assert server.value("SELECT count(*) FROM payload") == 2
    assert server.value("SELECT count(*) FROM answer") == 0
    assert server.value("SELECT id FROM event") == newest
    assert server.sql("SELECT * FROM installed_app ORDER BY identifier") == apps
    # The device gets what waits; what it says of a command that is gone is taken and changes nothing.
    assert device.idle().uuid == waits
    assert device.acknowledge(old, **APPS).status == 200
    assert device.acknowledge(waits).status == 200
    assert server.sql("SELECT * FROM installed_app ORDER BY identifier") == apps
    # A new answer takes the place of the one that is gone.
    assert device.acknowledge(young).status == 200
    answered(server, device, "InstalledApplicationList", InstalledApplicationList=[{"Identifier": "com.example.c"}])
    assert [row["identifier"] for row in server.sql("SELECT identifier FROM installed_app")] == ["com.example.c"]
    device.close()


def test_devices_are_served_meanwhile(server):
    """One device comes again and again while the worker clears away what others have left."""
    device, other = server.enrolled(), server.enrolled()
    server.sqlite(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {OLD_COMMANDS}) "
        f"INSERT INTO payload(uuid, request, origin, created_at) SELECT 'OLD-' || i, 'ProfileList', 'cli', {OLD} FROM n;"
        "INSERT INTO delivery(enrollment_no, payload_no, state, queued_at, ended_at) "
        f"SELECT (SELECT no FROM enrollment WHERE id = {quote(other.id)}), no, 'acknowledged', {OLD}, {OLD} FROM payload;"
        "INSERT INTO answer(enrollment_no, payload_no, status, received_at, response, raw) "
        "SELECT enrollment_no, payload_no, 'Acknowledged', ended_at, '{}', zeroblob(2000) FROM delivery;"
    )
    server.start_push()
    served = set()
    while not passes(server):
        uuid = server.queue(device, "ProfileList")
        reply = device.idle()
        assert (reply.status, reply.uuid) == (200, uuid)
        assert device.acknowledge(uuid, ProfileList=[{"PayloadIdentifier": uuid}]).status == 200
        served.add(uuid)
        assert len(served) < 10000
    assert len(served) >= 2
    assert commands(server) == served
    assert server.value("SELECT count(*) FROM result") == len(served)
    assert f"commands={OLD_COMMANDS} " in passes(server)[0]
    assert "level=error" not in server.logs()
    device.close()
    other.close()


def test_what_is_set_counts(server):
    device = server.enrolled()
    first = answered(server, device, "ProfileList")
    age(server)
    server.pomona("setting", "set", "keep_results", "forever")
    server.sql("INSERT INTO setting(name, value) VALUES ('keep_events', 399)")
    assert server.pomona("setting", "get", "keep_events").strip() == "399"
    start_worker(server, 0)
    server.parts.pop("pomona-push").stop()
    assert commands(server) == {first}
    server.sql("UPDATE setting SET value = '401' WHERE name = 'keep_results'")
    age(server)
    start_worker(server, 0)
    server.parts.pop("pomona-push").stop()
    assert commands(server) == {first}
    # Back to the default.
    server.sql("DELETE FROM setting WHERE name = 'keep_results'")
    age(server)
    start_worker(server, 1)
    assert commands(server) == set()
    device.close()


@pytest.mark.parametrize("name", ["keep_results", "keep_events"])
@pytest.mark.parametrize("value", ["0", "-1", "36501", "1.5", "a year", ""])
def test_values_that_cannot_be(own_server, name, value):
    message = f"{name} {{}} a whole number of days from 1 to 36500, or forever"
    with pytest.raises(SqlError, match=message.format("is")):
        own_server.sql(f"INSERT INTO setting(name, value) VALUES ('{name}', '{value}')")
    done = own_server.pomona("setting", "set", "--", name, value, check=False)
    assert done.returncode == 1 and message.format("must be") in done.stderr.decode()
    assert own_server.sql(f"SELECT * FROM setting WHERE name = '{name}'") == []
