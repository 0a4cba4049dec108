"""What devices (and others) are answered, line by line of the table in the design."""

import json
import plistlib

import pytest

from harness.front import FRONT

pytestmark = pytest.mark.core

HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
)


WHO = b"<key>UDID</key><string>@UDID@</string>"
IDLE = b"<key>Status</key><string>Idle</string>" + WHO


def wrapped(inside):
    return HEAD + b'<plist version="1.0">' + inside + b"</plist>\n"


def message(inside):
    """A message that would be good but for INSIDE."""
    return wrapped(b"<dict>" + inside + WHO + b"</dict>")


def send(device, body, **how):
    return device.send(body.replace(b"@UDID@", device.udid.encode()), **how)


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
    if FRONT != "apache-cgi":  # which sends no bytes without saying that it does
        assert reply.headers["Content-Length"] == "0"


BAD_BODIES = {
    "nothing": b"",
    "a word": b"hello",
    "JSON": b'{"Status":"Idle","UDID":"@UDID@"}',
    "HTML": b"<html><body>hi</body></html>",
    "half a plist": HEAD + b'<plist version="1.0"><dict>' + IDLE,
    "two roots": wrapped(b"<dict>" + IDLE + b"</dict><dict/>"),
    "two documents": wrapped(b"<dict>" + IDLE + b"</dict>") * 2,
    "text behind the end": wrapped(b"<dict>" + IDLE + b"</dict>") + b"more",
    "an array": wrapped(b"<array><string>Status</string></array>"),
    "a string": wrapped(b"<string>Status</string>"),
    "an empty dict": wrapped(b"<dict/>"),
    "neither MessageType nor Status": message(b""),
    "a key twice": message(b"<key>Status</key><string>Idle</string>" * 2),
    "a key twice deep inside": message(IDLE + b"<key>x</key><dict><key>a</key><true/><key>a</key><true/></dict>"),
    "a key without a value": message(b"<key>Status</key><string>Idle</string><key>x</key>"),
    "a value without a key": message(b"<key>Status</key><string>Idle</string><true/>"),
    "stray text in a dict": message(b"<key>Status</key><string>Idle</string>stray"),
    "stray text in an array": message(b"<key>Status</key><string>Idle</string><key>x</key><array>stray</array>"),
    "an element in a string": message(b"<key>Status</key><string>Idle<b/></string>"),
    "an unknown element": message(b"<key>Status</key><string>Idle</string><key>x</key><text>y</text>"),
    "an entity of its own": b'<!DOCTYPE plist [<!ENTITY a "Idle">]><plist><dict><key>Status</key><string>&a;</string>'
    + WHO + b"</dict></plist>",
    "broken base64": message(b"<key>Status</key><string>Idle</string><key>x</key><data>!!!</data>"),
    "a broken date": message(b"<key>Status</key><string>Idle</string><key>x</key><date>yesterday</date>"),
    "no number": message(b"<key>Status</key><string>Idle</string><key>x</key><integer>12a</integer>"),
    "a number out of range": message(
        b"<key>Status</key><string>Idle</string><key>x</key><integer>18446744073709551616</integer>"
    ),
    "U+0000": message(b"<key>Status</key><string>Idle</string><key>x</key><string>a\x00b</string>"),
    "a reference to U+0000": message(b"<key>Status</key><string>Idle</string><key>x</key><string>a&#0;b</string>"),
    "not UTF-8": message(b"<key>Status</key><string>Idle</string><key>x</key><string>\xff\xfe\xfd</string>"),
    "a binary plist": plistlib.dumps({"Status": "Idle", "UDID": "@UDID@"}, fmt=plistlib.FMT_BINARY),
    "an over-deep plist": message(
        b"<key>Status</key><string>Idle</string><key>x</key>" + b"<array>" * 2000 + b"</array>" * 2000
    ),
    "an unknown MessageType": message(b"<key>MessageType</key><string>Hello</string>"),
    "a MessageType that is no string": message(b"<key>MessageType</key><integer>1</integer>"),
    "an unknown Status": message(b"<key>Status</key><string>Busy</string>"),
    "a Status that is no string": message(b"<key>Status</key><true/>"),
    "an Idle of nobody": wrapped(b"<dict><key>Status</key><string>Idle</string></dict>"),
}  # fmt: skip


def test_the_message_without_a_fault_is_taken(device):
    """What the bad ones below would be without theirs."""
    reply = send(device, message(b"<key>Status</key><string>Idle</string>"))
    assert reply.status == 200
    extra = b"<key>x</key><array><true/><integer>18446744073709551615</integer><data>AAA=</data></array>"
    assert send(device, message(b"<key>Status</key><string>Idle</string>" + extra)).status == 200


