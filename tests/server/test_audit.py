"""The audit trail: who did what, from where; the chain of hashes, computed here once more; what breaks it; and that devices
leave nothing in it."""

import hashlib
import json
import os
import pwd
import re
import socket

import pytest

from harness import wait_for
from harness.process import program_path
from harness.server import SqlError, quote

pytestmark = pytest.mark.nginx

HASHED = ["previous", "no", "at", "source", "actor", "place", "action", "object", "device", "detail"]
ZEROS = "0" * 64
SECRET = "audit-test-challenge-0123456789"
ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(scope="module")
def server(make_server):
    own = make_server()
    yield own
    own.stop()


@pytest.fixture
def device(server):
    enrolled = server.enrolled()
    yield enrolled
    enrolled.close()


def canonical(row):
    """As pomona-sql(7) describes it."""
    text = b"pomona-audit-1\n"
    for name in HASHED:
        value = row[name]
        if value is None:
            text += b"-\n"
        else:
            value = str(value).encode()
            text += b"%d:%s\n" % (len(value), value)
    return text


def chain(server):
    """The whole trail; each row is what its hash says, and chained to the one before."""
    rows = server.sql("SELECT * FROM audit_log ORDER BY no")
    previous = ZEROS
    for number, row in enumerate(rows, 1):
        assert row["no"] == number
        if row["hash"] is None:
            assert all(later["hash"] is None and later["previous"] is None for later in rows[number - 1 :])
            break
        assert row["previous"] == previous
        previous = hashlib.sha256(canonical(row)).hexdigest()
        assert row["hash"] == previous, row
    return rows


def last(server):
    return server.row("SELECT * FROM audit ORDER BY id DESC LIMIT 1")


def count(server):
    return server.value("SELECT count(*) AS n FROM audit")


def detail(row):
    return json.loads(row["detail"])


def verify(server, *options):
    done = server.pomona("audit", "verify", *options, "--json", check=False)
    return done.returncode, json.loads(done.stdout)


# ---- who and from where ----


def test_command_line(server, device):
    uuid = server.pomona_json("queue", "add", device.id, "DeviceLock", "Message=private words")["command_uuid"]
    row = last(server)
    assert (row["source"], row["action"], row["object"], row["device"]) == ("cli", "queue_add", uuid, device.id)
    assert row["actor"].split(" as ")[-1] == ME
    assert row["place"].split(" ")[0] == socket.gethostname()
    assert detail(row) == {"request": "DeviceLock", "keys": ["Message"], "for": [device.id]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["at"])
    server.pomona("queue", "cancel", uuid)
    row = last(server)
    assert (row["action"], row["object"], detail(row)) == ("queue_cancel", uuid, {"count": 1})
    assert "private words" not in json.dumps(server.sql("SELECT * FROM audit"))
    chain(server)


def test_behind_sudo(server):
    """Whoever became root is named; to others the variable is of no use."""
    server.run(["env", "SUDO_USER=alice", program_path("pomona"), "setting", "set", "organization", "Under sudo"])
    actor = last(server)["actor"]
    assert actor == "alice as root" if os.getuid() == 0 else "alice" not in actor


def test_one_row_for_all(server):
    devices = [server.enrolled() for _ in range(3)]
    before = count(server)
    uuid = server.pomona_json("queue", "add", "--all", "ProfileList")["command_uuid"]
    assert count(server) == before + 1
    row = last(server)
    assert (row["object"], row["device"], detail(row)) == (uuid, None, {"request": "ProfileList", "for": "all"})
    for device in devices:
        assert uuid in server.pomona("audit", "list", "--device", device.id)
        device.close()


def test_nothing_for_what_fails(server, device):
    before = count(server)
    for words in (["queue", "add", "no-such-device", "ProfileList"], ["queue", "add", device.id, "DeviceLock", "PIN=[]"],
                  ["queue", "cancel", "no-such-uuid"], ["setting", "set", "scep_days", "none"],
                  ["admission", "remove", "serial", "NOT-THERE"], ["identity", "revoke", "no-such-identity"]):  # fmt: skip
        assert server.pomona(*words, check=False).returncode != 0, words
    with pytest.raises(SqlError):
        server.sql(f"INSERT INTO queue(device, request) VALUES ({quote(device.id)}, 'DeviceLock'), ('nobody', 'DeviceLock')")
    assert count(server) == before


