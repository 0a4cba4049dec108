"""What devices (and others) are answered, line by line of the table in the design."""

import json
import plistlib
import time

import pytest

HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
)


def wrapped(inside):
    return HEAD + b'<plist version="1.0">' + inside + b"</plist>\n"


def test_accepted_check_in_is_200_and_empty(device):
    for reply in (device.authenticate(), device.token_update(), device.check_out()):
        assert (reply.status, reply.body) == (200, b"")


def test_command_waiting_is_200_and_the_command(server, device):
    uuid = server.queue(device, "DeviceLock", {"Message": "Call <IT> & ask"})
    reply = device.idle()
    assert reply.status == 200
    assert reply.headers["Content-Type"].split(";")[0] == "application/xml"
    assert plistlib.loads(reply.body) == {
        "CommandUUID": uuid,
        "Command": {"RequestType": "DeviceLock", "Message": "Call <IT> & ask"},
    }
    assert reply.body.startswith(HEAD)


def test_nothing_waiting_is_200_and_empty(device):
    reply = device.idle()
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Content-Length"] == "0"


BAD_BODIES = {
    "nothing": b"",
    "a word": b"hello",
    "JSON": b'{"Status":"Idle"}',
    "HTML": b"<html><body>hi</body></html>",
    "half a plist": HEAD + b'<plist version="1.0"><dict><key>Status</key>',
    "two roots": wrapped(b"<dict/><dict/>"),
    "an array": wrapped(b"<array><string>Status</string></array>"),
    "a string": wrapped(b"<string>Status</string>"),
    "an empty dict": wrapped(b"<dict/>"),
    "neither MessageType nor Status": wrapped(b"<dict><key>UDID</key><string>x</string></dict>"),
    "a key twice": wrapped(b"<dict><key>Status</key><string>Idle</string><key>Status</key><string>Idle</string></dict>"),
    "a key without a value": wrapped(b"<dict><key>Status</key></dict>"),
    "stray text": wrapped(b"<dict>stray<key>Status</key><string>Idle</string></dict>"),
    "an unknown element": wrapped(b"<dict><key>Status</key><text>Idle</text></dict>"),
    "an entity of its own": b'<!DOCTYPE plist [<!ENTITY a "Idle">]>'
    + b"<plist><dict><key>Status</key><string>&a;</string></dict></plist>",
    "broken base64": wrapped(b"<dict><key>Status</key><data>!!!</data></dict>"),
    "a broken date": wrapped(b"<dict><key>Status</key><date>yesterday</date></dict>"),
    "a number out of range": wrapped(b"<dict><key>Status</key><integer>99999999999999999999</integer></dict>"),
    "U+0000": wrapped(b"<dict><key>Status</key><string>Id\x00le</string></dict>"),
    "a reference to U+0000": wrapped(b"<dict><key>Status</key><string>Id&#0;le</string></dict>"),
    "not UTF-8": wrapped(b"<dict><key>Status</key><string>\xff\xfe\xfd</string></dict>"),
    "a binary plist": plistlib.dumps({"Status": "Idle"}, fmt=plistlib.FMT_BINARY),
    "an over-deep plist": wrapped(b"<array>" * 2000 + b"</array>" * 2000),
    "an unknown MessageType": wrapped(b"<dict><key>MessageType</key><string>Hello</string></dict>"),
    "a MessageType that is no string": wrapped(b"<dict><key>MessageType</key><integer>1</integer></dict>"),
    "an unknown Status": wrapped(b"<dict><key>Status</key><string>Busy</string></dict>"),
    "a Status that is no string": wrapped(b"<dict><key>Status</key><true/></dict>"),
    "an Idle of nobody": wrapped(b"<dict><key>Status</key><string>Idle</string></dict>"),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_bad_bodies_are_400(device, case):
    reply = device.send(BAD_BODIES[case])
    assert reply.status == 400
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert len(reply.body.splitlines()) == 1, "one line says why"


def test_a_binary_plist_is_refused_with_that_reason(device):
    reply = device.send(BAD_BODIES["a binary plist"])
    assert b"binary" in reply.body.lower()


GOOD_ENCODINGS = {
    "UTF-8 with a BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16"),
    "no declaration": lambda text: text.split("?>\n", 1)[1].encode(),
    "Windows line ends": lambda text: text.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("case", GOOD_ENCODINGS)
def test_encodings(device, case):
    text = plistlib.dumps(device.message({"Status": "Idle"})).decode()
    assert device.send(GOOD_ENCODINGS[case](text)).status == 200


def test_acknowledged_without_a_uuid_is_400(device):
    assert device.report("Acknowledged").status == 400
    assert device.report("Acknowledged", CommandUUID=5).status == 400


@pytest.mark.parametrize("path", ["/mdm", "/checkin", "/server"])
def test_too_large_is_413(device, path):
    reply = device.send(b" " * (16 * 1024 * 1024 + 1), path=path)
    assert reply.status == 413
    device.close()
    assert device.idle().status == 200


def test_the_largest_body_is_taken(server, device):
    """Just under the cap; the answer to a command with a file's worth of data."""
    uuid = server.queue(device, "CertificateList")
    device.idle()
    data = bytes(range(256)) * 45000
    reply = device.acknowledge(uuid, CertificateList=[{"CommonName": "big", "Data": data, "IsIdentity": False}])
    assert reply.status == 200
    assert server.state(device, uuid) == "acknowledged"


def test_too_many_nodes_are_refused(device):
    reply = device.send(wrapped(b"<array>" + b"<true/>" * 1_200_000 + b"</array>"))
    assert reply.status in (400, 413)


def test_unknown_device_is_403(server, unknown_device):
    """Its certificate is good; nobody has enrolled with it."""
    for reply in (unknown_device.idle(), unknown_device.acknowledge("x"), unknown_device.check_out()):
        assert reply.status == 403
        assert reply.headers["Content-Type"].startswith("text/plain")
        assert reply.body


def test_never_401(server, device, unknown_device):
    seen = {
        device.request_as(None, "PUT", "/mdm").status,
        device.request_as(None, "GET", "/mdm").status,
        unknown_device.idle().status,
        unknown_device.token_update().status,
        device.request("PUT", "/nothing").status,
    }
    assert 401 not in seen


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_405(device, method):
    reply = device.request(method, "/mdm")
    assert reply.status == 405
    assert reply.headers["Allow"] == "PUT, POST"


@pytest.mark.parametrize("path", ["/", "/mdm/", "/mdm/x", "/MDM", "/checkin.php", "/mdm%0a", "/v1/commands", "/mdm/../etc"])
def test_other_paths_are_404(device, path):
    assert device.request("PUT", path).status in (400, 404)


def test_query_and_chunked_bodies_are_taken(device):
    body = plistlib.dumps(device.message({"Status": "Idle"}))
    assert device.request("PUT", "/mdm?a=b&c=%2F", body).status == 200
    pieces = (body[i : i + 50] for i in range(0, len(body), 50))
    connection = device.open()
    connection.request("PUT", "/mdm", pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 200
    connection.close()


def test_healthz_and_version(server):
    assert server.get("/healthz") == b"ok\n"
    assert json.loads(server.get("/version"))["version"] in server.pomona("version")


# ---- attacks in XML: refused, and fast ----


def billion_laughs():
    entities = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12)
    )
    return b"<!DOCTYPE plist [" + entities + b"]><plist><dict><key>Status</key><string>&a11;</string></dict></plist>"