@pytest.mark.parametrize("case", BAD_BODIES)
def test_bad_bodies_are_400(device, case):
    reply = send(device, BAD_BODIES[case])
    assert reply.status == 400
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert len(reply.body.splitlines()) == 1, "one line says why"


def test_a_binary_plist_is_refused_with_that_reason(device):
    reply = send(device, BAD_BODIES["a binary plist"])
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
    reply = send(device, message(IDLE[: -len(WHO)] + b"<key>x</key><array>" + b"<true/>" * 1_200_000 + b"</array>"))
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


def test_a_query_is_passed_over(device):
    body = plistlib.dumps(device.message({"Status": "Idle"}))
    assert device.request("PUT", "/mdm?a=b&c=%2F", body).status == 200


@pytest.mark.resident  # Apache does not tell a CGI program how long such a body is
def test_chunked_bodies_are_taken(device):
    body = plistlib.dumps(device.message({"Status": "Idle"}))
    pieces = (body[i : i + 50] for i in range(0, len(body), 50))
    connection = device.open()
    connection.request("PUT", "/mdm", pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 200
    connection.close()


def test_healthz_and_version(server):
    assert server.get("/healthz") == b"ok\n"
    assert json.loads(server.get("/version"))["version"] in server.pomona("version")


# ---- attacks in XML: refused, and fast ----


def with_dtd(subset, status=b"&a;"):
    """An Idle of the device whose Status is what an entity gives."""
    return (
        b"<!DOCTYPE plist [" + subset + b"]><plist><dict><key>Status</key><string>" + status + b"</string>"
        + WHO + b"</dict></plist>"
    )  # fmt: skip


def billion_laughs():
    levels = [b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 12)]
    return with_dtd(b'<!ENTITY l0 "ha">' + b"".join(levels), b"&l11;")


ATTACKS = {
    "billion laughs": billion_laughs(),
    "quadratic blowup": with_dtd(b'<!ENTITY a "' + b"x" * 60000 + b'">', b"&a;" * 60000),
    "an external entity": with_dtd(b'<!ENTITY a SYSTEM "@FILE@">'),
    "an external entity over the network": with_dtd(b'<!ENTITY a SYSTEM "http://127.0.0.1:9/x">'),
    "a parameter entity": with_dtd(b'<!ENTITY % a SYSTEM "@FILE@"> %a;', b"Idle"),
    "an external subset of its own": b'<!DOCTYPE plist SYSTEM "@FILE@" [<!ENTITY b "c">]><plist><dict>'
    + IDLE + b"</dict></plist>",
    "an internal subset that does nothing": with_dtd(b"<!ELEMENT plist ANY>", b"Idle"),
    "XInclude": message(
        b'<key>Status</key><string>Idle</string><key>x</key><string><xi:include parse="text" '
        b'xmlns:xi="http://www.w3.org/2001/XInclude" href="@FILE@"/></string>'
    ),
    "a loop": with_dtd(b'<!ENTITY a "&b;"><!ENTITY b "&a;">'),
    "names without end": b"<plist><" + b"a" * 1_000_000 + b"/></plist>",
    "a comment without end": b"<plist><!--" + b"-x" * 500_000,
    "a million levels": b"<plist>" + b"<array>" * 1_000_000,
}  # fmt: skip


@pytest.fixture
def idle_file(server):
    """What an external entity would read: the right word."""
    path = server.path("idle.txt")
    with open(path, "w") as file:
        file.write("Idle")
    return b"file://" + path.encode()


@pytest.mark.parametrize("attack", ATTACKS)
def test_xml_attacks_are_refused(device, idle_file, attack):
    reply = send(device, ATTACKS[attack].replace(b"@FILE@", idle_file))
    assert reply.status in (400, 413)


@pytest.mark.measured
@pytest.mark.nginx  # others hand a body on as it comes, and its way is in the time
@pytest.mark.parametrize("attack", ATTACKS)
def test_xml_attacks_take_no_time_and_no_memory(server, device, attack):
    """10 ms in the responder (the best of several tries, as the machine has other work too), 32 MiB."""
    device.idle()
    server.fcgi.forget_peak()
    before = server.fcgi.resident_kib()
    for _ in range(5):
        send(device, ATTACKS[attack])
    assert server.fcgi.peak_kib() - before < 32 * 1024
    lines = [line for line in server.fcgi.output().splitlines() if "msg=request" in line][-5:]
    micros = [int(word[3:]) for line in lines for word in line.split() if word.startswith("us=")]
    assert len(micros) == 5 and min(micros) < 10_000, f"in the responder: {micros} us"
