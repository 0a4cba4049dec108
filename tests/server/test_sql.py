"""The SQL interface, in the sqlite3 shell as an operator uses it."""

import json
import re
import sqlite3

import pytest

from harness.server import SqlError, quote

pytestmark = pytest.mark.nginx

UUID = re.compile(r"^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$")
ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

QUEUE = ["device", "request", "args", "priority", "not_before", "expires", "uuid", "state", "created_at", "age", "setup"]
VIEWS = {
    "queue": [*QUEUE, "plist"],
    "command": [*QUEUE[:-1], "sent_at", "ended_at", "not_now_count", "reason", "setup"],
    "setup_command": ["id", "channel", "position", "request", "args"],
    "result": ["device", "uuid", "request", "status", "received_at", "response", "error", "errors"],
    "result_error": [
        "device", "uuid", "request", "received_at", "chain", "link", "domain", "code", "description", "localized", "meaning",
        "advice",
    ],
    "error_meaning": ["domain", "request", "code", "meaning", "advice"],
    "escrowed_secret": ["device", "kind", "since", "replaced_at", "before_enrollment"],
    "device_info_history": ["device", "name", "old", "new", "at"],
    "security_info_history": ["device", "name", "old", "new", "at"],
    "device": [
        "id", "device_id", "kind", "udid", "serial", "name", "model", "product", "os_version", "os_major", "build",
        "topic", "state", "push_state", "enrolled_at", "last_seen", "user_id", "user_short_name",
        "user_long_name", "not_on_console", "awaiting", "await_until", "model_name", "supervised", "enrolled_via_dep",
        "user_approved",
    ],
    "token_service": ["type", "method", "url", "issuer", "changed_at"],
    "declaration_status": ["device", "received_at", "report"],
    "declaration": ["device", "kind", "identifier", "active", "valid", "server_token", "reasons", "seen_at"],
    "schedule": [
        "name", "every", "target", "request", "args", "paused", "state", "reason", "queued", "last_at", "created_at",
        "changed_at",
    ],
}  # fmt: skip
FACTS = [
    "installed_app", "installed_profile", "installed_provisioning_profile", "installed_certificate", "device_info",
    "security_info", "restriction", "profile_restriction", "managed_app", "managed_app_attribute", "managed_app_configuration",
    "managed_app_feedback", "managed_media", "device_user", "available_os_update", "os_update_status", "active_extension",
    "extension_mapping",
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_views_keep_their_columns(server, view):
    columns = [row["name"] for row in server.sql(f"PRAGMA table_info({view})")]
    assert columns == VIEWS[view]


@pytest.mark.parametrize("view", FACTS)
def test_views_of_facts(server, view):
    columns = [row["name"] for row in server.sql(f"PRAGMA table_info({view})")]
    assert columns[0] == "device" and columns[-2:] == ["seen_at", "stale"]


def test_event_and_setting(server, device):
    assert server.row(f"SELECT * FROM event WHERE device = {quote(device.id)} AND kind = 'authenticate'")
    assert server.value("SELECT value FROM setting WHERE name = 'organization'") == "Pomona Tests"


# ---- the examples of the design ----


def test_insert(server, device):
    server.sqlite(f"INSERT INTO queue(device, request) VALUES ('{device.id}', 'DeviceInformation');")
    row = server.row(f"SELECT * FROM queue WHERE device = {quote(device.id)}")
    assert UUID.match(row["uuid"]) and ISO.match(row["created_at"])
    assert (row["request"], row["args"], row["priority"], row["state"]) == ("DeviceInformation", None, 0, "queued")
    assert 0 <= row["age"] < 60
    assert device.idle().uuid == row["uuid"]


def test_insert_with_args(server, device):
    server.sqlite(
        f"INSERT INTO queue(device, request, args) VALUES ('{device.id}', 'DeviceLock', json_object('Message','Call IT'));"
    )
    assert device.idle().command["Command"] == {"RequestType": "DeviceLock", "Message": "Call IT"}


def test_insert_select(server):
    old, new = server.new_device(), server.new_device()
    for device, version in ((old, "15.7"), (new, "17.0")):
        device.authenticate(OSVersion=version)
        device.token_update()
    server.sqlite(
        "INSERT INTO queue(device, request) SELECT id, 'SecurityInfo' FROM device "
        f"WHERE os_major < 17 AND id IN ('{old.id}', '{new.id}');"
    )
    assert old.idle().request == "SecurityInfo"
    assert new.idle().body == b""


def test_delete_cancels(server, device):
    uuid = server.queue(device, "ProfileList")
    server.sqlite(f"DELETE FROM queue WHERE uuid = '{uuid}';")
    assert device.idle().body == b""
    assert server.state(device, uuid) == "cancelled"


def test_select_queue_and_result(server, device):
    uuid = server.queue(device, "ProfileList")
    (row,) = server.sql(f"SELECT device, request, state, age FROM queue WHERE device = '{device.id}';")
    assert (row["device"], row["request"], row["state"]) == (device.id, "ProfileList", "queued")
    device.idle()
    device.acknowledge(uuid, ProfileList=[])
    (row,) = server.sql(f"SELECT device, request, status, response FROM result WHERE device = '{device.id}';")
    assert (row["device"], row["request"], row["status"]) == (device.id, "ProfileList", "Acknowledged")
    assert json.loads(row["response"])["ProfileList"] == []


# ---- one statement, many devices ----


def test_one_statement_stores_one_payload(server):
    devices = [server.enrolled() for _ in range(3)]
    ids = ", ".join(quote(device.id) for device in devices)
    args = json.dumps({"Payload": "QUJD" * 1000})
    server.sql(
        f"INSERT INTO queue(device, request, args) SELECT id, 'InstallProfile', {quote(args)} FROM device WHERE id IN ({ids})"
    )
    rows = server.sql(f"SELECT device, uuid FROM queue WHERE device IN ({ids})")
    assert len(rows) == 3
    (uuid,) = {row["uuid"] for row in rows}
    assert server.value(f"SELECT count(*) AS n FROM payload WHERE uuid = '{uuid}'") == 1
    for device in devices:
        assert device.idle().uuid == uuid
    # Each answers for itself.
    devices[0].acknowledge(uuid)
    assert [server.state(device, uuid) for device in devices] == ["acknowledged", "sent", "sent"]
    server.sql(f"DELETE FROM queue WHERE uuid = '{uuid}' AND device = {quote(devices[1].id)}")
    assert [server.state(device, uuid) for device in devices] == ["acknowledged", "cancelled", "sent"]


def test_the_same_again_for_the_same_device_is_a_command_of_its_own(server, device):
    row = f"({quote(device.id)}, 'ProfileList')"
    server.sql(f"INSERT INTO queue(device, request) VALUES {row}, {row}, {row}")
    uuids = {row["uuid"] for row in server.sql(f"SELECT uuid FROM queue WHERE device = {quote(device.id)}")}
    assert len(uuids) == 3


def test_a_statement_of_two_kinds(server):
    first, second = server.enrolled(), server.enrolled()
    server.sql(
        "INSERT INTO queue(device, request, args) VALUES "
        f"('{first.id}', 'DeviceLock', '{{\"Message\":\"a\"}}'), ('{second.id}', 'DeviceLock', '{{\"Message\":\"b\"}}')"
    )
    assert first.idle().command["Command"]["Message"] == "a"
    assert second.idle().command["Command"]["Message"] == "b"


def test_a_statement_that_fails_queues_nothing(server, device):
    with pytest.raises(SqlError):
        server.sql(f"INSERT INTO queue(device, request) VALUES ('{device.id}', 'ProfileList'), ('nobody', 'ProfileList')")
    assert server.sql(f"SELECT * FROM queue WHERE device = {quote(device.id)}") == []


def test_many_at_once(own_server):
    """A statement over ten thousand enrollments takes no more than moments, and one payload."""
    own_server.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
        "INSERT INTO enrollment (id, kind, state) SELECT 'many-' || i, 'device', 'enrolled' FROM n"
    )
    own_server.sql("INSERT INTO queue(device, request) SELECT id, 'SecurityInfo' FROM device")
    assert own_server.value("SELECT count(*) AS n FROM queue") == 10000
    assert own_server.value("SELECT count(DISTINCT uuid) AS n FROM queue") == 1


