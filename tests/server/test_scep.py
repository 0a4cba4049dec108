"""SCEP: third-party clients enroll and renew, and messages made by hand say what those do not."""

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.pki import Identity, openssl
from harness.scep import (
    BAD_ALG, BAD_CERT_ID, BAD_MESSAGE_CHECK, BAD_REQUEST, BAD_TIME, CERT_POLL, PKCS_REQ, RENEWAL_REQ, Client, der,
    request, sequence, split, start_plain_site,
)  # fmt: skip
from harness.server import quote

@pytest.fixture(scope="module")
def scep(make_server):
    """A server with SCEP over TLS and over plain HTTP."""
    own = make_server()
    own.scep_url = start_plain_site(own)
    own.scep_tls_url = own.url + "/scep"
    yield own
    own.stop()


def challenge(server, for_id=None, *options):
    return server.pomona("scep", "challenge", *(["--for", for_id] if for_id else []), *options).strip()


def expire(server, secret):
    digest = hashlib.sha256(secret.encode()).hexdigest()
    server.sql(f"UPDATE scep_challenge SET expires_at = 1 WHERE hash = {quote(digest)}")


BAD_CHALLENGES = ("wrong", "used", "expired")


def bad_challenge(server, how):
    """One that must be refused."""
    if how == "wrong":
        return "0123456789abcdef0123456789abcdef"
    secret = challenge(server)
    if how == "expired":
        expire(server, secret)
    else:
        Client(server, server.scep_url, secret).ask().identity()
    return secret


def common_name(path):
    return openssl("x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253").decode().strip().partition("CN=")[2]


def fingerprint(path):
    return hashlib.sha256(openssl("x509", "-in", path, "-outform", "DER")).hexdigest()


def check_identity(server, path, name):
    openssl("verify", "-CAfile", server.device_ca, "-purpose", "sslclient", path)
    assert common_name(path) == name
    assert server.value(f"SELECT origin FROM issued_identity WHERE sha256 = {quote(fingerprint(path))}") == "scep"


def replaces(server, path):
    return server.value(f"SELECT replaces FROM issued_identity WHERE sha256 = {quote(fingerprint(path))}")


def count_identities(server):
    return server.value("SELECT count(*) FROM issued_identity")


# ---- strongSwan ----


def strongswan_trust(server):
    registrar = getattr(server, "registrar", server.device_ca)
    authority = getattr(server, "issuer", server.device_ca)
    return ["--cacert-enc", registrar, "--cacert-sig", registrar, *(["--cacert", authority] if registrar != authority else [])]


def strongswan(server, url, name, *options):
    """pki --scep; gives what became of it and where the certificate is."""
    key, cert = server.path(name + ".key"), server.path(name + ".pem")
    openssl("genrsa", "-traditional", "-out", key, "2048")
    done = server.run(
        ["env", f"SSL_CERT_FILE={server.tls_ca}", "pki", "--scep", "--url", url, "--in", key, "--dn", "CN=strongswan", "--outform", "pem",
         "--maxpolltime", "1", *strongswan_trust(server), *options],
        check=False,
    )  # fmt: skip
    with open(cert, "wb") as file:
        file.write(done.stdout)
    return done, cert, key


