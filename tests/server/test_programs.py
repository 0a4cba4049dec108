"""The other ways to run the responder, and how programs behave as programs."""

import json
import os
import plistlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import free_port, wait_for
from harness.process import program_path
from harness.server import quote

pytestmark = pytest.mark.nginx

PROGRAMS = ["pomona", "pomona-fcgi", "pomona-push", "pomona-sim"]


def goes_round(server):
    """A device enrolls, gets a command and answers it."""
    device = server.enrolled()
    uuid = server.queue(device, "ProfileList")
    assert device.idle().uuid == uuid
    assert device.acknowledge(uuid, ProfileList=[]).status == 200
    assert server.state(device, uuid) == "acknowledged"
    device.close()


# ---- sockets ----


def test_listens_on_host_and_port(own_server):
    own_server.parts.pop("pomona-fcgi").stop()
    port = free_port()
    own_server.start_fcgi(listen=f"127.0.0.1:{port}")
    own_server.stop_front()
    own_server.write_site()
    own_server.start_front(FCGI_SOCKET=f"/nowhere; server 127.0.0.1:{port}; server unix:/nowhere down")
    goes_round(own_server)


def test_spawn_fcgi(own_server):
    """The socket is inherited as standard input."""
    own_server.parts.pop("pomona-fcgi").stop()
    own_server.start("pomona-fcgi", ["spawn-fcgi", "-n", "-s", own_server.socket, "--", program_path("pomona-fcgi")])
    wait_for(lambda: os.path.exists(own_server.socket), "the socket")
    goes_round(own_server)


def listening(path):
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    listener.listen(64)
    return listener


def start_as_systemd_does(server, listener):
    """File descriptor 3, LISTEN_FDS and LISTEN_PID."""

    script = f'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" 3<&{listener.fileno()}'
    return server.start(
        "pomona-fcgi", ["bash", "-c", script, program_path("pomona-fcgi")], pass_fds=[listener.fileno()]
    )


def test_systemd_socket_outlives_a_restart(own_server):
    """Requests that come between two runs wait in the socket; none is refused."""
    own_server.parts.pop("pomona-fcgi").stop()
    with listening(own_server.socket) as listener:
        for _ in range(3):
            fcgi = start_as_systemd_does(own_server, listener)
            goes_round(own_server)
            fcgi.stop()
            own_server.parts.pop("pomona-fcgi")
        assert os.path.exists(own_server.socket), "it is not ours to remove"
        device = own_server.new_device()
        reply = []
        waiting = threading.Thread(target=lambda: reply.append(device.authenticate()))
        waiting.start()
        start_as_systemd_does(own_server, listener)
        waiting.join(30)
        assert reply and reply[0].status == 200


@pytest.mark.parametrize("front", ["cgi", "apache-cgi", "apache-fcgid"])
def test_as_a_program_of_the_web_server(make_server, front):
    """One process a request; or with mod_fcgid, which keeps some."""
    server = make_server(front=front)
    try:
        goes_round(server)
        device = server.enrolled()
        assert device.send(b"nonsense").status == 400
        assert device.request_as(None, "PUT", "/mdm").status == 403
        assert server.get("/healthz") == b"ok\n"
        device.close()
    finally:
        server.stop()


def test_a_stale_socket_is_replaced_and_one_in_use_is_not(own_server):
    second = own_server.run([program_path("pomona-fcgi"), "--listen", own_server.socket], check=False)
    assert second.returncode == 1 and b"another process" in second.stderr
    own_server.parts.pop("pomona-fcgi").kill()
    assert os.path.exists(own_server.socket)
    own_server.start_fcgi()
    goes_round(own_server)


def test_its_socket_is_gone_after_it(own_server):
    assert os.path.exists(own_server.socket)
    assert os.stat(own_server.socket).st_mode & 0o777 == 0o660
    own_server.parts.pop("pomona-fcgi").stop()
    assert not os.path.exists(own_server.socket)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_with_kept_connections(own_server, number):
    """nginx keeps connections to it; they are no reason to stay."""
    device = own_server.enrolled()
    device.idle()
    fcgi = own_server.parts.pop("pomona-fcgi")
    began = time.monotonic()
    fcgi.signal(number)
    assert fcgi.wait() == 0
    assert time.monotonic() - began < 10


