"""pomona doctor: a healthy installation has no problem; each fault has its line, and exit status 1 where it is one."""

import json
import os
import re
import shutil
import time

import pytest

from harness import free_port, wait_for
from harness.front import FRONTS
from harness.pki import openssl

pytestmark = pytest.mark.nginx

DAY_MS = 24 * 3600 * 1000


def doctor(server, *options, ca=True):
    """Exit status and findings."""
    words = ["doctor", "--json", *(["--ca", server.tls_ca] if ca else []), *options]
    done = server.pomona(*words, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == b""
    return done.returncode, json.loads(done.stdout)


def findings(server, state, *options, **more):
    status, lines = doctor(server, *options, **more)
    assert status == (1 if any(line["state"] == "problem" for line in lines) else 0)
    return [line for line in lines if line["state"] == state]


def the_problem(server, *options, **more):
    """The one there is."""
    problems = findings(server, "problem", *options, **more)
    assert len(problems) == 1, problems
    return problems[0]


def said(lines, check, text):
    """Is there a finding of this check with this text (a pattern)?"""
    return [line for line in lines if line["check"] == check and re.search(text, line["finding"])]


@pytest.fixture(scope="module")
def healthy(make_server, pki):
    server = make_server(push=True)
    long_lived = pki.push_certificate(f"long-{server.number}", server.topic, days=400)
    server.pomona("push-cert", "import", long_lived.both)
    yield server
    server.stop()


@pytest.fixture
def settings_kept(healthy):
    """What a test changes in push_certificate is put back."""
    rows = healthy.sql("SELECT topic, not_after, stopped FROM push_certificate")
    yield
    for row in rows:
        stopped = "NULL" if row["stopped"] is None else f"'{row['stopped']}'"
        healthy.sql(
            f"UPDATE push_certificate SET topic = '{row['topic']}', not_after = {row['not_after']}, stopped = {stopped} "
            "WHERE rowid = 1"
        )


def test_a_healthy_installation(healthy):
    device = healthy.enrolled()
    status, lines = doctor(healthy, "--apns")
    device.close()
    assert status == 0
    assert [line for line in lines if line["state"] == "problem"] == []
    for check in ("configuration", "store", "master key", "files", "disk", "device CA", "push certificates", "worker",
                  "pushes", "queue", "devices", "identities", "server", "APNs"):  # fmt: skip
        assert [line for line in lines if line["check"] == check], check
    assert said(lines, "server", "verifies devices' certificates and passes them on")
    assert said(lines, "server", "without a certificate is refused")
    assert said(lines, "APNs", "is reached as")


def test_people_get_a_line_each(healthy):
    text = healthy.pomona("doctor", "--ca", healthy.tls_ca)
    assert re.search(r"^ok +configuration +/", text, re.M)
    assert healthy.pomona("doctor", "--json", "--url", "https://127.0.0.1:1", check=False).returncode == 1


def test_it_changes_nothing(healthy):
    def everything():
        dump = healthy.run(["sqlite3", healthy.db, ".dump"]).stdout.splitlines()
        return [line for line in dump if b"INTO worker" not in line]  # its sign of life

    before = everything()
    doctor(healthy, "--apns")
    assert everything() == before


# ---- what is wrong on this machine ----


def test_no_configuration(healthy):
    status, lines = doctor(healthy, "--config", healthy.path("none.conf"))
    assert status == 1
    assert [line["check"] for line in lines] == ["configuration"]


@pytest.fixture
def lone(make_server, pki):
    """A server of the test's own, with a certificate that lasts."""
    server = make_server(push=True)
    server.pomona("push-cert", "import", pki.push_certificate(f"long-{server.number}", server.topic, days=400).both)
    yield server
    server.stop()


def test_files_and_key(lone):
    key, conf = lone.path("pomona.key"), lone.conf
    for path, mode, check, text in (
        (key, 0o640, "master key", "mode 640"),
        (conf, 0o666, "files", "write to .*pomona.conf"),
        (lone.dir, 0o777, "files", "write to "),
    ):
        before = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode)
        problems = findings(lone, "problem")
        os.chmod(path, before)
        assert said(problems, check, text), problems
    os.chmod(lone.db, 0o644)
    assert said(findings(lone, "warning"), "files", "read .*pomona.db")
    os.chmod(lone.db, 0o600)
    if os.geteuid() == 0:
        os.chown(key, 12345, 12345)
        assert said(findings(lone, "problem"), "files", "belongs to another user")
        os.chown(key, 0, 0)
    os.rename(key, key + ".kept")
    problem = the_problem(lone)
    assert problem["check"] == "master key" and "put it back" in problem["mend"]
    with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write("ab" * 32 + "\n")
    assert "not the one of this store" in the_problem(lone)["finding"]
    os.replace(key + ".kept", key)
    assert findings(lone, "problem") == []