@pytest.mark.parametrize("cipher", ["aes", "des3"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512", "sha1"])
def test_strongswan(scep, cipher, digest):
    name = f"strongswan-{cipher}-{digest}"
    how = ["--cipher", cipher, "--digest", digest]
    done, cert, key = strongswan(scep, scep.scep_url, name, *how, "--password", challenge(scep, name))
    assert done.returncode == 0, done.stderr.decode()
    check_identity(scep, cert, name)
    done, renewed, _ = strongswan(scep, scep.scep_url, name + "-2", *how, "--cert", cert, "--key", key)
    assert done.returncode == 0, done.stderr.decode()
    check_identity(scep, renewed, name)
    assert replaces(scep, renewed) == fingerprint(cert)


@pytest.mark.parametrize("how", BAD_CHALLENGES)
def test_strongswan_is_refused(scep, how):
    done, _, _ = strongswan(scep, scep.scep_url, f"strongswan-{how}", "--password", bad_challenge(scep, how))
    assert done.returncode != 0
    assert b"badRequest" in done.stderr, done.stderr.decode()
    assert done.stdout == b""


# ---- Debian's scep client (micromdm's) ----


def scepclient(server, url, folder, *options):
    os.makedirs(server.path(folder), exist_ok=True)
    return server.run(
        ["env", f"SSL_CERT_FILE={server.tls_ca}", "scepclient", "-private-key", "client.key", "-certificate",
         "client.pem", "-server-url", url, *options],
        check=False, cwd=server.path(folder),
    )  # fmt: skip


@pytest.mark.parametrize("transport", ["http", "https"])
def test_scepclient(scep, transport):
    name, url = f"scepclient-{transport}", scep.scep_url if transport == "http" else scep.scep_tls_url
    cert = scep.path(f"{name}/client.pem")
    done = scepclient(scep, url, name, "-challenge", challenge(scep, name))
    assert b"pkiStatus=SUCCESS" in done.stderr, done.stderr.decode()
    check_identity(scep, cert, name)
    first = fingerprint(cert)
    os.unlink(scep.path(f"{name}/csr.pem"))
    done = scepclient(scep, url, name)
    assert b"pkiStatus=SUCCESS" in done.stderr, done.stderr.decode()
    check_identity(scep, cert, name)
    assert replaces(scep, cert) == first


@pytest.mark.parametrize("how", BAD_CHALLENGES)
def test_scepclient_is_refused(scep, how):
    done = scepclient(scep, scep.scep_url, f"scepclient-{how}", "-challenge", bad_challenge(scep, how))
    assert done.returncode != 0
    assert b"badRequest" in done.stderr + done.stdout, done.stderr.decode()
    assert not os.path.exists(scep.path(f"scepclient-{how}/client.pem"))


# ---- certmonger, its daemon on a bus of its own ----

CERTMONGER = r"""
set -eu
cd "$1"
/usr/lib/certmonger/certmonger-session -n >certmonger.log 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon || :' EXIT
for i in $(seq 200); do getcert list-cas -s >/dev/null 2>&1 && break; sleep 0.05; done
getcert add-scep-ca -s -c pomona -u "$2" -N "$4"
for i in $(seq 200); do getcert list-cas -s -c pomona | grep -q thumbprint && break; sleep 0.05; done
getcert request -s -c pomona -k "$1/cm.key" -f "$1/cm.pem" -N CN=certmonger -L "$3" -w -v -I one || :
getcert list -s
[ -e cm.pem ] || exit 0
cp cm.pem first.pem
getcert resubmit -s -i one -w -v
cp cm.pem second.pem
getcert rekey -s -i one -w -v
getcert list -s
"""


def certmonger(server, folder, secret):
    home = server.path(folder)
    os.makedirs(home)
    return server.run(
        ["env", f"HOME={home}", f"XDG_CONFIG_HOME={home}", "dbus-run-session", "--", "bash", "-c", CERTMONGER, "go",
         home, server.scep_url, secret, getattr(server, "issuer", server.device_ca)],
        check=False,
    )  # fmt: skip


def test_certmonger(scep):
    done = certmonger(scep, "certmonger", challenge(scep, "certmonger-1"))
    told = done.stdout.decode()
    assert done.returncode == 0, told + done.stderr.decode()
    first, second, third = (scep.path(f"certmonger/{name}.pem") for name in ("first", "second", "cm"))
    for path in (first, second, third):
        check_identity(scep, path, "certmonger-1")
    assert replaces(scep, first) is None
    assert replaces(scep, second) == fingerprint(first)
    assert replaces(scep, third) == fingerprint(second)
    assert told.rstrip().count("status: MONITORING") == 2, told


@pytest.mark.parametrize("how", BAD_CHALLENGES)
def test_certmonger_is_refused(scep, how):
    """It knows that it was refused, and does not try for ever."""
    done = certmonger(scep, f"certmonger-{how}", bad_challenge(scep, how))
    told = done.stdout.decode()
    assert done.returncode == 0, told + done.stderr.decode()
    assert "status: CA_REJECTED" in told, told


# ---- what is told of the authority ----


def test_caps(scep):
    status, content_type, body = request(scep.scep_url + "?operation=GetCACaps")
    assert (status, content_type) == (200, "text/plain")
    assert set(body.decode().split("\n")) - {""} == {
        "AES", "DES3", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "POSTPKIOperation", "Renewal", "SCEPStandard",
    }  # fmt: skip


@pytest.mark.parametrize("query", ["", "&message=", "&message=0", "&message=any%20thing"])
def test_certificate(scep, query):
    status, content_type, body = request(scep.scep_url + "?operation=GetCACert" + query)
    assert (status, content_type) == (200, "application/x-x509-ca-cert")
    assert body == openssl("x509", "-in", scep.device_ca, "-outform", "DER")


@pytest.mark.parametrize("query, status", [("operation=GetNextCACert", 404), ("operation=Other", 400), ("", 400),
                                           ("operation=PKIOperation", 400), ("message=x", 400)])  # fmt: skip
def test_other_operations(scep, query, status):
    assert request(scep.scep_url + "?" + query)[0] == status


@pytest.mark.parametrize("path", ["/", "/mdm", "/checkin", "/version", "/healthz", "/scep/", "/scep/../version"])
def test_nothing_but_scep_in_plain_http(scep, path):
    assert request(scep.scep_url.replace("/scep", path))[0] == 404


# ---- messages ----

CIPHERS = {
    "-aes-128-cbc": "aes-128-cbc", "-aes-192-cbc": "aes-192-cbc", "-aes-256-cbc": "aes-256-cbc",
    "-des3": "des-ede3-cbc", "-des": "des-cbc",
}  # fmt: skip


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_digests_and_ciphers(scep, cipher, digest):
    """It is answered with what the client has used itself."""
    client = Client(scep, scep.scep_url, challenge(scep))
    client.cipher, client.digest = cipher, digest
    reply = client.ask()
    shown = openssl("cms", "-cmsout", "-print", "-inform", "DER", input=reply.envelope()).decode()
    assert f"algorithm: {CIPHERS[cipher]} " in shown, shown
    reply.identity()


def test_legacy_off(scep):
    scep.pomona("setting", "set", "scep_legacy", "off")
    try:
        secret = challenge(scep)
        for cipher, digest in (("-des", "sha256"), ("-aes-128-cbc", "sha1")):
            client = Client(scep, scep.scep_url, secret)
            client.cipher, client.digest = cipher, digest
            assert client.ask().refused() == BAD_ALG
        assert b"SHA-1\n" not in request(scep.scep_url + "?operation=GetCACaps")[2]
        Client(scep, scep.scep_url, secret).ask().identity()
    finally:
        scep.pomona("setting", "set", "scep_legacy", "on")


def test_the_server_rules(scep):
    """Name and extensions are not those of the request."""
    client = Client(scep, scep.scep_url, challenge(scep, "ruled-1"), subject="/CN=admin/O=Evil")
    text = openssl("x509", "-noout", "-text", "-in", client.ask().identity().certificate).decode()
    assert "Subject: CN = ruled-1\n" in text
    assert "evil.example.com" not in text and "CA:TRUE" not in text
    client = Client(scep, scep.scep_url, challenge(scep))
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", common_name(client.ask().identity().certificate))


@pytest.mark.parametrize("how", [*BAD_CHALLENGES, "none"])
def test_refused(scep, how):
    secret = None if how == "none" else bad_challenge(scep, how)
    before = count_identities(scep)
    client = Client(scep, scep.scep_url, secret)
    assert client.ask().refused() == BAD_REQUEST
    assert count_identities(scep) == before


@pytest.mark.parametrize("key", ["rsa:2048", "rsa:4096", "ec:P-256", "ec:P-384"])
def test_good_keys(scep, key):
    Client(scep, scep.scep_url, challenge(scep), key=key).ask().identity()


@pytest.mark.parametrize("key", ["rsa:1024", "ec:P-521", "ec:secp256k1"])
def test_bad_keys(scep, key):
    secret = challenge(scep)
    assert Client(scep, scep.scep_url, secret, key=key).ask().refused() == BAD_ALG
    Client(scep, scep.scep_url, secret).ask().identity()  # it is as good as before


def test_odd_but_good(scep):
    """A nonce of 8 bytes, a signer of version 1, no signing time, a BER envelope, trailing bytes."""
    client = Client(scep, scep.scep_url, challenge(scep))
    client.nonce = client.nonce[:8]
    client.signer = client.make_signer(version1=True)
    assert b"Version: 1" in openssl("x509", "-in", client.signer.certificate, "-noout", "-text")
    client.signing_time = None
    client.envelope = client.make_envelope(None, "-stream")
    assert client.envelope[1] == 0x80, "of indefinite length"
    client.ask().identity()


def test_unsorted_attributes_of_the_request(scep):
    """The signature is over the bytes as they are, whatever DER says of their order."""
    client = Client(scep, scep.scep_url, challenge(scep))
    info, algorithm, _ = split(split(client.csr)[0][1])
    *head, attributes = split(info[1])
    assert attributes[0] == 0xA0
    pieces = [part[2] for part in split(attributes[1])]
    assert len(pieces) == 2 and pieces == sorted(pieces)
    info = sequence(*(part[2] for part in head), der(0xA0, *reversed(pieces)))
    signature = openssl("dgst", "-sha256", "-sign", client.key, input=info)
    client.csr = sequence(info, algorithm[2], der(3, b"\0" + signature))
    client.ask().identity()


def test_ways_to_send(scep):
    """In the query of a GET; in a body without a type; with the bytes again in the query; over TLS."""
    for send in (
        lambda client, message: client.get(message),
        lambda client, message: client.post(message),
        lambda client, message: client.post(message, headers={"Content-Type": "text/html"}),
        lambda client, message: client.post(
            message, "operation=PKIOperation&message=" + "".join(f"%{byte:02x}" for byte in message)
        ),
    ):
        for url in (scep.scep_url, scep.scep_tls_url):
            client = Client(scep, url, challenge(scep))
            send(client, client.message()).identity()


def test_broken(scep):
    client = Client(scep, scep.scep_url, challenge(scep))
    message = client.message()
    for body in (b"", b"hello", message[:-1], message[:200], client.csr, client.make_envelope()):
        assert client.post(body).http_status == 400
    assert client.get(message, "***").http_status == 400
    assert client.get(message, "").http_status == 400
    assert client.post(message + b"\0" * 70000).http_status == 413
    assert client.get(message, "A" * 40000).http_status == 400
    client.post(message).identity()


def test_broken_inside(scep):
    """What is signed but damaged; one answer for all that does not decrypt to a request."""
    secret = challenge(scep)

    def client():
        return Client(scep, scep.scep_url, secret)

    one = client()
    message = bytearray(one.message())
    message[-1] ^= 1
    assert one.post(bytes(message)).refused() == BAD_MESSAGE_CHECK

    one = client()
    one.envelope = b"no envelope"
    assert one.ask().refused() == BAD_MESSAGE_CHECK

    one = client()
    one.envelope = one.make_envelope()[:-8] + bytes(8)
    assert one.ask().refused() == BAD_MESSAGE_CHECK

    one = client()
    one.envelope = one.make_envelope(b"no request")
    assert one.ask().refused() == BAD_MESSAGE_CHECK

    one = client()
    one.csr = one.csr[:-1] + bytes([one.csr[-1] ^ 1])
    assert one.ask().refused() == BAD_MESSAGE_CHECK

    one = client()
    right, one.ca = one.ca, scep.pki.path("scep-other.pem")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=other", "-out", one.ca)
    one.envelope, one.ca = one.make_envelope(), right
    assert one.ask().refused() == BAD_MESSAGE_CHECK

    for apart in (-90000, 90000):
        one = client()
        one.signing_time += apart
        assert one.ask().refused() == BAD_TIME

    one = client()
    one.type = 22
    assert one.ask().refused() == BAD_REQUEST
    client().ask().identity()


# ---- once, and again ----


def test_asked_again(scep):
    """The reply was lost: the same certificate, and the challenge is used once."""
    client = Client(scep, scep.scep_url, challenge(scep))
    first = client.ask().certificate()
    before = count_identities(scep)
    assert client.ask().certificate() == first
    client.type, client.envelope = CERT_POLL, client.make_envelope(sequence(sequence(), sequence()))
    assert client.ask().certificate() == first
    assert count_identities(scep) == before
    client.transaction += "0"
    assert client.ask().refused() == BAD_CERT_ID


def test_a_transaction_comes_again(scep):
    """With another request it is another one; somebody else's is not his."""
    client = Client(scep, scep.scep_url, challenge(scep))
    first = client.ask().certificate()
    other = Client(scep, scep.scep_url, challenge(scep), signer=client.signer)
    other.transaction = client.transaction
    assert other.ask().certificate() != first
    thief = Client(scep, scep.scep_url, challenge(scep))
    thief.transaction, thief.type = client.transaction, CERT_POLL
    assert thief.ask().refused() == BAD_CERT_ID


def test_one_of_many(scep):
    """Twelve at once with one challenge for three."""
    secret, before = challenge(scep, "many", "--uses", "3"), count_identities(scep)
    clients = [Client(scep, scep.scep_url, secret) for _ in range(12)]
    messages = [client.message() for client in clients]
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda pair: pair[0].post(pair[1]), zip(clients, messages)))
    assert sorted(reply.attribute(3) for reply in replies) == [b"0"] * 3 + [b"2"] * 9
    assert count_identities(scep) == before + 3