def test_profile_and_identity(server):
    server.pomona("profile", "enroll", "--for", "AUDIT-1", "--unsigned")
    made, challenge = server.sql("SELECT action, device FROM audit ORDER BY id DESC LIMIT 2")
    assert (made["action"], challenge["action"]) == ("profile_enroll", "scep_challenge")
    assert made["device"] == challenge["device"] == "AUDIT-1"
    identity = server.issue("audit-identity")
    row = last(server)
    assert row["action"] == "identity_issue" and detail(row)["subject"].endswith("audit-identity")
    assert row["object"] == hashlib.sha256(identity.der()).hexdigest()


def test_secrets_stay_out(server):
    server.pomona("setting", "set", "scep_challenge", SECRET)
    row = last(server)
    assert (row["action"], row["object"], row["detail"]) == ("setting_set", "scep_challenge", None)
    server.pomona("setting", "unset", "scep_challenge")
    assert SECRET not in server.sqlite("SELECT * FROM audit_log")


# ---- the SQL shell ----


def test_sql_shell(server):
    devices = [server.enrolled() for _ in range(4)]
    ids = ", ".join(quote(device.id) for device in devices)
    before = count(server)
    server.sql(f"INSERT INTO queue(device, request) SELECT id, 'SecurityInfo' FROM device WHERE id IN ({ids})")
    server.sql(f"INSERT INTO queue(device, request, args) SELECT id, 'DeviceLock', json_object('PIN', '918273') "
               f"FROM device WHERE id IN ({ids})")  # fmt: skip
    server.sql(f"DELETE FROM queue WHERE device IN ({ids})")
    server.sql(f"UPDATE device SET state = 'blocked' WHERE id = {quote(devices[0].id)}")
    server.sql(f"UPDATE device SET state = 'enrolled' WHERE id = {quote(devices[0].id)}")
    server.sql("INSERT INTO setting(name, value) VALUES ('organization', 'From SQL')")
    rows = server.sql(f"SELECT * FROM audit WHERE id > {before} ORDER BY id")
    assert [row["action"] for row in rows] == [
        "queue_add", "queue_add", "queue_cancel", "queue_cancel", "device_block", "device_unblock", "setting_set",
    ]  # fmt: skip
    assert {(row["source"], row["actor"], row["place"], row["hash"], row["previous"]) for row in rows} == {
        ("sql", None, None, None, None)
    }
    assert "918273" not in json.dumps(rows) and detail(rows[1])["keys"] == ["PIN"]
    assert rows[0]["device"] in [device.id for device in devices]
    status, report = verify(server)
    assert (status, report["unchained"], report["broken"]) == (0, 7, None)
    # The next that a program writes chains them.
    server.pomona("admission", "add", "serial", "X2", "allow")
    assert all(row["hash"] for row in chain(server))
    assert verify(server)[1]["unchained"] == 0
    for device in devices:
        device.close()


def test_devices_are_no_operators(server):
    before = count(server)
    device = server.enrolled()
    after = count(server)
    assert after == before + 1  # its identity, that the test has issued
    uuid = server.queue(device, "ProfileList")
    device.idle()
    device.acknowledge(uuid, ProfileList=[])
    device.token_update()
    device.idle()
    device.check_in("CheckOut")
    assert count(server) == after + 1  # the command
    device.close()


# ---- list and verify ----


def test_the_view_keeps_its_columns(server):
    assert [row["name"] for row in server.sql("PRAGMA table_info(audit)")] == [
        "id", "at", "source", "actor", "place", "action", "object", "device", "detail", "previous", "hash",
    ]  # fmt: skip