def test_a_request_under_way_is_finished(own_server):
    """SIGTERM while a handler waits for the store."""
    device = own_server.enrolled()
    shell = subprocess.Popen(["sqlite3", own_server.db], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    shell.stdin.write(b"BEGIN IMMEDIATE;\n.print locked\n")
    shell.stdin.flush()
    assert shell.stdout.readline() == b"locked\n"
    uuid_reply = []
    request = threading.Thread(target=lambda: uuid_reply.append(device.token_update()))
    request.start()
    fcgi = own_server.parts.pop("pomona-fcgi")
    wait_for(lambda: threads_waiting(fcgi.pid), "the request to wait for the lock")
    fcgi.signal(signal.SIGTERM)
    shell.communicate(b"COMMIT;\n")
    assert fcgi.wait() == 0
    request.join(30)
    assert [reply.status for reply in uuid_reply] == [200]


def threads_waiting(pid):
    """A thread sleeps in SQLite's busy handler."""
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/wchan") as file:
                if "nanosleep" in file.read():
                    return True
        except OSError:
            continue
    return False


# ---- command lines ----


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_version(server, program):
    path = program_path(program)
    shown = server.run([path, "--help"])
    assert b"usage" in shown.stdout.lower() and shown.stderr == b""
    version = server.run([path, "version" if program == "pomona" else "--version"])
    assert version.stdout.split()[-1].count(b".") == 2


@pytest.mark.parametrize("program", PROGRAMS)
def test_wrong_usage_is_2(server, program):
    for words in (["--no-such-option"], ["--config"]):
        done = server.run([program_path(program), *words], check=False)
        assert done.returncode == 2 and done.stderr, words


@pytest.mark.parametrize("program", ["pomona-fcgi", "pomona-push"])
def test_what_is_wrong_at_the_start_is_said_and_1(server, program):
    path = program_path(program)
    wrong = {
        "a file that is not there": None,
        "an unknown key": "[store]\ncolour = green\n",
        "a number out of range": "[fcgi]\nthreads = 0\n",
        "no store": f"[store]\ndatabase = {server.path('none.db')}\nkey = {server.path('pomona.key')}\n",
        "a key that is none": f"[store]\ndatabase = {server.db}\nkey = {server.conf}\n",
    }
    if program == "pomona-push":
        wrong["no key"] = f"[store]\ndatabase = {server.db}\nkey = {server.path('none.key')}\n"
    for case, text in wrong.items():
        conf = server.path("wrong.conf")
        if text is None:
            conf = server.path("none.conf")
        else:
            with open(conf, "w") as file:
                file.write(text)
        options = ["--listen", server.path("x.sock")] if program == "pomona-fcgi" else []
        done = server.run([path, "--config", conf, *options], check=False)
        assert done.returncode == 1, case
        assert len(done.stderr.splitlines()) == 1 and done.stderr, case
    assert not os.path.exists(server.path("none.db"))


def test_a_key_that_others_may_read_is_refused(own_server):
    own_server.parts.pop("pomona-fcgi").stop()
    os.chmod(own_server.path("pomona.key"), 0o644)
    done = own_server.run([program_path("pomona-fcgi"), "--listen", own_server.socket], check=False)
    assert done.returncode == 1 and b"pomona.key" in done.stderr
    os.chmod(own_server.path("pomona.key"), 0o600)
    own_server.start_fcgi()


def test_init_keeps_what_is_there(own_server):
    device = own_server.enrolled()
    before = open(own_server.device_ca).read()
    own_server.pomona("init", "--server-url", own_server.url, check=False)
    assert open(own_server.device_ca).read() == before
    assert device.idle().status == 200
    goes_round(own_server)


def test_files_with_secrets_are_for_their_owner(server):
    server.issue("private")
    for name in ("pomona.key", "identities/private.key", "identities/private.p12", "pomona.db"):
        assert os.stat(server.path(name)).st_mode & 0o077 == 0, name


def test_identity_is_a_client_certificate_of_the_device_ca(server, device):
    text = subprocess.run(["openssl", "verify", "-CAfile", server.device_ca, "-purpose", "sslclient",
                           device.identity.certificate], capture_output=True, check=False)  # fmt: skip
    assert text.returncode == 0, text.stderr
    p12 = device.identity.certificate.replace(".pem", ".p12")
    shown = subprocess.run(["openssl", "pkcs12", "-in", p12, "-passin", "file:" + p12 + "-password", "-nodes"], capture_output=True, check=False)
    assert shown.returncode == 0 and b"PRIVATE KEY" in shown.stdout, shown.stderr


# ---- the operator's day on the command line, against the running server ----


def test_an_operators_day(server, device):
    listed = server.pomona_json("device", "list")
    assert device.id in [row["id"] for row in listed]
    assert device.serial in server.pomona("device", "show", device.id)
    server.pomona("queue", "add", device.id, "DeviceLock", "Message=Call IT", "PhoneNumber=555")
    server.pomona("queue", "add", device.id, "ProfileList", "ManagedOnly=true", "--priority", "5")
    (first, second) = sorted(server.pomona_json("queue", "list", device.id), key=lambda row: -row["priority"])
    assert (first["request"], second["request"]) == ("ProfileList", "DeviceLock")

    assert device.idle().uuid == first["uuid"]
    reply = device.acknowledge(first["uuid"], ProfileList=[{"PayloadIdentifier": "com.example"}])
    assert reply.command["Command"] == {"RequestType": "DeviceLock", "Message": "Call IT", "PhoneNumber": "555"}
    assert "com.example" in server.pomona("result", "show", first["uuid"])
    assert json.loads(server.pomona("result", "show", first["uuid"], "--json"))["ProfileList"]
    plist = server.pomona("result", "show", first["uuid"], "--plist").encode()
    assert plistlib.loads(plist)["CommandUUID"] == first["uuid"]
    server.pomona("queue", "cancel", second["uuid"])
    assert server.pomona_json("queue", "list", device.id) == []
    server.pomona("queue", "add", device.id, "SecurityInfo")
    server.pomona("queue", "clear", device.id)
    assert device.idle().body == b""


@pytest.mark.parametrize("words", [
    ["queue", "add", "nobody", "ProfileList"],
    ["queue", "add", "DEVICE", "NoSuchRequest"],
    ["queue", "add", "DEVICE", "RemoveProfile"],
    ["queue", "add", "DEVICE", "RemoveProfile", "--args", "{"],
    ["queue", "add", "DEVICE", "DeviceLock", "PIN=1"],
    ["queue", "add", "DEVICE", "EraseDevice"],
    ["queue", "add", "--all", "EraseDevice", "confirm=all"],
    ["queue", "cancel", "no-such-uuid"],
    ["result", "show", "no-such-uuid"],
    ["device", "show", "nobody"],
    ["push", "nobody"],
    ["push-cert", "import", "/nowhere.p12"],
    ["setting", "set", "colour", "green"],
])  # fmt: skip
def test_what_fails_is_1_or_2_and_changes_nothing(server, device, words):
    words = [device.id if word == "DEVICE" else word for word in words]
    done = server.pomona(*words, check=False)
    assert done.returncode in (1, 2) and done.stderr.startswith(b"pomona:"), done
    assert server.sql(f"SELECT * FROM queue WHERE device = {quote(device.id)}") == []


def test_one_unknown_id_among_several_is_named(server, device):
    """The others get the command."""
    done = server.pomona("queue", "add", device.id, "nobody", "ProfileList", check=False)
    assert done.returncode == 1 and b"nobody" in done.stderr
    assert len(server.sql(f"SELECT * FROM queue WHERE device = {quote(device.id)}")) == 1


def test_to_all(own_server):
    devices = [own_server.enrolled() for _ in range(3)]
    gone = own_server.enrolled()
    gone.check_out()
    own_server.pomona("queue", "add", "--all", "SecurityInfo")
    rows = own_server.sql("SELECT device, uuid FROM queue")
    assert {row["device"] for row in rows} == {device.id for device in devices}
    assert len({row["uuid"] for row in rows}) == 1