def test_static_challenge(scep):
    secret = "an-operators-own-choice"
    assert Client(scep, scep.scep_url, secret).ask().refused() == BAD_REQUEST
    scep.pomona("setting", "set", "scep_challenge", secret)
    for _ in range(2):
        Client(scep, scep.scep_url, secret).ask().identity()
    assert secret not in scep.pomona("setting", "list")
    assert secret not in scep.pomona("setting", "get", "scep_challenge")
    assert secret not in scep.sqlite(".dump")
    scep.pomona("setting", "set", "scep_challenge", "none")
    assert Client(scep, scep.scep_url, secret).ask().refused() == BAD_REQUEST


def test_a_challenge_for_one_device_enrolls_no_other(scep):
    """Although the one it is for is not there yet; nor does a renewal of the identity."""
    wanted, other = scep.new_device(), scep.enrolled()
    ours = other.identity
    identity = Client(scep, scep.scep_url, challenge(scep, wanted.id)).ask().identity()
    renewed = renewal(scep, identity).ask().identity()
    for stranger in (identity, renewed):
        newcomer = scep.new_device(identity=stranger)
        assert newcomer.check_in("Authenticate", Topic=newcomer.topic).status == 403
        newcomer.close()
        other.identity = stranger
        other.close()
        assert other.check_in("Authenticate", Topic=other.topic).status == 403
    other.identity = ours
    other.close()
    assert other.idle().status == 200
    wanted.identity = renewed
    wanted.close()
    assert wanted.enroll().idle().status == 200
    assert wanted.mac_user().token_update().status == 200


