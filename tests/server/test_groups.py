"""Groups: named lists of devices, and devices found by a condition over what is known of them."""

import json

import pytest

from harness import wait_for
from harness.server import SqlError, quote

pytestmark = pytest.mark.nginx

FLEET = {
    "old-pad": {"OSVersion": "16.7.10", "ProductName": "iPad13,4", "ModelName": "iPad"},
    "new-pad": {"OSVersion": "17.10", "ProductName": "iPad13,4", "ModelName": "iPad"},
    "phone": {"OSVersion": "17.9.1", "ProductName": "iPhone14,7"},
}


@pytest.fixture(scope="module")
def fleet(push_server):
    """Three devices by their names, in a server with a worker."""
    devices = {}
    for name, keys in FLEET.items():
        device = push_server.new_device()
        assert device.authenticate(DeviceName=name, **keys).status == 200
        assert device.token_update().status == 200
        devices[name] = device
    yield devices
    for device in devices.values():
        device.close()


@pytest.fixture(autouse=True)
def without_groups(push_server):
    """Each test begins with no group, and nothing in the queue."""
    push_server.sql("DELETE FROM device_group; DELETE FROM queue")


def ids(fleet, *names):
    return sorted(fleet[name].id for name in names)


def in_sql(server, group):
    return sorted(row["device"] for row in server.sql(f"SELECT device FROM group_member WHERE name = {quote(group)}"))


def members(server, group):
    return sorted(row["id"] for row in server.pomona_json("group", "members", group))


def queued(server, request):
    return sorted(row["device"] for row in server.sql(f"SELECT device FROM queue WHERE request = {quote(request)}"))


def refused(server, *args):
    done = server.pomona(*args, check=False)
    assert done.returncode != 0
    return done.stderr.decode()


# ---- on the command line ----


def test_a_list(push_server, fleet):
    server = push_server
    assert server.pomona("group", "add", "mine") == ""
    assert members(server, "mine") == []
    server.pomona("group", "add-member", "mine", fleet["phone"].id, fleet["old-pad"].id)
    assert members(server, "mine") == in_sql(server, "mine") == ids(fleet, "phone", "old-pad")

    # One that is unknown does not keep the others away.
    done = server.pomona("group", "add-member", "mine", "NOBODY", fleet["new-pad"].id, "--json", check=False)
    assert done.returncode == 1 and b"unknown device NOBODY" in done.stderr
    assert json.loads(done.stdout)["status"] == {"NOBODY": {"error": "unknown device NOBODY"}, fleet["new-pad"].id: {}}
    assert len(members(server, "mine")) == 3

    # A group's members into another one, and out again.
    server.pomona("group", "add", "copy")
    server.pomona("group", "add-member", "copy", "group:mine")
    server.pomona("group", "remove-member", "copy", fleet["phone"].id)
    assert members(server, "copy") == ids(fleet, "new-pad", "old-pad")
    assert [row["name"] for row in server.pomona_json("group", "list")] == ["copy", "mine"]
    assert server.pomona_json("group", "show", "copy")["members"] == 2
    server.pomona("group", "remove", "copy")
    assert [row["name"] for row in server.pomona_json("group", "list")] == ["mine"]
    assert "there is no group" in refused(server, "group", "members", "copy")


def test_a_condition(push_server, fleet):
    server = push_server
    server.pomona("group", "add", "pads", "--where", "os_version < '17.2' AND product LIKE 'ipad%'")
    # At once, for SQL as well.
    assert members(server, "pads") == in_sql(server, "pads") == ids(fleet, "old-pad")
    server.pomona("group", "change", "pads", "--where", "os_version > 17.9.0")
    assert members(server, "pads") == in_sql(server, "pads") == ids(fleet, "new-pad", "phone")
    row = server.pomona_json("group", "show", "pads")
    assert (row["condition"], row["members"], row["ready"], row["problem"]) == ("os_version > 17.9.0", 2, True, None)
    assert fleet["phone"].id in server.pomona("device", "list", "--group", "pads")
    assert server.pomona_json("device", "list", "--group", "pads", "--state", "blocked") == []
    assert len(server.pomona_json("device", "list", "--group", "pads", "--limit", "1")) == 1


@pytest.mark.parametrize(
    "args, message",
    [
        (["add", "x", "--where", "os_version < '17' AND"], "at 22: a column is wanted, not the end"),
        (["add", "x", "--where", "push_magic = 'x'"], "at 1: there is no column push_magic"),
        (["add", "x", "--where", "id = ''; DELETE FROM payload"], "at 8: unexpected ;"),
        (["add", "x", "--where", ""], "at 1: a column is wanted, not the end"),
        (["add", "two words"], "is no name of a group"),
        (["add", "list"], 'there is a group "list" already'),
        (["change", "list", "--where", "os_major = 17"], 'the group "list" is a list'),
        (["change", "none", "--where", "os_major = 17"], 'there is no group "none"'),
        (["change", "list"], "which condition?"),
        (["add-member", "found", "X"], 'the members of "found" are found by its condition'),
        (["add-member", "none", "X"], 'there is no group "none"'),
        (["show", "none"], 'there is no group "none"'),
        (["remove", "none"], 'there is no group "none"'),
    ],
)
def test_refused(push_server, args, message):
    push_server.sql("INSERT INTO device_group(name, condition) VALUES ('list', NULL), ('found', 'os_major = 17')")
    assert message in refused(push_server, "group", *args)
    assert push_server.value("SELECT COUNT(*) FROM device_group") == 2