# ---- what is refused, and how it says so ----

REFUSED = [
    ("ProfileList", None, {"device": "nobody"}, ["device"]),
    ("ProfileList", None, {"device": None}, ["device"]),
    (None, None, {}, ["request"]),
    ("NoSuchRequest", None, {}, ["request"]),
    ("DeviceLock", "{", {}, ["args", "JSON"]),
    ("DeviceLock", "[1]", {}, ["args", "object"]),
    ("DeviceLock", '"x"', {}, ["args", "object"]),
    ("RemoveProfile", None, {}, ["RemoveProfile", "Identifier"]),
    ("RemoveProfile", "{}", {}, ["RemoveProfile", "Identifier"]),
    ("RemoveProfile", '{"Identifier":5}', {}, ["RemoveProfile", "Identifier"]),
    ("RemoveProfile", '{"Identifier":null}', {}, ["RemoveProfile", "Identifier"]),
    ("RemoveProvisioningProfile", None, {}, ["RemoveProvisioningProfile", "UUID"]),
    ("InstallProfile", None, {}, ["InstallProfile", "Payload"]),
    ("InstallProfile", '{"Payload":"<plist>"}', {}, ["InstallProfile", "Payload", "base64"]),
    ("InstallProfile", '{"Payload":[1]}', {}, ["InstallProfile", "Payload"]),
    ("InstallProvisioningProfile", "{}", {}, ["InstallProvisioningProfile", "ProvisioningProfile"]),
    ("DeviceLock", '{"PIN":"12345"}', {}, ["DeviceLock", "PIN"]),
    ("DeviceLock", '{"PIN":123456}', {}, ["DeviceLock", "PIN"]),
    ("DeviceLock", '{"Message":["x"]}', {}, ["DeviceLock", "Message"]),
    ("ProfileList", '{"ManagedOnly":"yes"}', {}, ["ProfileList", "ManagedOnly"]),
    ("ProfileList", '{"ManagedOnly":1}', {}, ["ProfileList", "ManagedOnly"]),
    ("DeviceInformation", '{"Queries":"UDID"}', {}, ["DeviceInformation", "Queries"]),
    ("ClearPasscode", '{"UnlockToken":{}}', {}, ["ClearPasscode", "UnlockToken"]),
    ("ProfileList", None, {"priority": "high"}, ["priority"]),
    ("ProfileList", None, {"not_before": "tomorrow"}, ["not_before"]),
    ("ProfileList", None, {"expires": "never"}, ["expires"]),
    ("ProfileList", None, {"uuid": "mine"}, ["uuid"]),
    ("ProfileList", None, {"state": "sent"}, ["state"]),
    ("EraseDevice", None, {}, ["EraseDevice", "confirm"]),
    ("EraseDevice", "{}", {}, ["EraseDevice", "confirm"]),
    ("EraseDevice", '{"confirm":"another"}', {}, ["EraseDevice", "confirm"]),
    ("EraseDevice", '{"confirm":"DEVICE","PIN":"1"}', {}, ["EraseDevice", "PIN"]),
    ("EraseDevice", '{"confirm":"DEVICE","ObliterationBehavior":"Never"}', {}, ["EraseDevice", "ObliterationBehavior"]),
]