# ---- renewal ----


def renewal(server, old, type=RENEWAL_REQ, **options):
    client = Client(server, server.scep_url, signer=old, **options)
    client.type = type
    return client


@pytest.mark.parametrize("type", [RENEWAL_REQ, PKCS_REQ])
def test_renewal(scep, type):
    """The old identity's signature is enough, and its name stays."""
    old = Client(scep, scep.scep_url, challenge(scep, f"renewed-{type}")).ask().identity()
    new = renewal(scep, old, type).ask().identity()
    check_identity(scep, new.certificate, f"renewed-{type}")
    assert replaces(scep, new.certificate) == fingerprint(old.certificate)


def test_renewal_with_the_same_key(scep):
    old = Client(scep, scep.scep_url, challenge(scep, "same-key")).ask().identity()
    new = renewal(scep, old, csr_key=old.key).ask().identity()
    assert fingerprint(new.certificate) != fingerprint(old.certificate)


def ends(server, identity, change):
    server.sql(change.format(quote(fingerprint(identity.certificate))))


@pytest.mark.parametrize(
    "change, fail",
    [
        ("UPDATE issued_identity SET revoked_at = 1 WHERE sha256 = {}", BAD_CERT_ID),
        ("UPDATE issued_identity SET not_after = 1 WHERE sha256 = {}", BAD_TIME),
        ("UPDATE issued_identity SET authority = 'x' WHERE sha256 = {}", BAD_CERT_ID),
        ("INSERT INTO former_pin (certificate, enrollment_no, replaced_at) VALUES ({}, 1, 1)", BAD_CERT_ID),
        ("DELETE FROM issued_identity WHERE sha256 = {}", BAD_CERT_ID),
    ],
    ids=["revoked", "expired", "not-believed", "replaced", "unknown"],
)
def test_renewal_is_refused(scep, change, fail):
    old = Client(scep, scep.scep_url, challenge(scep)).ask().identity()
    ends(scep, old, change)
    before = count_identities(scep)
    assert renewal(scep, old).ask().refused() == fail
    assert renewal(scep, old, PKCS_REQ).ask().refused() in (fail, BAD_REQUEST)
    assert count_identities(scep) == before
    # With a challenge it begins anew.
    client = Client(scep, scep.scep_url, challenge(scep, "anew"), signer=old)
    assert replaces(scep, client.ask().identity().certificate) is None


