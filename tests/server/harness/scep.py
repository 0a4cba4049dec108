"""SCEP messages made by hand (DER) and with the openssl command: what the third-party clients do not say."""

import base64
import hashlib
import http.client
import os
import re
import secrets
import ssl
import subprocess
import time
import urllib.parse

from .pki import Identity, openssl
from .process import REPOSITORY, free_port, wait_for

DIGESTS = {
    "sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3", "md5": "1.2.840.113549.2.5",
}  # fmt: skip
PKCS_REQ, RENEWAL_REQ, CERT_POLL = 19, 17, 20
BAD_ALG, BAD_MESSAGE_CHECK, BAD_REQUEST, BAD_TIME, BAD_CERT_ID = range(5)
SCEP = "2.16.840.1.113733.1.9."
DATA, SIGNED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2"


# ---- DER ----


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def oid(text):
    first, second, *rest = (int(part) for part in text.split("."))
    out = b""
    for number in (first * 40 + second, *rest):
        groups = [number & 127]
        while number := number >> 7:
            groups.append(number & 127 | 128)
        out += bytes(reversed(groups))
    return der(6, out)


def sequence(*parts):
    return der(0x30, *parts)


def split(data):
    """The elements of DER: (tag, body, whole)."""
    out = []
    while data:
        length, head = data[1], 2
        if length & 0x80:
            head += length & 0x7F
            length = int.from_bytes(data[2:head], "big")
        out.append((data[0], data[head : head + length], data[: head + length]))
        data = data[head + length :]
    return out


# ---- a client ----