# ---- wherever an id is ----


def test_queue_and_cancel(push_server, fleet):
    server = push_server
    server.pomona("group", "add", "seventeen", "--where", "os_major = 17")
    done = server.pomona_json("queue", "add", "group:seventeen", fleet["phone"].id, "SecurityInfo")
    assert sorted(done["status"]) == queued(server, "SecurityInfo") == ids(fleet, "new-pad", "phone")

    # An id that is unknown is its own failure.
    failed = server.pomona("queue", "add", "NOBODY", "group:seventeen", "ProfileList", check=False)
    assert failed.returncode == 1 and b"unknown device NOBODY" in failed.stderr
    assert queued(server, "ProfileList") == ids(fleet, "new-pad", "phone")

    # Lists, with one limit for all of them.
    assert len(server.pomona_json("queue", "list", "group:seventeen")) == 4
    assert len(server.pomona_json("queue", "list", "group:seventeen", "--limit", "3")) == 3
    assert len(server.pomona_json("queue", "list", "group:seventeen", "--limit", "1")) == 1
    assert server.pomona_json("queue", "list", fleet["old-pad"].id) == []

    server.pomona("group", "add", "phones", "--where", "product LIKE 'iPhone%'")
    assert server.pomona_json("queue", "cancel", done["command_uuid"], "group:phones") == {"cancelled": 1}
    assert queued(server, "SecurityInfo") == ids(fleet, "new-pad")
    assert server.pomona_json("queue", "clear", "group:seventeen") == {"cancelled": 3}
    assert "there is no open command" in refused(server, "queue", "cancel", done["command_uuid"], "group:phones")


def test_nobody(push_server):
    server = push_server
    server.pomona("group", "add", "none")
    for args in (["queue", "add", "group:none", "SecurityInfo"], ["push", "group:none"], ["queue", "clear", "group:none"]):
        assert "there is nobody in group:none" in refused(server, *args)
        assert 'there is no group "no-such"' in refused(server, *[arg.replace("none", "no-such") for arg in args])
    assert server.value("SELECT COUNT(*) FROM queue") == 0


def test_a_group_is_not_erased(push_server, fleet):
    server = push_server
    server.pomona("group", "add", "phones", "--where", "product LIKE 'iPhone%'")
    message = refused(server, "queue", "add", "group:phones", "EraseDevice", "confirm=group:phones")
    assert "it goes to one device at a time" in message
    assert queued(server, "EraseDevice") == []


def test_push(push_server, fleet):
    server = push_server
    server.pomona("group", "add", "pads", "--where", "product LIKE 'iPad%'")
    before = {name: len(server.pushes(fleet[name])) for name in fleet}
    done = server.pomona_json("push", "group:pads")
    assert sorted(done["status"]) == ids(fleet, "new-pad", "old-pad")
    wait_for(lambda: all(len(server.pushes(fleet[name])) > before[name] for name in ("new-pad", "old-pad")))
    assert len(server.pushes(fleet["phone"])) == before["phone"]


# ---- in SQL ----


def test_in_sql(push_server, fleet):
    """The worker finds the members, and keeps up with what changes."""
    server = push_server
    phone = fleet["phone"]
    server.sqlite("INSERT INTO device_group(name, condition) VALUES ('nine', 'os_version < ''17.10''');")
    wait_for(lambda: in_sql(server, "nine") == ids(fleet, "old-pad", "phone"))
    server.sqlite("INSERT INTO queue(device, request) SELECT device, 'SecurityInfo' FROM group_member WHERE name = 'nine';")
    assert queued(server, "SecurityInfo") == ids(fleet, "old-pad", "phone")
    assert server.value("SELECT COUNT(DISTINCT uuid) FROM queue") == 1

    # It tells of an update.
    uuid = server.queue(phone, "DeviceInformation", {"Queries": ["OSVersion"]}, priority=9)
    assert phone.idle().uuid == uuid
    assert phone.acknowledge(uuid, QueryResponses={"OSVersion": "17.10.1"}).status == 200
    assert server.device_row(phone)["os_version"] == "17.10.1"
    assert members(server, "nine") == ids(fleet, "old-pad")
    wait_for(lambda: in_sql(server, "nine") == ids(fleet, "old-pad"))

    server.pomona("group", "add", "phones", "--where", "product LIKE 'iPhone%'")
    assert [row["uuid"] for row in server.pomona_json("result", "list", "group:phones")] == [uuid]
    assert server.pomona_json("result", "list", "group:nine") == []

    # Another one comes.
    server.pomona("group", "add", "new", "--where", "os_major = 26")
    device = server.new_device()
    assert device.authenticate(OSVersion="26.1").status == 200
    assert members(server, "new") == []
    assert device.token_update().status == 200
    wait_for(lambda: in_sql(server, "new") == [device.id])
    assert device.check_out().status == 200
    wait_for(lambda: in_sql(server, "new") == [])
    device.close()