def test_renewal_by_somebody_else(scep):
    """A certificate that says what an identity of ours says."""
    old = Client(scep, scep.scep_url, challenge(scep, "copied")).ask().identity()
    fake = Client(scep, scep.scep_url)
    key = fake.make_key("fake", "rsa:2048")
    openssl("req", "-x509", "-key", key, "-subj", "/CN=copied", "-days", "1", "-out", fake.path("fake.pem"))
    assert renewal(scep, Identity(fake.path("fake.pem"), key)).ask().refused() == BAD_CERT_ID
    # The certificate is no secret; without its key it is worth nothing.
    client = renewal(scep, Identity(old.certificate, key))
    assert client.ask().http_status == 200
    assert client.ask().attribute(3) == b"2"
    assert int(client.ask().attribute(4)) == BAD_MESSAGE_CHECK


def test_enrolled_device(scep):
    """The identity is good for an enrollment; blocked, the device renews no more."""
    old = Client(scep, scep.scep_url, challenge(scep)).ask().identity()
    device = scep.new_device(identity=old).enroll()
    assert device.request("PUT", "/mdm", b"<plist/>").status == 400
    device.close()
    number = scep.value(f"SELECT no FROM enrollment WHERE certificate = {quote(fingerprint(old.certificate))}")
    new = renewal(scep, old).ask().identity()
    assert scep.value(f"SELECT enrollment_no FROM issued_identity WHERE sha256 = {quote(fingerprint(new.certificate))}") == number
    scep.sql(f"UPDATE enrollment SET blocked = 1 WHERE no = {number}")
    assert renewal(scep, old).ask().refused() == BAD_REQUEST
    assert Client(scep, scep.scep_url, challenge(scep, device.id)).ask().refused() == BAD_REQUEST


