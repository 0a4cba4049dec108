"""Who is calling without a client certificate in TLS: a load balancer's header, a device's signature; and who only
pretends."""

import base64
import hashlib
import plistlib
import socket
import ssl
import urllib.parse

import pytest

from harness import wait_for
from harness.front import is_apache
from harness.pki import openssl
from harness.process import program_path
from harness.server import SqlError, quote
from test_ca import Elsewhere

pytestmark = pytest.mark.core

NOBODY = None  # no certificate in TLS


def pem_of(identity):
    with open(identity.certificate) as file:
        return file.read()


def body_of(device, **keys):
    return plistlib.dumps(device.message({"Status": "Idle", **keys}))


def put(device, headers, body=None, path="/mdm"):
    return device.request_as(NOBODY, "PUT", path, body_of(device) if body is None else body, headers)


def refused(server, device, headers, body=None, path="/mdm"):
    """403, and nothing has happened; a device that waits for a command does not get it."""
    before = server.everything("enrollment", "delivery")
    reply = put(device, headers, body, path)
    assert b"<plist" not in reply.body
    assert server.everything("enrollment", "delivery") == before
    return reply.status == 403


# ---- a load balancer's header ----


def base64_of(identity):
    return base64.b64encode(identity.der()).decode()


def escaped_pem(identity):
    return urllib.parse.quote(pem_of(identity), safe="")


def rfc9440(identity):
    return f":{base64_of(identity)}:"


def xfcc(identity, **more):
    pairs = {"By": "spiffe://proxy", "Hash": hashlib.sha256(identity.der()).hexdigest(), **more}
    front = "".join(f"{key}={value};" for key, value in pairs.items() if value is not None)
    return f'{front}Cert="{escaped_pem(identity)}";Subject="CN=a \\"b\\", O=c";URI='


FORMS = {
    "pem": ("X-Client-Cert", escaped_pem),
    "rfc9440": ("Client-Cert", rfc9440),
    "base64": ("X-Ssl-Client-Cert", base64_of),
    "xfcc": ("X-Forwarded-Client-Cert", xfcc),
}
ADDRESSES = {
    "its address": ("127.0.0.1", True),
    "a range of it": ("192.0.2.1, 127.0.0.0/8", True),
    "as IPv6": ("::ffff:127.0.0.1", True),
    "others": ("127.0.0.2 10.0.0.0/8 2001:db8::/32 ::1", False),
}


def let_through(server, header):
    """What an administrator changes in the site file to believe a balancer."""
    if is_apache(server.front):
        return {f"RequestHeader unset {header} ": f"# {header} ", "# Require ip 192.0.2.10": "Require ip 127.0.0.0/8"}
    param = "HTTP_" + header.upper().replace("-", "_")
    return {f"fastcgi_param {param} ": f"# {param} ", "# 192.0.2.10 1;": "127.0.0.0/8 1;"}


def restart(server, form, addresses):
    header = FORMS[form][0] if form else None
    server.write_conf(
        peer={"certificate_header": header, "certificate_form": form, "certificate_from": addresses} if form else None
    )
    if "pomona-fcgi" in server.parts:
        server.parts.pop("pomona-fcgi").stop()
        server.start_fcgi()
    server.restart_front(let_through(server, header) if form else None)


@pytest.fixture(scope="module")
def balanced(make_server):
    """A server behind a load balancer; tests say what it believes."""
    server = make_server()
    server.device = server.enrolled()
    yield server
    server.device.close()
    server.stop()


@pytest.fixture(scope="module", params=FORMS)
def believing(balanced, request):
    """It believes the header in this form, from 127.0.0.1."""
    balanced.form = request.param
    balanced.header, balanced.write = FORMS[request.param]
    restart(balanced, request.param, "127.0.0.1")
    return balanced