def quadratic_blowup():
    return (
        b'<!DOCTYPE plist [<!ENTITY a "' + b"x" * 60000 + b'">]><plist><dict><key>Status</key><string>'
        + b"&a;" * 60000 + b"</string></dict></plist>"
    )  # fmt: skip


ATTACKS = {
    "billion laughs": billion_laughs(),
    "quadratic blowup": quadratic_blowup(),
    "an external entity": b'<!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b"<plist><dict><key>Status</key><string>&a;</string></dict></plist>",
    "an external entity over the network": b'<!DOCTYPE plist [<!ENTITY a SYSTEM "http://127.0.0.1:9/x">]>'
    b"<plist><dict><key>Status</key><string>&a;</string></dict></plist>",
    "a parameter entity": b'<!DOCTYPE plist [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>'
    b"<plist><dict><key>Status</key><string>Idle</string></dict></plist>",
    "an internal subset that does nothing": b"<!DOCTYPE plist [<!ELEMENT plist ANY>]>"
    b"<plist><dict><key>Status</key><string>Idle</string></dict></plist>",
    "XInclude": wrapped(
        b'<dict><key>Status</key><string><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" '
        b'href="file:///etc/passwd"/></string></dict>'
    ),
    "a loop": b'<!DOCTYPE plist [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'
    b"<plist><dict><key>Status</key><string>&a;</string></dict></plist>",
    "ten thousand attributes": b"<plist " + b" ".join(b'a%d="x"' % i for i in range(10000)) + b"><dict/></plist>",
    "names without end": b"<plist><" + b"a" * 1_000_000 + b"/></plist>",
    "a comment without end": b"<plist><!--" + b"-x" * 500_000,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_xml_attacks_are_refused(device, attack):
    reply = device.send(ATTACKS[attack])
    assert reply.status in (400, 413)
    assert b"root:" not in reply.body


@pytest.mark.measured
@pytest.mark.parametrize("attack", ATTACKS)
def test_xml_attacks_take_no_time_and_no_memory(server, device, attack):
    """The best of several tries, as the machine has other work too."""
    before = server.fcgi.resident_kib()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        device.send(ATTACKS[attack])
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1, "through TLS, nginx and back"
    assert server.fcgi.peak_kib() < max(before, 0) + 32 * 1024 + 64 * 1024
    served = [line for line in server.fcgi.output().splitlines() if "msg=request" in line][-5:]
    micros = [int(word[3:]) for line in served for word in line.split() if word.startswith("us=")]
    assert len(micros) == 5 and min(micros) < 10_000, f"in the responder: {micros} us"
