"""The way to a push certificate: request, vendor's signature, Apple's answer, renewal; with the openssl command as Apple."""

import base64
import os
import plistlib
import re

import pytest

from harness import wait_for
from harness.device import new_uuid
from harness.pki import Identity, openssl

pytestmark = pytest.mark.nginx


def topic():
    return f"com.apple.mgmt.External.{new_uuid().lower()}"


class Apple:
    """A root, a WWDR below it, an MDM vendor below that; and the portal, which makes certificates of requests."""

    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory)
        self.root = self._make("root", "/CN=Apple Root CA", None, "basicConstraints=critical,CA:TRUE")
        self.wwdr = self._make("wwdr", "/CN=Apple WWDR", self.root, "basicConstraints=critical,CA:TRUE")
        self.vendor = self._make("vendor", "/CN=MDM Vendor: Example", self.wwdr, "keyUsage=digitalSignature")
        self.serial = 0

    def path(self, name):
        return os.path.join(self.dir, name)

    def _make(self, name, subject, ca, extension, key=("-newkey", "rsa:2048"), days=30):
        made = Identity(self.path(name + ".pem"), self.path(name + ".key"))
        openssl("req", "-new", *key, "-nodes", "-keyout", made.key, "-out", self.path(name + ".csr"), "-subj", subject)
        with open(self.path(name + ".ext"), "w") as file:
            file.write(extension + "\n")
        signer = ["-signkey", made.key] if ca is None else ["-CA", ca.certificate, "-CAkey", ca.key, "-CAcreateserial"]
        openssl("x509", "-req", "-in", self.path(name + ".csr"), *signer, "-days", str(days), "-extfile",
                self.path(name + ".ext"), "-out", made.certificate)  # fmt: skip
        return made

    def file(self, name, *parts):
        path = self.path(name)
        with open(path, "w") as out:
            for part in parts:
                with open(part) as text:
                    out.write(text.read())
        return path

    def vendor_file(self):
        return self.file("vendor-all.pem", self.vendor.certificate, self.vendor.key, self.wwdr.certificate, self.root.certificate)

    def answer(self, csr, topic_name, name="answer", days=365, form="PEM"):
        """The portal's certificate for a request (PEM text)."""
        request = self.path(name + ".csr")
        with open(request, "w") as file:
            file.write(csr)
        out = self.path(name + ".pem")
        self.serial += 1
        openssl("x509", "-req", "-in", request, "-CA", self.wwdr.certificate, "-CAkey", self.wwdr.key, "-set_serial",
                str(1000 + self.serial), "-days", str(days), "-subj", f"/UID={topic_name}/CN=APSP:{topic_name[-36:]}/C=US",
                "-outform", form, "-out", out)  # fmt: skip
        return out

    def portal(self, signed, topic_name, **options):
        """Looks at the signed file as the portal does, and answers the request in it."""
        plist = plistlib.loads(base64.b64decode(signed, validate=True))
        assert set(plist) == {"PushCertRequestCSR", "PushCertCertificateChain", "PushCertSignature"}
        der = base64.b64decode(plist["PushCertRequestCSR"], validate=True)
        chain = re.findall("-----BEGIN.*?-----END CERTIFICATE-----\n", plist["PushCertCertificateChain"], re.S)
        assert len(chain) == 3 and all(len(line) <= 64 for line in plist["PushCertCertificateChain"].splitlines())
        for name, text in zip(("c0", "c1", "c2"), chain):
            with open(self.path(name), "w") as file:
                file.write(text)
        openssl("verify", "-CAfile", self.path("c2"), "-untrusted", self.path("c1"), self.path("c0"))
        for name, data in (("der", der), ("sig", base64.b64decode(plist["PushCertSignature"], validate=True))):
            with open(self.path(name), "wb") as file:
                file.write(data)
        public = openssl("x509", "-in", self.path("c0"), "-noout", "-pubkey")
        with open(self.path("public"), "wb") as file:
            file.write(public)
        openssl("dgst", "-sha256", "-verify", self.path("public"), "-signature", self.path("sig"), self.path("der"))
        csr = openssl("req", "-inform", "DER", "-in", self.path("der"), "-verify", "-text").decode()
        assert "Public-Key: (2048 bit)" in csr and "sha256WithRSAEncryption" in csr
        return self.answer(openssl("req", "-inform", "DER", "-in", self.path("der")).decode(), topic_name, **options)


@pytest.fixture(scope="module")
def apple(root):
    return Apple(os.path.join(root, "apple"))


@pytest.fixture
def lone(make_server):
    """Only the store is needed."""
    server = make_server()
    server.stop()
    yield server
    server.stop()