def test_list(server, device):
    uuid = server.pomona_json("queue", "add", device.id, "CertificateList")["command_uuid"]
    rows = server.pomona_json("audit", "list", "--action", "queue_add", "--limit", "2")
    assert len(rows) == 2 and rows[0]["object"] == uuid and rows[0]["id"] > rows[1]["id"]
    assert rows[0]["detail"]["request"] == "CertificateList"
    assert server.pomona_json("audit", "list", "--since", "2999-01-01T00:00:00Z") == []
    assert len(server.pomona_json("audit", "list", "--since", "1h")) == count(server)
    assert {row["device"] for row in server.pomona_json("audit", "list", "--device", device.id)} == {device.id}
    assert uuid in server.pomona("audit", "list")
    for words in (["--action", "no_such"], ["--since", "yesterday"]):
        assert server.pomona("audit", "list", *words, check=False).returncode == 2


def test_refused(server):
    for statement, message in (
        ("DELETE FROM audit", "a row is never removed"),
        ("UPDATE audit SET actor = 'bob' WHERE id = 1", "a row is never changed"),
        ("DELETE FROM audit_log WHERE no = 1", "a row is never removed"),
        ("UPDATE audit_log SET actor = 'bob' WHERE no = 1", "a row is never changed"),
        ("REPLACE INTO audit_log(no, at, source, action) VALUES (1, 1, 'sql', 'x')", "a row is never replaced"),
        ("INSERT INTO audit(action) VALUES ('x')", "rows are written by what they tell of"),
    ):
        with pytest.raises(SqlError, match=message):
            server.sql(statement)


def test_worker_chains_and_tells_the_head(server):
    server.sql("INSERT INTO setting(name, value) VALUES ('organization', 'For the worker')")
    assert verify(server)[1]["unchained"] > 0
    server.start_push()
    wait_for(lambda: verify(server)[1]["unchained"] == 0, "the worker to chain")
    wait_for(lambda: "msg=\"audit trail\"" in server.push.output(), "the head in the log")
    (head,) = re.findall(r'msg="audit trail" head=(\d+:[0-9a-f]{64})', server.push.output())
    server.parts.pop("pomona-push").stop()
    assert verify(server, "--expect", head)[0] == 0
    assert head == verify(server)[1]["head"]
    assert server.pomona("audit", "verify", "--expect", "7", check=False).returncode == 2


def test_acts_of_the_command_line(server):
    """All that change something, one after the other; devices find the server changed behind it."""
    device = server.enrolled()
    serial = server.row(f"SELECT sha256 FROM identity WHERE device = {quote(device.id)}")["sha256"]
    request = server.path("audit-request.pem")
    password = server.path("audit-password")
    with open(password, "w") as file:
        file.write("correct horse\n")
    before = count(server)
    acts = [
        ("admission_add", "serial X1", ["admission", "add", "serial", "X1", "block"]),
        ("admission_remove", "serial X1", ["admission", "remove", "serial", "X1"]),
        ("setting_set", "scep_days", ["setting", "set", "scep_days", "100"]),
        ("setting_unset", "scep_days", ["setting", "unset", "scep_days"]),
        ("scep_challenge", None, ["scep", "challenge", "--for", "SOMEBODY"]),
        ("enroll_link", "1", ["enroll", "link", "--uses", "3"]),
        ("enroll_link_revoke", "1", ["enroll", "revoke", "1"]),
        ("push_cert_request", "audit", ["push-cert", "request", "audit", "--out", request]),
        ("push_cert_forget", "audit", ["push-cert", "forget", "audit"]),
        ("identity_revoke", serial, ["identity", "revoke", device.id, "--reason", "superseded"]),
        ("ca_make", "device-2", ["ca", "roll-over", "--key", "ec"]),
        ("ca_activate", "device-2", ["ca", "roll-over", "--activate"]),
        ("ca_retire", "device", ["ca", "retire", "device", "--force"]),
        ("user_set", "ann", ["user", "add", "ann", "--password-file", password]),
        ("user_set", "ann", ["user", "password", "ann", "--password-file", password]),
        ("user_remove", "ann", ["user", "remove", "ann"]),
        ("setup_add", "1", ["setup", "add", "ProfileList"]),
        ("setup_remove", "1", ["setup", "remove", "1"]),
        ("token_service", "com.example.x", ["token-service", "hook", "com.example.x", "https://127.0.0.1:1/x"]),
        ("token_service", "com.example.x", ["token-service", "remove", "com.example.x"]),
        ("group_set", "all-of-them", ["group", "add", "all-of-them", "--where", "os_major > 1"]),
        ("group_remove", "all-of-them", ["group", "remove", "all-of-them"]),
        ("schedule_set", "daily", ["schedule", "add", "daily", "SecurityInfo", "--every", "24h", "--to", "all"]),
        ("schedule_remove", "daily", ["schedule", "remove", "daily"]),
        ("key_rotate", "2", ["key", "rotate"]),
        ("queue_clear", None, ["queue", "clear", device.id]),
        ("push_cert_remove", server.topic, ["push-cert", "remove", server.topic, "--force"]),
    ]
    server.queue(device, "ProfileList")
    for action, name, words in acts:
        server.pomona(*words)
        row = last(server)
        assert (row["source"], row["action"], row["object"]) == ("cli", action, name), words
    rows = server.sql(f"SELECT * FROM audit WHERE id > {before}")
    assert len(rows) == len(acts) + 1  # and the command in SQL
    assert [row["device"] for row in rows if row["action"] in ("identity_revoke", "queue_clear")] == [device.id] * 2
    device.close()
    chain(server)
    server.pomona("push-cert", "import", server.push_certificate().both)
    assert (last(server)["action"], last(server)["object"]) == ("push_cert_import", server.topic)


