"""Certificates, made with the openssl command."""

import os
import subprocess

EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*args, **run):
    done = subprocess.run(["openssl", *args], capture_output=True, check=False, **run)
    assert done.returncode == 0, f"openssl {' '.join(args)}\n{done.stderr.decode(errors='replace')}"
    return done.stdout


class Identity:
    """A certificate and its key, both PEM files."""

    def __init__(self, certificate, key):
        self.certificate = certificate
        self.key = key

    def der(self):
        return openssl("x509", "-in", self.certificate, "-outform", "DER")


class Pki:
    """The CAs of a test session; all keys are EC, for speed."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory)
        self.tls_ca = self.make_ca("tls-ca")
        self.tls = self.issue(
            self.tls_ca, "tls", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth"
        )
        self.apple_ca = self.make_ca("apple-ca")
        self.apns = self.issue(self.apple_ca, "apns", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1")

    def path(self, name):
        return os.path.join(self.directory, name)

    def make_ca(self, name):
        identity = Identity(self.path(name + ".pem"), self.path(name + ".key"))
        openssl(
            "req", "-x509", *EC_KEY, "-keyout", identity.key, "-out", identity.certificate, "-days", "3",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
        return identity

    def issue(self, ca, name, subject, extensions="extendedKeyUsage=clientAuth", days=2, multivalue=()):
        identity = Identity(self.path(name + ".pem"), self.path(name + ".key"))
        openssl("req", "-new", *EC_KEY, "-keyout", identity.key, "-out", self.path(name + ".csr"), "-subj", subject,
                *multivalue)  # fmt: skip
        with open(self.path(name + ".ext"), "w") as file:
            file.write(extensions + "\n")
        openssl(
            "x509", "-req", "-in", self.path(name + ".csr"), "-CA", ca.certificate, "-CAkey", ca.key,
            "-CAcreateserial", "-days", str(days), "-extfile", self.path(name + ".ext"), "-out", identity.certificate,
        )  # fmt: skip
        return identity

    def push_certificate(self, name, topic, days=2, ca=None):
        """A push certificate as Apple issues it, one PEM file with its key."""
        identity = self.issue(
            ca or self.apple_ca, name, f"/UID={topic}/CN=APSP:{topic[-36:]}/C=US", "extendedKeyUsage=clientAuth", days
        )
        both = self.path(name + "-both.pem")
        with open(both, "w") as out:
            for path in (identity.certificate, identity.key):
                with open(path) as part:
                    out.write(part.read())
        identity.both = both
        return identity