def test_identity_from_before_the_books(scep):
    """It is pinned to a device, and nothing else is known of it."""
    old = Client(scep, scep.scep_url, challenge(scep)).ask().identity()
    device = scep.new_device(identity=old).enroll()
    device.close()
    ends(scep, old, "DELETE FROM issued_identity WHERE sha256 = {}")
    check_identity(scep, renewal(scep, old).ask().identity().certificate, device.id)


# ---- a CA with an EC key, and the registration authority beside it ----


@pytest.fixture(scope="module")
def ec_scep(make_server):
    own = make_server()
    own.pomona("ca", "roll-over", "--key", "ec", "--ca-name", "The EC CA")
    own.scep_url = start_plain_site(own)
    yield own
    own.stop()


def test_next_ca(ec_scep):
    """It is offered, signed by the one that issues; then it issues, and identities of both are good."""
    old = Client(ec_scep, ec_scep.scep_url, challenge(ec_scep, "before")).ask().identity()
    assert b"GetNextCACert\n" in request(ec_scep.scep_url + "?operation=GetCACaps")[2]
    status, content_type, body = request(ec_scep.scep_url + "?operation=GetNextCACert")
    assert (status, content_type) == (200, "application/x-x509-next-ca-cert")
    issuing = ec_scep.path("issuing.pem")
    with open(issuing, "w") as file:
        file.write(ec_scep.pomona("ca", "show"))
    content = openssl(
        "cms", "-verify", "-inform", "DER", "-binary", "-noverify", "-nointern", "-certfile", issuing, input=body
    )
    told = openssl("pkcs7", "-inform", "DER", "-print_certs", input=content)
    assert b"CN = The EC CA" in told and told.count(b"BEGIN CERTIFICATE") == 1

    ec_scep.pomona("ca", "roll-over", "--activate")
    status, content_type, body = request(ec_scep.scep_url + "?operation=GetCACert")
    assert (status, content_type) == (200, "application/x-x509-ca-ra-cert")
    certs = re.findall(
        rb"-----BEGIN.*?-----END CERTIFICATE-----\n", openssl("pkcs7", "-inform", "DER", "-print_certs", input=body), re.S
    )
    assert len(certs) == 2
    ec_scep.registrar, ec_scep.issuer = ec_scep.path("registrar.pem"), ec_scep.path("issuer.pem")
    for cert in certs:
        is_ca = b"CA:TRUE" in openssl("x509", "-noout", "-text", input=cert)
        with open(ec_scep.issuer if is_ca else ec_scep.registrar, "wb") as file:
            file.write(cert)
    # A client that has not heard of it, and one that renews.
    Client(ec_scep, ec_scep.scep_url, challenge(ec_scep, "late"), ca=issuing).ask().certificate()
    renewed = renewal(ec_scep, old, ca=ec_scep.registrar).ask().certificate()
    assert b"The EC CA" in openssl("x509", "-noout", "-issuer", input=renewed)