def refused(server, *words, code=1):
    done = server.pomona(*words, check=False)
    assert done.returncode == code, (words, done)
    assert b"PRIVATE" not in done.stdout + done.stderr
    return done.stderr.decode()


def topics(server):
    return {row["topic"] for row in server.pomona_json("push-cert", "list")}


def names(server):
    return [row["name"] for row in server.pomona_json("push-cert", "requests")]


# ---- from nothing to a certificate ----


def test_the_whole_way(lone, apple):
    new = topic()
    signed = lone.pomona("push-cert", "request", "--vendor", apple.vendor_file())
    assert names(lone) == ["push"]
    certificate = apple.portal(signed, new)
    text = lone.pomona("push-cert", "import", certificate)
    assert new in text
    assert names(lone) == [] and new in topics(lone)
    shown = lone.pomona_json("push-cert", "show", new)
    assert shown["topic"] == new and shown["devices"] == 0
    with open(certificate) as file:
        assert shown["certificate"].strip() == file.read().strip()


def test_without_a_vendor_it_is_a_csr(lone, apple):
    csr = lone.pomona("push-cert", "request", "mine", "--common-name", "Büro", "--email", "it@example.com", "--country", "DE")
    text = openssl("req", "-noout", "-subject", "-verify", "-nameopt", "utf8,sep_comma_plus", input=csr.encode()).decode()
    assert "Büro" in text and "it@example.com" in text and "C=DE" in text and "Pomona Tests" in text
    assert lone.pomona("push-cert", "request", "mine") == csr, "the same name gives the same request"
    out = lone.path("mine.csr")
    lone.pomona("push-cert", "request", "mine", "--out", out)
    with open(out) as file:
        assert file.read() == csr
    assert "is there already" in refused(lone, "push-cert", "request", "mine", "--out", out)
    new = topic()
    lone.pomona("push-cert", "import", apple.answer(csr, new, form="DER"))
    assert new in topics(lone)


def test_vendor_files(lone, apple):
    """PKCS#12 with a password; the chain beside it."""
    p12, password = apple.path("vendor.p12"), apple.path("password")
    with open(password, "w") as file:
        file.write("open sesame\n")
    openssl("pkcs12", "-export", "-in", apple.vendor.certificate, "-inkey", apple.vendor.key, "-out", p12,
            "-passout", "pass:open sesame")  # fmt: skip
    chain = apple.file("chain.pem", apple.root.certificate, apple.wwdr.certificate)
    words = ["push-cert", "request", "p12", "--vendor", p12]
    assert "password" in refused(lone, *words)
    assert "is missing" in refused(lone, *words, "--password-file", password)
    assert names(lone) == [], "nothing is kept when it cannot be signed"
    apple.portal(lone.pomona(*words, "--password-file", password, "--chain", chain), topic())


