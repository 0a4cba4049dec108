"""The site file: TLS as it should be, limits, and plain answers in place of nginx's pages."""

import socket
import ssl
import subprocess

import pytest

from harness import wait_for
from harness.front import FRONT
from harness.pki import openssl


def connect(device, identity=None, **options):
    context = device.context(identity=identity, **options)
    raw = socket.create_connection(("127.0.0.1", device.server.port), timeout=20)
    return context.wrap_socket(raw, server_hostname="localhost", session=None)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions(device, version):
    with connect(device, device.identity, minimum_version=version, maximum_version=version) as tls:
        assert tls.version() == version.name.replace("_", ".")
        tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert tls.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_tls_is_refused(server, version):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", version, "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode != 0


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"])
def test_weak_ciphers_are_refused(server, cipher):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0"],
        input=b"", capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode != 0


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_session_is_resumed_from_the_cache(server, device, version):
    """With the client's certificate, which then is not sent again; and without tickets."""
    session = server.path(f"session{version}.pem")
    request = b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    usual = [
        "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", server.tls_ca, version, "-ign_eof",
        "-cert", device.identity.certificate, "-key", device.identity.key,
    ]  # fmt: skip
    first = openssl(*usual, "-sess_out", session, input=request)
    assert b"New, TLSv1" in first and b"HTTP/1.1 200" in first
    again = openssl(*usual, "-sess_in", session, input=request)
    assert b"Reused, TLSv1" in again
    if version == "-tls1_2":
        assert b"TLS session ticket:" not in first, "tickets are off"


def test_a_resumed_session_still_knows_the_device(server, device):
    context = device.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    body = b'<plist version="1.0"><dict><key>Status</key><string>Idle</string><key>UDID</key><string>%s</string></dict></plist>'
    body %= device.udid.encode()
    request = b"PUT /mdm HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    session = None
    for resumed in (False, True):
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        with context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
            assert tls.session_reused is resumed
            tls.sendall(request)
            assert tls.recv(12) == b"HTTP/1.1 200"
            session = tls.session


def test_the_names_of_acceptable_cas_are_sent(server):
    """A device with several identities picks the right one by them."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", server.tls_ca, "-tls1_2"],
        input=b"", capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert b"Acceptable client certificate CA names" in done.stdout


def test_no_version_is_told(device):
    assert "/" not in device.request("GET", "/nothing").headers["Server"]


def test_other_paths_take_small_bodies_only(device):
    reply = device.request("POST", "/version", b"x" * 70000)
    assert reply.status == 413 and reply.body == b"the message is too large\n"
    device.close()


def test_unreadable_requests_get_a_plain_answer(device):
    with connect(device) as tls:
        tls.sendall(b"GET /\x01 HTTP/9.9\r\n\r\n")
        answer = tls.recv(4096)
    assert b"400" in answer and b"<html>" not in answer.lower()


def test_long_request_lines_are_taken(device):
    """SCEP messages come in the query of a GET."""
    assert device.request("GET", "/version?message=" + "x" * 16000).status == 200


def test_the_responder_is_away(own_server):
    """503 and Retry-After, in plain text; and all is well when it is back."""
    device = own_server.enrolled()
    own_server.parts.pop("pomona-fcgi").stop()
    reply = device.idle()
    assert reply.status == 503
    assert int(reply.headers["Retry-After"]) > 0
    assert reply.headers["Content-Type"].startswith("text/plain")
    own_server.start_fcgi()
    wait_for(lambda: device.idle().status == 200, "the responder to be back")


def answer_of(connection, body):
    """Once more when the connection was closed meanwhile, as Apache does when it is short of threads."""
    try:
        answer = connection.getresponse()
    except ConnectionError:
        connection.close()
        connection.request("PUT", "/mdm", body)
        answer = connection.getresponse()
    answer.read()
    return answer.status


def test_more_connections_than_threads(make_server):
    """Idle kept connections of the web server hold threads; everybody has to be served all the same."""
    server = make_server(threads=16 if FRONT == "nginx" else 20)  # Apache keeps up to 8 a child
    try:
        device = server.enrolled()
        connections = [device.open() for _ in range(60)]
        body = b'<plist version="1.0"><dict><key>Status</key><string>Idle</string><key>UDID</key><string>%s</string></dict></plist>'
        body %= device.udid.encode()
        for _ in range(3):
            for connection in connections:
                connection.request("PUT", "/mdm", body)
            for connection in connections:
                assert answer_of(connection, body) == 200
        for connection in connections:
            connection.close()
    finally:
        server.stop()


def test_plain_http_to_the_tls_port(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
        plain.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = plain.recv(4096)
    assert b" 400 " in answer and b"<html>" not in answer.lower()