def test_clients_of_an_ec_ca(ec_scep):
    """Enrollment and renewal; the test before has activated it."""
    assert os.path.exists(ec_scep.issuer)
    done, cert, key = strongswan(ec_scep, ec_scep.scep_url, "ec-strongswan", "--password", challenge(ec_scep, "ec-1"))
    assert done.returncode == 0, done.stderr.decode()
    check_identity(ec_scep, cert, "ec-1")
    done, cert, _ = strongswan(ec_scep, ec_scep.scep_url, "ec-strongswan-2", "--cert", cert, "--key", key)
    assert done.returncode == 0, done.stderr.decode()
    check_identity(ec_scep, cert, "ec-1")

    # It would encrypt to all of them, an EC key too, unless told which.
    which = ["-ca-fingerprint", fingerprint(ec_scep.registrar)]
    for _ in range(2):
        done = scepclient(ec_scep, ec_scep.scep_url, "ec-scepclient", *which, "-challenge", challenge(ec_scep, "ec-2"))
        assert b"pkiStatus=SUCCESS" in done.stderr, done.stderr.decode()
        check_identity(ec_scep, ec_scep.path("ec-scepclient/client.pem"), "ec-2")

    done = certmonger(ec_scep, "ec-certmonger", challenge(ec_scep, "ec-3"))
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    for name in ("first", "second", "cm"):
        check_identity(ec_scep, ec_scep.path(f"ec-certmonger/{name}.pem"), "ec-3")


def test_no_secret_in_the_log(scep):
    secret = challenge(scep)
    Client(scep, scep.scep_url, secret).ask().identity()
    Client(scep, scep.scep_url, "not-the-right-one").ask().refused()
    log = scep.fcgi.output()
    assert "the challenge is not known" in log
    assert secret not in log and "not-the-right-one" not in log