def test_a_wrong_condition_in_sql(push_server, fleet):
    server = push_server
    server.sqlite("INSERT INTO device_group(name, condition) VALUES ('wrong', 'os_version >'), ('right', 'os_major = 16');")
    wait_for(lambda: server.value("SELECT COUNT(*) FROM device_group WHERE ready = 1") == 2)
    problem = server.value("SELECT problem FROM device_group WHERE name = 'wrong'")
    assert problem == "at 13: os_version wants a version like '17.4', not the end"
    assert problem in server.pomona("group", "show", "wrong")
    assert in_sql(server, "wrong") == [] and in_sql(server, "right") == ids(fleet, "old-pad")
    assert problem in refused(server, "queue", "add", "group:wrong", "SecurityInfo")
    lines = json.loads(server.pomona("doctor", "--json", "--ca", server.tls_ca, check=False).stdout)
    (line,) = [line for line in lines if line["check"] == "groups"]
    assert line["state"] == "warning" and f"the group wrong is wrong: {problem}" in str(line)
    server.sqlite("UPDATE device_group SET condition = 'os_major = 17' WHERE name = 'wrong';")
    wait_for(lambda: len(in_sql(server, "wrong")) == 2)
    assert server.value("SELECT problem FROM device_group WHERE name = 'wrong'") is None


def test_lists_in_sql(push_server, fleet):
    server = push_server
    server.sqlite("INSERT INTO device_group(name) VALUES ('mine');")
    server.sqlite("INSERT INTO group_member(name, device) SELECT 'mine', id FROM device WHERE product LIKE 'iPad%';")
    assert members(server, "mine") == in_sql(server, "mine") == ids(fleet, "new-pad", "old-pad")
    server.sqlite(f"DELETE FROM group_member WHERE name = 'mine' AND device = {quote(fleet['old-pad'].id)};")
    assert members(server, "mine") == ids(fleet, "new-pad")
    with pytest.raises(SqlError, match="group_member: unknown device"):
        server.sqlite("INSERT INTO group_member(name, device) VALUES ('mine', 'NOBODY');")


# ---- who did it ----


def trail(server, group):
    """What the audit trail tells of a group, oldest first."""
    rows = server.sql(f"SELECT source, action, device, detail FROM audit WHERE object = {quote(group)} ORDER BY id")
    return [(row["source"], row["action"], row["device"], json.loads(row["detail"])) for row in rows]


def test_trail(push_server, fleet):
    server = push_server
    phone, pads = fleet["phone"].id, ids(fleet, "new-pad", "old-pad")
    server.pomona("group", "add", "trail", "--where", "os_major = 17")
    server.pomona("group", "change", "trail", "--where", "os_major = 16")
    server.pomona("group", "remove", "trail")
    server.sqlite("INSERT INTO device_group(name) VALUES ('trail');")
    server.sqlite("INSERT INTO group_member SELECT 'trail', id FROM device WHERE product LIKE 'iPad%' ORDER BY id;")
    server.pomona("group", "add-member", "trail", phone, "NOBODY", check=False)
    server.pomona("group", "remove-member", "trail", phone)
    server.sqlite("DELETE FROM group_member WHERE name = 'trail';")
    server.sqlite("UPDATE device_group SET condition = 'os_major = 1' WHERE name = 'trail';")
    server.sqlite("DELETE FROM device_group WHERE name = 'trail';")
    rows = trail(server, "trail")
    assert rows[:6] == [
        ("cli", "group_set", None, {"condition": "os_major = 17"}),
        ("cli", "group_set", None, {"condition": "os_major = 16", "before": "os_major = 17"}),
        ("cli", "group_remove", None, {"condition": "os_major = 16"}),
        ("sql", "group_set", None, {}),
        ("sql", "group_set", pads[0], {"added": [pads[0]]}),
        ("cli", "group_set", phone, {"added": [phone]}),
    ]
    assert rows[6] == ("cli", "group_set", phone, {"removed": [phone]})
    assert rows[7][:2] == ("sql", "group_set") and rows[7][3]["removed"][0] in pads
    assert rows[8:] == [
        ("sql", "group_set", None, {"condition": "os_major = 1"}),
        ("sql", "group_remove", None, {"condition": "os_major = 1"}),
    ]
    server.pomona("audit", "verify")

    # A command names the group as it was given.
    server.pomona("group", "add", "pads", "--where", "product LIKE 'iPad%'")
    uuid = server.pomona_json("queue", "add", "group:pads", "SecurityInfo")["command_uuid"]
    (row,) = trail(server, uuid)
    assert row[:3] == ("cli", "queue_add", None) and row[3]["for"] == ["group:pads"]


def test_columns(push_server):
    for view, columns in {
        "device_group": ["name", "condition", "problem", "ready", "members", "created_at", "changed_at"],
        "group_member": ["name", "device"],
    }.items():
        assert [row["name"] for row in push_server.sql(f"PRAGMA table_info({view})")] == columns
