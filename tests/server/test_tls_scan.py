"""What a stranger's scan of the TLS port finds: TLS 1.2 and 1.3, and nothing weak."""

import xml.etree.ElementTree as tree

import pytest

STRONG = ("AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305", "AES128-GCM", "AES256-GCM", "CHACHA20-POLY1305")


@pytest.fixture(scope="module")
def scan(server):
    done = server.run(["sslscan", "--xml=-", "--no-colour", f"127.0.0.1:{server.port}"])
    return tree.fromstring(done.stdout).find("ssltest")


def test_versions(scan):
    enabled = {f"{row.get('type')}{row.get('version')}" for row in scan.findall("protocol") if row.get("enabled") == "1"}
    tried = {f"{row.get('type')}{row.get('version')}" for row in scan.findall("protocol")}
    assert enabled == {"tls1.2", "tls1.3"}
    assert tried >= {"ssl2", "ssl3", "tls1.0", "tls1.1"}


def test_ciphers(scan):
    """Each with a key exchange that keeps old sessions secret, authenticated encryption, and 128 bits or more."""
    ciphers = [row for row in scan.findall("cipher")]
    assert {row.get("sslversion") for row in ciphers} == {"TLSv1.2", "TLSv1.3"}
    for row in ciphers:
        name = row.get("cipher")
        assert row.get("strength") in ("strong", "acceptable"), name
        assert int(row.get("bits")) >= 128, name
        assert any(kind in name for kind in STRONG), name
        assert row.get("sslversion") == "TLSv1.3" or name.startswith("ECDHE-"), name


def test_key_exchange(scan):
    groups = [row for row in scan.findall("group")]
    assert groups
    assert all(int(row.get("bits")) >= 112 for row in groups)


def test_nothing_else_is_wrong(scan):
    assert all(row.get("vulnerable") == "0" for row in scan.findall("heartbleed"))
    assert all(row.get("supported") == "0" for row in scan.findall("compression"))
    assert scan.find("renegotiation").get("supported") == "0" or scan.find("renegotiation").get("secure") == "1"