@pytest.mark.parametrize("case", range(len(REFUSED)), ids=lambda i: f"{REFUSED[i][0]}-{i}")
def test_refused_with_a_message_that_names_request_and_key(server, device, case):
    request, args, columns, named = REFUSED[case]
    columns = {"device": device.id, "request": request, "args": args and args.replace("DEVICE", device.id), **columns}
    statement = f"INSERT INTO queue({', '.join(columns)}) VALUES ({', '.join(map(quote, columns.values()))});"
    before = server.value("SELECT count(*) AS n FROM payload")
    with pytest.raises(SqlError) as refused:
        server.sql(statement)
    for word in named:
        assert word in str(refused.value)
    assert server.value("SELECT count(*) AS n FROM payload") == before
    assert device.idle().body == b""


def test_erase_device_wants_to_be_confirmed_for_each(server):
    devices = [server.enrolled() for _ in range(2)]
    ids = ", ".join(quote(device.id) for device in devices)
    with pytest.raises(SqlError, match="confirm"):
        server.sql(f"INSERT INTO queue(device, request) SELECT id, 'EraseDevice' FROM device WHERE id IN ({ids})")
    server.sql(
        "INSERT INTO queue(device, request, args) SELECT id, 'EraseDevice', json_object('confirm', id) FROM device "
        f"WHERE id IN ({ids})"
    )
    for device in devices:
        assert device.idle().command["Command"] == {"RequestType": "EraseDevice"}


def test_update_changes_order_and_times_only(server, device):
    first, second = (server.queue(device, "ProfileList") for _ in range(2))
    server.sql(f"UPDATE queue SET priority = 5, expires = '2099-01-01T00:00:00Z' WHERE uuid = '{second}'")
    row = server.command(device, second)
    assert row["priority"] == 5 and row["expires"].startswith("2099-01-01T00:00:00")
    for change in ("request = 'SecurityInfo'", "args = '{}'", "state = 'acknowledged'", "uuid = 'x'", "device = 'y'"):
        with pytest.raises(SqlError):
            server.sql(f"UPDATE queue SET {change} WHERE uuid = '{first}'")
    assert device.idle().uuid == second