def test_the_store(lone, pki):
    lone.stop()
    kept = lone.path("kept.db")
    lone.sqlite("PRAGMA wal_checkpoint(TRUNCATE);")
    shutil.copy(lone.db, kept)
    step = lone.value("SELECT value FROM schema_state WHERE name = 'step'")
    for value, state in ((int(step) - 1, "warning"), (9999, "problem")):
        lone.sql(f"UPDATE schema_state SET value = '{value}' WHERE name = 'step'")
        assert said(findings(lone, state), "store", "schema"), value
    lone.sql(f"UPDATE schema_state SET value = '{step}' WHERE name = 'step'; PRAGMA wal_checkpoint(TRUNCATE)")
    with open(lone.db, "r+b") as file:
        size = os.path.getsize(lone.db)
        file.seek(size // 4096 // 2 * 4096)
        file.write(b"\xff" * 4096)
    assert said(findings(lone, "problem"), "store", "damaged|malformed")
    os.unlink(lone.db)
    assert said(findings(lone, "problem"), "store", "No such file|unable to open")
    shutil.copy(kept, lone.db)
    os.chmod(lone.db, 0o600)


def test_a_full_disk(make_server, small_disk, pki):
    server = make_server(store=small_disk)
    try:
        assert said(findings(server, "problem"), "disk", "MiB free")
    finally:
        server.stop()


def test_an_unfinished_rotation(lone):
    key = lone.path("pomona.key")
    with open(key) as file:
        old = file.read()
    with open(key, "w") as file:
        file.write("2 " + "cd" * 32 + "\n" + old)
    assert said(findings(lone, "warning"), "master key", "rotation")


# ---- certificates ----


@pytest.mark.parametrize("days, state", [(-1, "problem"), (5, "problem"), (20, "warning"), (50, "warning"), (90, "ok")])
def test_dates_of_push_certificates(healthy, settings_kept, days, state):
    end = int((time.time() + days * 86400 + 3600) * 1000)
    healthy.sql(f"UPDATE push_certificate SET not_after = {end}")
    lines = said(findings(healthy, state), "push certificates", re.escape(healthy.topic))
    assert len(lines) == 1
    assert ("renew" in (lines[0]["mend"] or "")) == (state != "ok")


def test_topics_without_a_certificate(healthy, settings_kept):
    device = healthy.enrolled()
    healthy.sql("UPDATE push_certificate SET topic = 'com.apple.mgmt.External.other'")
    problems = findings(healthy, "problem")
    assert said(problems, "push certificates", f"have topic {re.escape(healthy.topic)}, for which there is no certificate")
    device.check_out()
    device.close()


def test_a_stopped_topic(healthy, settings_kept):
    healthy.sql("UPDATE push_certificate SET stopped = 'Forbidden'")
    assert said(findings(healthy, "problem"), "push certificates", r"APNs refuses .* \(Forbidden\)")


def test_no_push_certificate(lone):
    lone.pomona("push-cert", "remove", lone.topic)
    assert said(findings(lone, "problem"), "push certificates", "there is no push certificate")


def test_apns_that_is_not_reached(lone, pki):
    assert findings(lone, "problem", "--apns") == []
    lone.parts.pop("apns").stop()
    assert findings(lone, "problem") == []
    assert said(findings(lone, "problem", "--apns"), "APNs", "127.0.0.1")


# ---- what runs ----


def test_the_worker(lone):
    worker = lone.parts.pop("pomona-push")
    worker.stop()
    assert "does not run" in the_problem(lone)["finding"]
    lone.start_push()
    wait_for(lambda: lone.value("SELECT count(*) AS n FROM worker"), "its sign of life")
    lone.parts.pop("pomona-push").kill()
    lone.sql("UPDATE worker SET seen_at = seen_at - 600000")
    assert "last sign of life" in the_problem(lone)["finding"]
    lone.sql("UPDATE worker SET seen_at = seen_at + 600000, version = '0.0.1'")
    assert said(findings(lone, "warning"), "worker", "version 0.0.1")


def test_the_responder(lone):
    lone.parts.pop("pomona-fcgi").stop()
    problem = the_problem(lone)
    assert problem["check"] == "server" and "503" in problem["finding"]
    lone.start_fcgi()
    lone.stop_front()
    assert said(findings(lone, "problem"), "server", "/healthz")


def test_a_web_server_that_is_not_trusted(healthy):
    assert said(findings(healthy, "problem", ca=False), "server", "certificate|SSL")


def test_another_url(healthy):
    assert findings(healthy, "problem", "--url", healthy.url) == []
    assert said(findings(healthy, "problem", "--url", f"https://127.0.0.1:{free_port()}"), "server", "healthz")


def test_no_url(lone):
    lone.sql("DELETE FROM setting WHERE name = 'server_url'")
    assert "not set where devices reach" in the_problem(lone)["finding"]
    assert findings(lone, "problem", "--url", lone.url) == []


SITES = {
    "the certificate is not passed": ("fastcgi_param SSL_CLIENT_CERT ", "# fastcgi_param SSL_CLIENT_CERT ", "device CA says 403"),
    "whether it was verified is not passed": (
        "fastcgi_param SSL_CLIENT_VERIFY ", "# fastcgi_param SSL_CLIENT_VERIFY ", "device CA says 403",
    ),
    "no certificate is asked for": ("ssl_verify_client      optional", "ssl_verify_client off", "device CA says 403"),
    "strangers are told to authenticate": ('return 403 "a client', 'return 401 "a client', "401 and not 403"),
}  # fmt: skip


@pytest.mark.parametrize("case", SITES)
def test_a_site_file_that_is_wrong(lone, case):
    wanted, instead, text = SITES[case]
    lone.restart_front({wanted: instead})
    problems = findings(lone, "problem")
    assert said(problems, "server", text), problems


@pytest.mark.parametrize("front", FRONTS)
def test_behind_every_web_server(make_server, pki, front):
    server = make_server(front=front, push=True)
    try:
        server.pomona("push-cert", "import", pki.push_certificate(f"long-{server.number}", server.topic, days=400).both)
        problems = findings(server, "problem")
        assert [problem for problem in problems if problem["check"] == "server"] == []
    finally:
        server.stop()


# ---- devices ----


def test_queue_pushes_and_devices(lone):
    device = lone.enrolled()
    lone.queue(device, "ProfileList")
    now = int(time.time() * 1000)
    lone.parts.pop("pomona-push").stop()
    lone.sql(f"UPDATE delivery SET queued_at = {now - 4 * DAY_MS}")
    lone.sql(f"UPDATE push SET due_at = {now - 3600000}, under_way = 0")
    _, lines = doctor(lone)
    assert said([line for line in lines if line["state"] == "warning"], "queue", "1 commands are open .*ProfileList")
    assert said([line for line in lines if line["state"] == "problem"], "pushes", "quarter of an hour")
    lone.sql("UPDATE push SET due_at = NULL, failures = 2, reason = 'InternalServerError'")
    assert said(findings(lone, "warning"), "pushes", "failed.*InternalServerError")
    lone.sql("UPDATE push SET stopped = 'Unregistered'")
    assert said(findings(lone, "warning"), "pushes", "no more pushes.*Unregistered")
    lone.sql(f"UPDATE enrollment SET last_seen = {now - 40 * DAY_MS}")
    warnings = findings(lone, "warning")
    assert said(warnings, "devices", "1 devices were not here for 30 days")
    assert not said(warnings, "queue", "open")
    device.close()


def test_commands_for_devices_that_cannot_come(lone):
    device = lone.enrolled()
    assert device.idle().status == 200
    lone.queue(device, "ProfileList")
    assert not said(findings(lone, "warning"), "queue", "wait though")
    assert said(findings(lone, "ok"), "disk", r"MiB free where the store is \(it takes (under 1|\d+) MiB\)")
    lone.sql(f"UPDATE device SET state = 'blocked' WHERE id = '{device.id}'")
    assert said(findings(lone, "warning"), "queue", "1 commands wait though the device is blocked .*ProfileList")
    lone.sql(f"UPDATE device SET state = 'enrolled' WHERE id = '{device.id}'")
    lone.pomona("identity", "revoke", device.id)
    warnings = findings(lone, "warning")
    assert said(warnings, "queue", "1 commands wait though the device has no valid identity .*ProfileList")
    assert not said(warnings, "queue", "blocked")
    lone.pomona("queue", "clear", device.id)
    assert not said(findings(lone, "warning"), "queue", "wait though")
    device.close()


@pytest.mark.parametrize("days, state, text", [
    (-1, "problem", "1 identities have expired"), (5, "problem", "end in 7 days"), (50, "warning", "end in 60 days"),
    (90, "ok", "none of a device ends"),
])  # fmt: skip
def test_identities_that_end(healthy, days, state, text):
    device = healthy.enrolled()
    end = int((time.time() + days * 86400) * 1000)
    healthy.sql(f"UPDATE enrollment SET identity_expires = {end} WHERE id = '{device.id}'")
    assert said(findings(healthy, state), "identities", text)
    healthy.sql(f"UPDATE enrollment SET state = 'checked_out' WHERE id = '{device.id}'")
    device.close()


def test_an_old_ca(lone):
    """Its date is told; one that has expired is a problem."""
    ca = lone.path("old-ca.pem")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            lone.path("old-ca.key"), "-out", ca, "-days", "3", "-subj", "/CN=old CA")  # fmt: skip
    with open(ca) as file:
        lone.sql(f"UPDATE authority SET certificate = '{file.read()}'")
    assert said(findings(lone, "problem"), "device CA", "CN=old CA expires in 2 days")