class Client:
    """What it asks with may be changed before ask()."""

    numbers = iter(range(1_000_000))

    def __init__(self, server, url, challenge=None, key="rsa:2048", subject="/CN=anybody", signer=None, csr_key=None,
                 ca=None):  # fmt: skip
        self.server, self.url = server, url
        self.dir = server.path(f"scep-{next(self.numbers)}")
        os.makedirs(self.dir)
        self.ca = ca or server.device_ca
        self.key = csr_key or self.make_key("csr", key)
        self.csr = self.make_csr(self.key, subject, challenge)
        self.signer = signer or self.make_signer()
        self.digest, self.cipher = "sha256", "-aes-128-cbc"
        self.type = PKCS_REQ
        self.transaction = secrets.token_hex(20)
        self.nonce = secrets.token_bytes(16)
        self.signing_time = time.time()
        self.envelope = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def make_key(self, name, kind):
        path = self.path(name + ".key")
        algorithm, size = kind.split(":")
        option = f"rsa_keygen_bits:{size}" if algorithm == "rsa" else f"ec_paramgen_curve:{size}"
        openssl("genpkey", "-algorithm", algorithm.upper(), "-pkeyopt", option, "-out", path)
        return path

    def make_csr(self, key, subject, challenge):
        conf = "[req]\ndistinguished_name=dn\nattributes=attributes\nreq_extensions=extensions\nprompt=no\n[dn]\n"
        conf += subject.replace("/", "\n") + "\n"
        conf += "[extensions]\nsubjectAltName=DNS:evil.example.com\nbasicConstraints=CA:TRUE\n[attributes]\n"
        if challenge is not None:
            conf += f"challengePassword={challenge}\n"
        with open(self.path("csr.conf"), "w") as file:
            file.write(conf)
        return openssl("req", "-new", "-key", key, "-config", self.path("csr.conf"), "-outform", "DER")

    def make_signer(self, key="rsa:2048", version1=False):
        """Of its own: its key is not the request's."""
        path = self.make_key("signer", key)
        cert = self.path("signer.pem")
        if version1:
            request = openssl("req", "-new", "-key", path, "-subj", "/CN=MDM SCEP SIGNER")
            openssl("x509", "-req", "-signkey", path, "-days", "1", "-out", cert, input=request)
        else:
            openssl("req", "-x509", "-key", path, "-subj", "/CN=MDM SCEP SIGNER", "-days", "1", "-out", cert)
        return Identity(cert, path)

    def make_envelope(self, content=None, *options):
        legacy = ["-provider", "legacy", "-provider", "default"] if self.cipher == "-des" else []
        return openssl(
            "cms", "-encrypt", "-binary", self.cipher, *legacy, "-outform", "DER", *options, self.ca,
            input=self.csr if content is None else content,
        )  # fmt: skip

    def attributes(self, content):
        def attribute(name, value):
            return sequence(oid(name), der(0x31, value))

        attributes = [
            attribute("1.2.840.113549.1.9.3", oid(DATA)),
            attribute("1.2.840.113549.1.9.4", der(4, hashlib.new(self.digest, content).digest())),
            attribute(SCEP + "2", der(0x13, str(self.type).encode())),
            attribute(SCEP + "7", der(0x13, self.transaction.encode())),
            attribute(SCEP + "5", der(4, self.nonce)),
        ]
        if self.signing_time is not None:
            told = time.strftime("%y%m%d%H%M%SZ", time.gmtime(self.signing_time)).encode()
            attributes.append(attribute("1.2.840.113549.1.9.5", der(0x17, told)))
        return b"".join(sorted(attributes))

    def message(self):
        content = self.envelope or self.make_envelope()
        attributes = self.attributes(content)
        signature = openssl("dgst", f"-{self.digest}", "-sign", self.signer.key, input=der(0x31, attributes))
        certificate = self.signer.der()
        to_be_signed = split(split(certificate)[0][1])[0][1]
        parts = [part for part in split(to_be_signed) if part[0] != 0xA0]  # a version, from 2 on
        algorithm = sequence(oid(DIGESTS[self.digest]), der(5))
        signer = sequence(
            der(2, b"\1"), sequence(parts[2][2], parts[0][2]), algorithm, der(0xA0, attributes),
            self.signature_algorithm(), der(4, signature),
        )  # fmt: skip
        signed = sequence(
            der(2, b"\1"), der(0x31, algorithm), sequence(oid(DATA), der(0xA0, der(4, content))),
            der(0xA0, certificate), der(0x31, signer),
        )  # fmt: skip
        return sequence(oid(SIGNED), der(0xA0, signed))

    def signature_algorithm(self):
        if b"modulus" in openssl("pkey", "-in", self.signer.key, "-noout", "-text"):
            return sequence(oid("1.2.840.113549.1.1.1"), der(5))
        return sequence(oid("1.2.840.10045.4.3.2"))  # ecdsa-with-SHA256

    # ---- talking ----

    def ask(self):
        return self.post(self.message())

    def post(self, message, query="operation=PKIOperation", headers=None):
        return Reply(self, *request(self.url + "?" + query, "POST", message, headers, self.server.tls_ca))

    def get(self, message, text=None):
        text = base64.b64encode(message).decode() if text is None else text
        query = "operation=PKIOperation&message=" + urllib.parse.quote(text, safe="")
        return Reply(self, *request(f"{self.url}?{query}", "GET", cafile=self.server.tls_ca))