def test_device_takes_blocked_and_enrolled_only(server, device):
    for change in ("state = 'checked_out'", "state = NULL", "name = 'x'", "udid = 'y'", "id = 'z'"):
        with pytest.raises(SqlError):
            server.sql(f"UPDATE device SET {change} WHERE id = {quote(device.id)}")
    assert server.device_row(device)["state"] == "enrolled"


def test_no_device_is_removed(server, device):
    """What can be done instead is said, and works."""
    with pytest.raises(SqlError, match="device: none can be removed; block it: UPDATE device SET state = 'blocked'"):
        server.sql(f"DELETE FROM device WHERE id = {quote(device.id)}")
    server.sql(f"UPDATE device SET state = 'blocked' WHERE id = {quote(device.id)}")
    assert device.idle().status == 403
    server.sql(f"UPDATE device SET state = 'enrolled' WHERE id = {quote(device.id)}")
    assert device.idle().status == 200


@pytest.mark.parametrize("view", ["result", "command", "event", *FACTS])
def test_other_views_are_for_reading(server, view):
    with pytest.raises(SqlError):
        server.sql(f"DELETE FROM {view}")


def test_settings(own_server):
    own_server.sql("INSERT INTO setting(name, value) VALUES ('organization', 'O''Neill & Söhne')")
    assert own_server.pomona("setting", "get", "organization").strip() == "O'Neill & Söhne"
    with pytest.raises(SqlError, match="name"):
        own_server.sql("INSERT INTO setting(name, value) VALUES ('colour', 'green')")
    with pytest.raises(SqlError):
        own_server.sql("INSERT INTO setting(name, value) VALUES ('enroll_devices', 'some')")


def test_hostile_text_stays_text(server, device):
    text = "'); DROP TABLE enrollment; -- \u202e \x01 \U0001f34e"
    server.queue(device, "DeviceLock", {"Message": text.replace("\x01", "")})
    assert device.idle().command["Command"]["Message"] == text.replace("\x01", "")


def test_a_running_server_needs_no_telling(server, device):
    """Another process with a kept connection (as an open shell has) writes; the next Idle sees it."""
    shell = sqlite3.connect(server.db, timeout=10, isolation_level=None)
    for _ in range(3):
        shell.execute("INSERT INTO queue(device, request) VALUES (?, 'ProfileList')", (device.id,))
        reply = device.idle()
        assert reply.request == "ProfileList"
        assert device.acknowledge(reply.uuid).status == 200
    shell.close()


SECRETS = {"token": b"TOKEN-6f1d7e42", "magic": "MAGIC-6f1d7e42", "unlock": b"UNLOCK-6f1d7e42", "bootstrap": b"BOOTSTRAP-6f1d7e42"}