def test_setup_commands_in_sql(server):
    server.sqlite("INSERT INTO setup_command(request) VALUES ('SecurityInfo');")
    no = str(server.value("SELECT max(id) FROM setup_command"))
    server.sqlite("UPDATE setup_command SET position = 7; DELETE FROM setup_command;")
    rows = server.sql("SELECT source, action, object FROM audit ORDER BY id DESC LIMIT 3")
    assert [(row["source"], row["action"], row["object"]) for row in rows] == [
        ("sql", "setup_remove", no), ("sql", "setup_change", no), ("sql", "setup_add", no),
    ]  # fmt: skip
    chain(server)


def test_broken(server):
    """Last: what somebody does who takes the triggers away."""
    for number in range(3):
        server.pomona("setting", "set", "organization", f"Number {number}")
    assert len(chain(server)) > 10
    status, report = verify(server)
    assert (status, report["broken"], report["reason"]) == (0, None, None)
    rows, head = report["rows"], report["head"]
    server.sql("DROP TRIGGER audit_log_update; DROP TRIGGER audit_log_delete")
    server.sql("UPDATE audit_log SET actor = 'somebody else' WHERE no = 5")
    done = server.pomona("audit", "verify", check=False)
    assert done.returncode == 1
    assert b"the audit trail is broken at row 5: it was changed" in done.stderr
    doctor = {line["check"]: line for line in json.loads(server.pomona("doctor", "--json", check=False).stdout)}
    assert doctor["audit trail"]["state"] == "problem"
    # With its hash made anew, the next one tells.
    row = server.row("SELECT * FROM audit_log WHERE no = 5")
    made = hashlib.sha256(canonical(row)).hexdigest()
    server.sql(f"UPDATE audit_log SET hash = '{made}' WHERE no = 5")
    assert verify(server)[1]["broken"] == 6
    # With all of them made anew, only a head that was kept elsewhere does; and so for what is cut off.
    previous = made
    for row in server.sql("SELECT * FROM audit_log WHERE no > 5 ORDER BY no"):
        row["previous"] = previous
        made = hashlib.sha256(canonical(row)).hexdigest()
        server.sql(f"UPDATE audit_log SET previous = '{previous}', hash = '{made}' WHERE no = {row['no']}")
        previous = made
    assert verify(server)[0] == 0
    status, report = verify(server, "--expect", head)
    assert (status, report["broken"]) == (1, rows)
    server.sql(f"DELETE FROM audit_log WHERE no = {rows}")
    assert verify(server)[0] == 0
    assert verify(server, "--expect", head)[1]["broken"] == rows
    server.sql("DELETE FROM audit_log WHERE no = 3")
    assert verify(server)[1]["broken"] == 3
    # Work goes on.
    server.pomona("setting", "set", "organization", "Still here")