def test_header_from_the_balancer(believing):
    device, header = believing.device, {believing.header: believing.write(believing.device.identity)}
    assert put(device, header).status == 200
    uuid = believing.queue(device, "ProfileList")
    assert plistlib.loads(put(device, header).body)["CommandUUID"] == uuid
    answer = body_of(device, Status="Acknowledged", CommandUUID=uuid, ProfileList=[])
    assert put(device, header, answer).status == 200
    assert believing.state(device, uuid) == "acknowledged"
    # One that enrolls in this way can go on in TLS.
    new = believing.new_device()
    header = {believing.header: believing.write(new.identity)}
    keys = {"MessageType": "Authenticate", "Topic": new.topic, "SerialNumber": new.serial}
    assert put(new, header, plistlib.dumps(new.message(keys)), "/checkin").status == 200
    assert new.token_update().status == 200
    new.close()


def test_header_of_somebody_else(believing, pki):
    """No certificate of the device CA; and not this device's."""
    device, other = believing.device, believing.enrolled()
    ca = pki.make_ca("header-ca")
    strangers = [pki.issue(ca, "header-stranger", "/CN=stranger"), ca, pki.tls, other.identity]
    for stranger in strangers:
        assert refused(believing, device, {believing.header: believing.write(stranger)})
    other.close()


def test_header_with_a_certificate_that_may_not(believing, pki, second_ca):
    """Expired, not for clients, or out of the hands of a device that plays the CA; and a good one, as a counter-check."""
    believe(believing, second_ca)
    device = believing.new_device(identity=pki.issue(second_ca, f"good-{believing.form}", "/CN=good"))
    good = {believing.header: believing.write(device.identity)}
    authenticate = plistlib.dumps(device.message({"MessageType": "Authenticate", "Topic": device.topic}))
    wait_for(lambda: put(device, good, authenticate, "/checkin").status == 200, "the second CA to be believed")
    bad = {
        "expired": pki.issue(second_ca, f"old-{believing.form}", "/CN=old", days=-1),
        "purpose": pki.issue(second_ca, f"tls-{believing.form}", "/CN=tls", "extendedKeyUsage=serverAuth"),
        "CA": pki.issue(device.identity, f"child-{believing.form}", "/CN=child"),
    }
    for reason, identity in bad.items():
        header = {believing.header: believing.write(identity)}
        assert reason.encode() in put(device, header, authenticate, "/checkin").body or reason == "CA"
        assert refused(believing, device, header, authenticate, "/checkin")


def test_header_that_cannot_be_read(believing):
    for value in ("", "x", "::", ":", '"', "%", "%zz", "Cert=", 'Cert="', "By=x", "=" * 30000, "%00", "-----BEGIN CERTIFICATE-----"):
        assert refused(believing, believing.device, {believing.header: value}), value[:40]