def test_secrets_appear_in_no_view_and_not_in_the_file(server, unknown_device):
    device = unknown_device
    device.enroll(PushMagic=SECRETS["magic"], UnlockToken=SECRETS["unlock"])
    device.check_in("SetBootstrapToken", BootstrapToken=SECRETS["bootstrap"])
    uuid = server.queue(device, "ClearPasscode")
    device.idle()
    device.acknowledge(uuid)
    uuid = server.queue(device, "ClearPasscode", {"UnlockToken": "VU5MT0NLLTZmMWQ3ZTQy"})
    assert "VU5MT0NL" not in str(server.command(device, uuid))
    names = [row["name"] for row in server.sql("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    assert set(names) >= {*VIEWS, *FACTS, "event", "setting"}
    for view in names:
        text = server.sqlite(f"SELECT * FROM {view}")
        for secret in ("6f1d7e42", "VU5MT0NL"):
            assert secret not in text, view
    server.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(server.db, "rb") as file:
        content = file.read()
    for name in ("magic", "unlock", "bootstrap"):
        secret = SECRETS[name]
        assert (secret.encode() if isinstance(secret, str) else secret) not in content, name


# ---- what an operator would not mean ----


@pytest.mark.parametrize("column", ["not_before", "expires"])
@pytest.mark.parametrize("value", ["22:00", "2027", "12", "now", "tomorrow", "2027-11", "11/24/2027"])
def test_half_a_time_is_none(server, device, column, value):
    with pytest.raises(SqlError, match=f"queue: {column} must be a time like"):
        server.sql(f"INSERT INTO queue(device, request, {column}) VALUES ('{device.id}', 'ProfileList', '{value}')")
    uuid = server.queue(device, "ProfileList")
    with pytest.raises(SqlError, match=f"queue: {column} must be a time like"):
        server.sql(f"UPDATE queue SET {column} = '{value}' WHERE uuid = '{uuid}'")


@pytest.mark.parametrize(
    "request_name, args, message",
    [
        ("DeviceLock", '{"Pin": "123456"}', "DeviceLock: small and capital letters matter in: "),
        ("DeviceLock", '{"PIN": "123456", "PIN": "654321"}', "queue: args holds a key twice"),
        ("DeviceLock", '{"Other": null}', "queue: args holds null"),
        ("EraseDevice", '{"ReturnToService": {"Enabled": null}}', "EraseDevice: confirm"),
        ("DeviceInformation", '{"queries": ["UDID"]}', "DeviceInformation: small and capital letters matter in: "),
    ],
)
def test_a_slip_of_the_pen_is_refused(server, device, request_name, args, message):
    """What would be sent, and would do something else than was meant."""
    with pytest.raises(SqlError, match=re.escape(message)):
        server.sql(f"INSERT INTO queue(device, request, args) VALUES ('{device.id}', '{request_name}', {quote(args)})")
    done = server.pomona("queue", "add", device.id, "DeviceLock", "--args", '{"Pin": "123456"}', check=False)
    assert done.returncode == 1 and b"spelt PIN" in done.stderr


@pytest.mark.parametrize(
    "name, value",
    [
        ("server_url", ""), ("server_url", "http://mdm.example.com"), ("server_url", "https://"), ("server_url", "https://x/"),
        ("server_url", "https://a b"), ("server_url", 7), ("organization", ""), ("organization", "x" * 201),
        ("enroll_topics", ""), ("enroll_topics", "  "), ("enroll_topics", "a;b"), ("enroll_devices", "some"),
        ("keep_results", "0"), ("keep_results", 0), ("keep_results", "36501"), ("keep_results", "-3"), ("keep_results", None),
        ("keep_events", "30 days"), ("keep_events", -1), ("keep_events", ""), ("keep_events", "Forever"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(server, name, value):
    before = server.sql("SELECT * FROM setting")
    with pytest.raises(SqlError, match="setting: "):
        server.sql(f"INSERT INTO setting(name, value) VALUES ('{name}', {quote(value)})")
    assert server.sql("SELECT * FROM setting") == before


def test_a_changed_setting_is_an_event(own_server):
    count = own_server.value("SELECT count(*) AS n FROM event WHERE kind = 'setting'")
    own_server.sql("UPDATE setting SET value = 'Another' WHERE name = 'organization'")
    assert own_server.value("SELECT count(*) AS n FROM event WHERE kind = 'setting'") == count + 1


@pytest.mark.parametrize(
    "change", ["push_state = 'stopped'", "model = 'x'", "last_seen = 'now'", "os_major = 3", "device_id = 'x'", "state = 'checked_out'"]
)
def test_what_cannot_be_changed_is_said(server, device, change):
    with pytest.raises(SqlError, match="device: only state can be set"):
        server.sql(f"UPDATE device SET {change} WHERE id = '{device.id}'")


def test_no_device_breaks_a_view_for_all(server):
    """Whatever it answers."""
    device = server.enrolled()
    odd = [7, "abc", True, [], {}, ["abc"], [["x"]], [7], [True], {"x": "y"}, [{"Identifier": {"a": []}}, "x"]]
    keys = {
        "InstalledApplicationList": "InstalledApplicationList", "ProfileList": "ProfileList", "CertificateList": "CertificateList",
        "ProvisioningProfileList": "ProvisioningProfileList", "Restrictions": "GlobalRestrictions",
        "DeviceInformation": "QueryResponses", "SecurityInfo": "SecurityInfo", "UserList": "Users", "ManagedMediaList": "Books",
        "ManagedApplicationList": "ManagedApplicationList", "AvailableOSUpdates": "AvailableOSUpdates",
        "OSUpdateStatus": "OSUpdateStatus", "ManagedApplicationFeedback": "ManagedApplicationFeedback",
        "ActivationLockBypassCode": "ActivationLockBypassCode",
    }  # fmt: skip
    for value in odd:
        for request, key in keys.items():
            uuid = server.queue(device, request, {"Identifiers": ["x"]} if request == "ManagedApplicationFeedback" else None)
            assert device.idle().uuid == uuid
            assert device.acknowledge(uuid, **{key: value}).status == 200
        for view in FACTS:
            server.sql(f"SELECT * FROM {view}")
            server.sql(f"SELECT count(*) FROM {view}")