def test_vendors_that_will_not_do(lone, apple):
    expired = apple._make("expired", "/CN=late", apple.wwdr, "keyUsage=digitalSignature", days=-1)
    ec = apple._make("ec", "/CN=ec", apple.wwdr, "keyUsage=digitalSignature",
                     ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"))  # fmt: skip
    ends = (apple.wwdr.certificate, apple.root.certificate)
    cases = {
        "no key": (apple.file("a", apple.vendor.certificate, *ends), "no private key"),
        "another key": (apple.file("b", apple.vendor.certificate, apple.root.key, apple.wwdr.certificate), "belongs|missing"),
        "no root": (apple.file("c", apple.vendor.certificate, apple.vendor.key, apple.wwdr.certificate), "Apple WWDR.*is missing"),
        "no WWDR": (apple.file("d", apple.vendor.certificate, apple.vendor.key, apple.root.certificate), "MDM Vendor.*is missing"),
        "expired": (apple.file("e", expired.certificate, expired.key, *ends), "late has expired"),
        "no RSA": (apple.file("f", ec.certificate, ec.key, *ends), "not RSA"),
        "nothing": (lone.conf, "neither"),
    }
    for case, (path, text) in cases.items():
        assert re.search(text, refused(lone, "push-cert", "request", "x", "--vendor", path)), case
    assert "No such file" in refused(lone, "push-cert", "request", "x", "--vendor", "/nonexistent")
    assert "go with --vendor" in refused(lone, "push-cert", "request", "x", "--chain", lone.conf, code=2)
    assert "country" in refused(lone, "push-cert", "request", "x", "--country", "Germany")
    assert names(lone) == []


def test_several_requests_side_by_side(lone, apple):
    csrs = {name: lone.pomona("push-cert", "request", name) for name in ("a", "b", "c")}
    assert names(lone) == ["a", "b", "c"]
    news = {name: topic() for name in csrs}
    lone.pomona("push-cert", "import", apple.answer(csrs["b"], news["b"]))
    assert names(lone) == ["a", "c"]
    lone.pomona("push-cert", "forget", "c")
    assert "belongs to none of the requests" in refused(lone, "push-cert", "import", apple.answer(csrs["c"], news["c"]))
    lone.pomona("push-cert", "import", apple.answer(csrs["a"], news["a"]))
    assert {news["a"], news["b"]} <= topics(lone) and news["c"] not in topics(lone)
    assert 'no request "c"' in refused(lone, "push-cert", "forget", "c")


def test_what_is_no_push_certificate(lone, apple):
    csr = lone.pomona("push-cert", "request", "x")
    assert "no MDM push certificate" in refused(lone, "push-cert", "import", apple.answer(csr, "com.example.app"))
    assert "has expired" in refused(lone, "push-cert", "import", apple.answer(csr, topic(), days=-1))
    assert names(lone) == ["x"], "the key waits for a better one"
    other = apple._make("other", f"/UID={topic()}/CN=x", apple.wwdr, "keyUsage=digitalSignature")
    both = apple.file("both", other.certificate, apple.vendor.key)
    assert "belongs to the private key" in refused(lone, "push-cert", "import", both)
    assert "no private key" in refused(lone, "push-cert", "import", other.certificate)


# ---- renewal ----


def test_renewal(own_server, apple):
    device = own_server.enrolled()
    old = own_server.topic
    csr = own_server.pomona("push-cert", "request", "renewal", "--renew", old)
    assert own_server.pomona_json("push-cert", "requests")[0]["renews"] == old
    before = own_server.pomona_json("push-cert", "show", old)

    wrong = topic()
    answer = apple.answer(csr, wrong, name="wrong")
    text = refused(own_server, "push-cert", "import", answer)
    assert wrong in text and old in text and "1 devices are enrolled" in text and "Renew" in text
    assert topics(own_server) == {old}

    own_server.pomona("push-cert", "import", apple.answer(csr, old, name="right"))
    after = own_server.pomona_json("push-cert", "show", old)
    assert after["sha256"] != before["sha256"] and after["devices"] == 1
    assert topics(own_server) == {old} and names(own_server) == []
    device.close()


def test_a_renewal_of_another_topic_on_purpose(own_server, apple):
    device = own_server.enrolled()
    csr = own_server.pomona("push-cert", "request", "x", "--renew", own_server.topic)
    new = topic()
    answer = apple.answer(csr, new)
    done = own_server.pomona("push-cert", "import", answer, "--new-topic", check=False)
    assert done.returncode == 0 and b"no device is enrolled under this topic, but 1 under others" in done.stderr
    assert topics(own_server) == {own_server.topic, new}
    device.close()


def test_replace(lone, apple, pki):
    other = pki.push_certificate("replace-other", topic()).both
    same = pki.push_certificate("replace-same", lone.topic).both
    assert f"not for {lone.topic}" in refused(lone, "push-cert", "import", other, "--replace", lone.topic)
    assert "could be replaced" in refused(lone, "push-cert", "import", other, "--replace", topic())
    assert topics(lone) == {lone.topic}
    lone.pomona("push-cert", "import", same, "--replace", lone.topic)
    assert "could be renewed" in refused(lone, "push-cert", "request", "x", "--renew", topic())


def test_remove(own_server):
    device = own_server.enrolled()
    assert "1 devices are enrolled" in refused(own_server, "push-cert", "remove", own_server.topic)
    own_server.pomona("push-cert", "remove", own_server.topic, "--force")
    assert topics(own_server) == set()
    assert "no push certificate" in refused(own_server, "push-cert", "show", own_server.topic)
    assert "no push certificate" in refused(own_server, "push-cert", "remove", own_server.topic)
    device.close()


def test_pushes_go_with_the_answer(make_server, apple, pki):
    """What was asked for by a request wakes devices in the end."""
    server = make_server(push=True)
    try:
        csr = server.pomona("push-cert", "request", "x", "--renew", server.topic)
        request = server.path("x.csr")
        with open(request, "w") as file:
            file.write(csr)
        answer = server.path("x.pem")
        openssl("x509", "-req", "-in", request, "-CA", pki.apple_ca.certificate, "-CAkey", pki.apple_ca.key, "-set_serial",
                "77", "-days", "90", "-subj", f"/UID={server.topic}/CN=x", "-out", answer)  # fmt: skip
        server.pomona("push-cert", "import", answer)
        device = server.enrolled()
        server.queue(device, "ProfileList")
        pushes = wait_for(lambda: server.pushes(device), "a push")
        assert pushes[0]["status"] == 200
        device.close()
    finally:
        server.stop()