def request(url, method="GET", body=None, headers=None, cafile=None):
    """Status, Content-Type and body; a POST has no Content-Type unless given."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.netloc, timeout=60, context=ssl.create_default_context(cafile=cafile))
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()
    finally:
        connection.close()


def ca_certificates(url):
    """PEM of all that GetCACert gives."""
    _, content_type, body = request(url + "?operation=GetCACert")
    if content_type == "application/x-x509-ca-cert":
        return openssl("x509", "-inform", "DER", input=body)
    return openssl("pkcs7", "-inform", "DER", "-print_certs", input=body)


class Reply:
    """What came back, taken apart by the openssl command."""

    def __init__(self, client, http_status, content_type, body):
        self.client, self.http_status, self.content_type, self.body = client, http_status, content_type, body

    def attribute(self, number):
        """The value of an attribute of SCEP, None when it is not there."""
        _, behind, rest = self.body.partition(oid(SCEP + str(number)))
        return split(split(rest)[0][1])[0][1] if behind else None

    def text(self):
        return openssl("cms", "-cmsout", "-print", "-inform", "DER", input=self.body).decode()

    def content(self):
        """Once the signature was verified with the CA's certificate."""
        return openssl(
            "cms", "-verify", "-inform", "DER", "-binary", "-noverify", "-nointern", "-certfile", self.client.ca,
            input=self.body,
        )  # fmt: skip

    def check(self):
        """A CertRep to this message."""
        assert self.http_status == 200, (self.http_status, self.body)
        assert self.content_type == "application/x-pki-message"
        assert self.attribute(2) == b"3"
        assert self.attribute(7) == self.client.transaction.encode()
        assert self.attribute(6) == self.client.nonce
        assert len(self.attribute(5)) == 16 and self.attribute(5) != self.client.nonce
        text = self.text()
        assert re.search(r"signatureAlgorithm:\s+algorithm: rsaEncryption", text), text
        assert re.search(rf"digestAlgorithm:\s+algorithm: {self.client.digest} ", text), text
        return self.content()

    def refused(self):
        """The failInfo."""
        assert self.check() == b"", "its content is empty"
        assert "eContent: \n          <EMPTY>" in self.text() or b"\xa0\x02\x04\x00" in self.body
        assert self.attribute(3) == b"2"
        return int(self.attribute(4))

    def envelope(self):
        content = self.check()
        assert self.attribute(3) == b"0", f"failInfo {self.attribute(4)}"
        return content

    def certificate(self):
        """PEM of the identity; its key is the client's."""
        legacy = ["-provider", "legacy", "-provider", "default"]
        signed = openssl(
            "cms", "-decrypt", "-inform", "DER", "-binary", "-inkey", self.client.signer.key, "-recip",
            self.client.signer.certificate, *legacy, input=self.envelope(),
        )  # fmt: skip
        pem = openssl("pkcs7", "-inform", "DER", "-print_certs", input=signed)
        pem = pem[pem.index(b"-----BEGIN") :]
        assert pem.count(b"BEGIN CERTIFICATE") == 1
        public = openssl("x509", "-noout", "-pubkey", input=pem)
        assert public == openssl("pkey", "-in", self.client.key, "-pubout"), "another key"
        return pem

    def identity(self):
        pem = self.certificate()
        path = self.client.path(f"identity-{hashlib.sha256(pem).hexdigest()[:8]}.pem")
        with open(path, "wb") as file:
            file.write(pem)
        verified = subprocess.run(
            ["openssl", "verify", "-CAfile", self.client.ca, "-purpose", "sslclient", path], capture_output=True, check=False
        )
        assert verified.returncode == 0, verified.stdout
        return Identity(path, self.client.key)


# ---- the site of SCEP over plain HTTP ----

NGINX_CONF = """
{user}
pid {dir}/pid;
error_log {dir}/error.log notice;
daemon off;
events {{ }}
http {{
	access_log off;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	include {dir}/site.conf;
}}
"""


def start_plain_site(server):
    """An nginx with the site of SCEP over plain HTTP."""
    folder, port = server.path("nginx-scep"), free_port()
    os.makedirs(folder)
    with open(os.path.join(REPOSITORY, "nginx", "pomona-scep.conf.in")) as template:
        with open(os.path.join(folder, "site.conf"), "w") as site:
            fill_in = os.path.join(REPOSITORY, "scripts", "fill-in")
            values = [f"FCGI_SOCKET={server.socket}", f"SCEP_LISTEN=127.0.0.1:{port}"]
            subprocess.run([fill_in, *values], stdin=template, stdout=site, check=True)
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w") as file:
        file.write(NGINX_CONF.format(dir=folder, user="user root root;" if os.geteuid() == 0 else ""))
    nginx = server.start("nginx-scep", ["nginx", "-p", folder, "-c", conf, "-e", os.path.join(folder, "error.log")])
    url = f"http://127.0.0.1:{port}/scep"

    def answers():
        assert nginx.alive(), nginx.output()
        try:
            return request(url + "?operation=GetCACaps")
        except OSError:
            return None

    wait_for(answers, "nginx to answer")
    return url