def test_header_cut_short_or_changed(believing):
    good = believing.write(believing.device.identity)
    for bad in (good[: len(good) // 2], good[len(good) // 2 :], good + "A", "A" + good, f"{good}, {good}"):
        if believing.form == "xfcc" and good in bad:
            continue  # see test_envoy_elements
        if believing.form == "pem" and "," not in bad and good in bad:
            continue  # what stands around the PEM's marks does not matter
        assert refused(believing, believing.device, {believing.header: bad}), bad[:40]


def test_two_headers(believing):
    """One may be the client's own: nobody is believed, or, where the web server joins them, the last element of Envoy's."""
    device, other = believing.device, believing.issue()
    values = [believing.write(other), believing.write(device.identity)]
    before = believing.everything("enrollment", "delivery")
    for pair in (values, values[::-1]):
        connection = device.open(identity=NOBODY)
        connection.putrequest("PUT", "/mdm")
        for value in pair:
            connection.putheader(believing.header, value)
        body = body_of(device)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        status = connection.getresponse().status
        connection.close()
        joined = is_apache(believing.front) and believing.form == "xfcc" and pair is values
        assert status == (200 if joined else 403)
    assert believing.everything("enrollment", "delivery") == before


def test_certificate_in_tls_comes_first(believing):
    """A header cannot make a device another one."""
    other = believing.enrolled()
    header = {believing.header: believing.write(believing.device.identity)}
    reply = other.request_as(other.identity, "PUT", "/mdm", body_of(believing.device), header)
    assert reply.status == 403
    assert other.request_as(other.identity, "PUT", "/mdm", body_of(other), header).status == 200
    other.close()


def test_header_with_a_signature_of_the_right_one(believing):
    """The first proof decides; a good one behind it does not mend it."""
    device = believing.device
    headers = {believing.header: believing.write(believing.issue()), **signed(device, body_of(device))}
    assert refused(believing, device, headers)


@pytest.mark.parametrize("addresses", ADDRESSES)
def test_where_the_header_comes_from(balanced, addresses):
    text, believed = ADDRESSES[addresses]
    restart(balanced, "rfc9440", text)
    header = {"Client-Cert": rfc9440(balanced.device.identity)}
    if believed:
        assert put(balanced.device, header).status == 200
    else:
        assert refused(balanced, balanced.device, header)


def test_envoy_elements(balanced):
    """The last one is what the proxy next to us has written; a Hash must fit."""
    restart(balanced, "xfcc", "127.0.0.1")
    device, other = balanced.device, balanced.issue()
    mine, foreign = xfcc(device.identity), xfcc(other)
    taken = [mine, f"{foreign},{mine}", f"{foreign}, {mine}", xfcc(device.identity, Hash=None)]
    taken += [xfcc(device.identity, Hash=hashlib.sha256(device.identity.der()).hexdigest().upper())]
    for value in taken:
        assert put(device, {"X-Forwarded-Client-Cert": value}).status == 200
    wrong = [
        f"{mine},{foreign}", f"{mine},By=x", f"{mine},", xfcc(device.identity, Hash="0" * 64),
        xfcc(device.identity, Hash="0"), f"{mine};{foreign}", f'By="x,{mine}', f"{mine};By=\"x",
        f"Hash={hashlib.sha256(device.identity.der()).hexdigest()}", mine.replace("Cert=", "Chain="),
    ]  # fmt: skip
    for value in wrong:
        assert refused(balanced, device, {"X-Forwarded-Client-Cert": value}), value[:60]


def test_switched_off(balanced):
    """As it is delivered; and where the site file lets headers through, but pomona.conf knows of none."""
    device = balanced.device
    restart(balanced, None, None)
    for edit in ({}, *(let_through(balanced, header) for header, _ in FORMS.values())):
        balanced.restart_front(edit)
        for header, write in FORMS.values():
            assert refused(balanced, device, {header: write(device.identity)})


def test_the_site_file_keeps_headers_out(balanced):
    """Where pomona.conf believes one, but the site file was not told."""
    device = balanced.device
    for form, (header, write) in FORMS.items():
        restart(balanced, form, "127.0.0.1")
        edit = let_through(balanced, header)
        edit.pop(next(iter(edit)))
        balanced.restart_front(edit)
        assert refused(balanced, device, {header: write(device.identity)})


IMITATIONS = (
    "Ssl-Client-Cert", "SSL_CLIENT_CERT", "SSL-CLIENT-CERT", "HTTP_SSL_CLIENT_CERT", "X-SSL-Client-Cert", "Proxy",
    "REDIRECT_SSL_CLIENT_CERT", "Proxy-SSL_CLIENT_CERT", "SSL_CLIENT_CERT\t", "ssl_client_cert",
)  # fmt: skip


@pytest.mark.parametrize("name", IMITATIONS)
def test_headers_that_imitate_parameters(server, device, name):
    verify = name.replace("CERT", "VERIFY").replace("Cert", "Verify").replace("cert", "verify")
    for value in (escaped_pem(device.identity), pem_of(device.identity).replace("\n", " ")):
        headers = {name: value, verify: "SUCCESS"}
        try:
            assert refused(server, device, headers)
        except AssertionError:
            assert put(device, headers).status == 400  # not a header's name
    assert device.idle().status == 200


WRONG_CONF = {
    "no form": {"certificate_header": "Client-Cert", "certificate_from": "127.0.0.1"},
    "an unknown form": {"certificate_header": "Client-Cert", "certificate_form": "der", "certificate_from": "127.0.0.1"},
    "no address": {"certificate_header": "Client-Cert", "certificate_form": "pem"},
    "no name of a header": {"certificate_header": "Client Cert", "certificate_form": "pem", "certificate_from": "::1"},
    "a parameter": {"certificate_header": "SSL_CLIENT_CERT", "certificate_form": "pem", "certificate_from": "::1"},
    "the signature": {"certificate_header": "mdm-signature", "certificate_form": "pem", "certificate_from": "::1"},
    **{
        f"the address {text}": {"certificate_header": "Client-Cert", "certificate_form": "pem", "certificate_from": text}
        for text in ("localhost", "127.0.0.1/33", "127.0.0.1/", "0.0.0.0/0", "::/0", "1.2.3", "127.0.0.1/-8", "::1/129")
    },
}


@pytest.mark.nginx
@pytest.mark.parametrize("what", WRONG_CONF)
def test_a_wrong_configuration_is_told(own_server, what):
    own_server.write_conf(peer=WRONG_CONF[what])
    own_server.parts.pop("pomona-fcgi").stop()
    done = own_server.run([program_path("pomona-fcgi"), "--listen", own_server.socket], check=False)
    assert done.returncode == 1 and b"certificate_" in done.stderr


# ---- Mdm-Signature ----


def sign(identity, body, *options, outform="DER"):
    """The detached signature, as the openssl command makes it."""
    return openssl(
        "cms", "-sign", "-binary", "-signer", identity.certificate, "-inkey", identity.key, "-outform", outform, *options,
        input=body,
    )  # fmt: skip


def indefinite(cms):
    """The same in BER: the outermost length is not told."""
    octets = cms[1] & 0x7F if cms[1] & 0x80 else 0
    return cms[:1] + b"\x80" + cms[2 + octets :] + b"\0\0"


def signed(device, body, *options, identity=None):
    cms = sign(identity or device.identity, body, *options)
    return {"Mdm-Signature": base64.b64encode(cms).decode()}


# ---- a CA of our own beside the server's ----


@pytest.fixture(scope="module")
def second_ca(pki):
    """Believed as the device CA is, but we have its key: it issues what Pomona would not."""
    return pki.make_ca("second-device-ca")


def believe(server, ca):
    """Both are in the store (a CA may come with more certificates); running servers notice within a second."""
    server.sql(
        f"UPDATE authority SET certificate = certificate || {quote(pem_of(ca))} WHERE role = 'issuing' "
        f"AND instr(certificate, {quote(pem_of(ca))}) = 0"
    )



@pytest.fixture(scope="module")
def signing(make_server, second_ca):
    """A server that believes a second CA as well."""
    server = make_server()
    believe(server, second_ca)
    yield server
    server.stop()


@pytest.fixture
def signer(signing):
    """A device that signs with its RSA key, as real ones do, and has a command waiting."""
    device = signing.enrolled(ec=False)
    device.uuid = signing.queue(device, "ProfileList")
    yield device
    device.close()


WAYS = {
    "SHA-256": [],
    "SHA-384": ["-md", "sha384"],
    "SHA-512": ["-md", "sha512"],
    "SHA-1": ["-md", "sha1"],
    "BER, streamed": ["-stream"],
    "BER, SHA-1": ["-stream", "-md", "sha1"],
    "no signed attributes": ["-noattr"],
    "no S/MIME capabilities": ["-nosmimecap"],
    "signer by key id": ["-keyid"],
}


@pytest.mark.parametrize("way", WAYS)
def test_signature(signing, signer, way):
    body = body_of(signer)
    reply = put(signer, signed(signer, body, *WAYS[way]), body)
    assert reply.status == 200 and plistlib.loads(reply.body)["CommandUUID"] == signer.uuid
    answer = body_of(signer, Status="Acknowledged", CommandUUID=signer.uuid, ProfileList=[])
    assert put(signer, signed(signer, answer, *WAYS[way]), answer).status == 200
    assert signing.state(signer, signer.uuid) == "acknowledged"


def test_signature_in_ber(signing, signer):
    """Of indefinite length: detached; and with its content, as openssl makes it when it streams."""
    body = body_of(signer)
    detached, streamed = indefinite(sign(signer.identity, body)), sign(signer.identity, body, "-stream")
    for cms in (detached, streamed):
        assert cms[:2] == b"\x30\x80"
        assert put(signer, {"Mdm-Signature": base64.b64encode(cms).decode()}, body).status == 200
    other = body_of(signer, Status="NotNow", CommandUUID=signer.uuid)
    for cms in (detached, streamed):
        assert refused(signing, signer, {"Mdm-Signature": base64.b64encode(cms).decode()}, other)


def test_a_whole_enrollment_by_signature(signing):
    device = signing.new_device()
    for keys in (
        {"MessageType": "Authenticate", "Topic": device.topic, "SerialNumber": device.serial},
        {"MessageType": "TokenUpdate", "Topic": device.topic, "Token": device.token, "PushMagic": device.magic},
    ):
        body = plistlib.dumps(device.message(keys))
        assert put(device, signed(device, body), body, "/checkin").status == 200
    assert signing.device_row(device)["state"] == "enrolled"
    assert device.idle().status == 200, "it is the same certificate in TLS"
    device.close()


def test_large_messages(signing, signer):
    """An app list; from a device that is enrolled."""
    signer.idle()
    apps = [{"Identifier": f"com.example.app{number}", "Name": "x" * 200} for number in range(4000)]
    body = body_of(signer, Status="Acknowledged", CommandUUID=signer.uuid, ProfileList=apps)
    assert len(body) > 1 << 20
    stranger = signing.issue()
    assert refused(signing, signer, signed(signer, body, identity=stranger), body)
    assert refused(signing, signer, signed(signer, body + b" "), body)
    assert refused(signing, signer, {"Mdm-Signature": "AAAA"}, body)
    assert put(signer, signed(signer, body), body).status == 200
    assert signing.state(signer, signer.uuid) == "acknowledged"


def test_the_certificate_in_tls_decides(signing, signer):
    """With a certificate, the signature is not looked at; and cannot make a device another one."""
    other, body = signing.enrolled(), body_of(signer)
    assert signer.request_as(signer.identity, "PUT", "/mdm", body, {"Mdm-Signature": "broken"}).uuid == signer.uuid
    reply = other.request_as(other.identity, "PUT", "/mdm", body, signed(signer, body))
    assert reply.status == 403 and b"<plist" not in reply.body
    other.close()


def broken_signatures(server, signer, pki, second_ca):
    """Name, header's value and body of what is not to be believed."""
    body, other = body_of(signer), server.issue()
    good = signed(signer, body)["Mdm-Signature"]
    cms = base64.b64decode(good)
    alone = pki.issue(pki.make_ca("signature-ca"), "foreign", "/CN=foreign")
    itself = pki.make_ca("itself")
    expired = pki.issue(second_ca, "signs-late", "/CN=late", days=-1)
    tls = pki.issue(second_ca, "signs-tls", "/CN=tls", "extendedKeyUsage=serverAuth")
    child = pki.issue(signer.identity, "child", "/CN=child")

    def by(identity, *options):
        return base64.b64encode(sign(identity, body, *options)).decode()

    def changed(at):
        return base64.b64encode(cms[:at] + bytes([cms[at] ^ 1]) + cms[at + 1 :]).decode()

    return {
        "nothing signed": ("MA==", body),
        "no base64": ("?" + good, body),
        "no CMS": (base64.b64encode(b"hello" * 100).decode(), body),
        "cut short": (base64.b64encode(cms[:-1]).decode(), body),
        "half of it": (good[: len(good) // 2], body),
        "a bit of the signature": (changed(len(cms) - 10), body),
        "a bit of the certificate": (changed(len(cms) // 2 - len(cms) // 4), body),
        "another body": (good, body_of(signer, Status="NotNow", CommandUUID=signer.uuid)),
        "a blank behind the body": (good, body + b" "),
        "line ends changed": (good, body.replace(b"\n", b"\r\n")),
        "no body": (good, b""),
        "another device's": (by(other), body),
        "a foreign CA's": (by(alone), body),
        "self-signed": (by(itself), body),
        "expired": (by(expired), body),
        "not for clients": (by(tls), body),
        "a device plays the CA": (by(child, "-certfile", signer.identity.certificate), body),
        "without a certificate": (by(signer.identity, "-nocerts"), body),
        "with the content of another": (
            base64.b64encode(sign(signer.identity, b"<plist/>", "-nodetach")).decode(), body
        ),
        "two signers": (by(signer.identity, "-signer", other.certificate, "-inkey", other.key), body),
        "encrypted": (base64.b64encode(openssl("cms", "-encrypt", "-outform", "DER", signer.identity.certificate, input=body)).decode(), body),
        "MD5": (by(signer.identity, "-md", "md5"), body),
        "a mere certificate": (base64_of(signer.identity), body),
    }  # fmt: skip


def test_signatures_that_are_refused(signing, signer, pki, second_ca):
    cases = broken_signatures(signing, signer, pki, second_ca)
    wrong = [name for name, (value, body) in cases.items() if not refused(signing, signer, {"Mdm-Signature": value}, body)]
    assert not wrong
    body = body_of(signer)
    assert put(signer, signed(signer, body), body).status == 200, "the device was not at fault"


def test_the_second_ca_is_believed(signing, pki, second_ca):
    """So that those cases are refused for what is wrong with them."""
    device = signing.new_device(identity=pki.issue(second_ca, "second-good", "/CN=good"))
    body = plistlib.dumps(device.message({"MessageType": "Authenticate", "Topic": device.topic}))
    assert put(device, signed(device, body), body, "/checkin").status == 200


def test_a_relative_of_an_imported_ca(own_server, pki):
    """What its root has issued, itself or by another CA, is no device's."""
    elsewhere = Elsewhere(pki, "related")
    own_server.pomona("ca", "import", elsewhere.pem, "--crl", elsewhere.crl, "--activate")
    sibling = pki.issue(elsewhere.root, "sibling", "/CN=sibling", "basicConstraints=critical,CA:TRUE")
    child, cousin = pki.issue(elsewhere.root, "child", "/CN=child"), pki.issue(sibling, "cousin", "/CN=cousin")
    device = own_server.new_device()
    body = body_of(device, MessageType="Authenticate", Topic=device.topic)
    member = own_server.new_device(identity=pki.issue(elsewhere.ca, "member", "/CN=member"))
    hello = body_of(member, MessageType="Authenticate", Topic=member.topic)
    wait_for(lambda: put(member, signed(member, hello), hello).status == 200, "the imported CA to be believed")
    assert put(device, signed(device, body, identity=child), body).status == 403
    assert put(device, signed(device, body, "-certfile", sibling.certificate, identity=cousin), body).status == 403
    assert own_server.value("SELECT count(*) FROM device") == 1
    assert put(device, signed(device, body), body).status == 200


@pytest.mark.parametrize("path", ["/mdm", "/checkin", "/server"])
def test_an_empty_signature_is_none(signing, signer, path):
    assert refused(signing, signer, {"Mdm-Signature": ""}, path=path)


def test_sha1_by_a_setting(own_server):
    """On; counted in the log; and off within a second."""
    device = own_server.enrolled()
    body = body_of(device)
    old, new = signed(device, body, "-md", "sha1"), signed(device, body)
    for _ in range(2):
        assert put(device, old, body).status == 200
    assert put(device, new, body).status == 200
    if "pomona-fcgi" in own_server.parts:
        lines = [line for line in own_server.fcgi.output().splitlines() if "sha1_signatures=" in line]
        assert [line.split("sha1_signatures=")[1].split()[0] for line in lines] == ["1", "2"]
    own_server.pomona("setting", "set", "signature_sha1", "refuse")
    wait_for(lambda: put(device, old, body).status == 403, "the setting to be noticed")
    assert refused(own_server, device, old, body)
    assert put(device, new, body).status == 200
    own_server.sql("UPDATE setting SET value = 'accept' WHERE name = 'signature_sha1'")
    wait_for(lambda: put(device, old, body).status == 200, "the setting to be noticed")
    with pytest.raises(SqlError, match="signature_sha1 is accept or refuse"):
        own_server.sql("INSERT INTO setting(name, value) VALUES ('signature_sha1', 'maybe')")
    device.close()


# ---- paths ----

TRICKS = (
    "//mdm", "/mdm/", "/MDM", "/x/../mdm", "/./mdm", "/%6ddm", "/%2e%2e/mdm", "/x/%2e%2e/mdm", "/x%2f..%2fmdm", "/mdm%00",
    "/mdm%00.html", "/mdm;", "/mdm;x=y", "/mdm%3b", "/mdm%20", "/mdm%0a", "/mdm?", "/mdm?/healthz", "/healthz/../mdm",
    "/healthz/..%2fmdm", "/healthz/%2e%2e/mdm", "/version/../mdm", "/version;/../mdm", "/healthz%2f..%2fmdm", "/mdm#x",
    "/mdm/../mdm", "/mdm\\", "\\mdm", "/mdm/healthz", "/healthz/mdm", "/healthz%00/mdm", "/mdm/.", "/mdm/..", "/%252e/mdm",
    "https://localhost/mdm", "http://localhost/healthz/../mdm", "https://x/healthz#@localhost/mdm", "mdm", "*",
    "/healthz?x=/mdm", "/healthz;/mdm", "/healthz\\..\\mdm", "/version/mdm",
)  # fmt: skip


def raw(device, target, body, *headers):
    """The status of a request whose target is sent as it is; 0 when there is no answer."""
    head = [f"PUT {target} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *headers]
    with socket.create_connection(("127.0.0.1", device.server.port), timeout=20) as plain:
        with device.context(identity=NOBODY).wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
            answer = b""
            try:
                while piece := tls.recv(65536):
                    answer += piece
            except (ssl.SSLError, ConnectionError):
                pass
    assert b"<plist" not in answer
    return int(answer.split()[1]) if answer.startswith(b"HTTP/") else 0


def test_no_path_leads_past_the_check(signing, signer):
    before = signing.everything("enrollment", "delivery")
    for target in TRICKS:
        for headers in ((), ("X-Original-URL: /mdm", "X-Rewrite-URL: /mdm"), ("X-HTTP-Method-Override: PUT",)):
            assert raw(signer, target, body_of(signer), *headers) in (400, 403, 404, 405), target
    assert signing.everything("enrollment", "delivery") == before


def test_a_method_is_no_way_past_it(signing, signer):
    before = signing.everything("enrollment", "delivery")
    for method in ("GET", "POST", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "put", "PUT\t"):
        try:
            reply = signer.request_as(NOBODY, method, "/mdm", body_of(signer))
        except ValueError:
            continue
        assert reply.status in (400, 403, 405, 501)
    assert signing.everything("enrollment", "delivery") == before
