"""The device CA and its identities: revoked, renewed, expired, rolled over, from elsewhere; and the web server's files."""

import datetime
import json
import os
import plistlib
import re
import subprocess

import pytest

from harness.pki import Identity, openssl
from harness.process import wait_for
from harness.server import quote
from test_identity import messages

REFUSED = (400, 403)


def sha256(identity):
    return openssl("dgst", "-sha256", "-r", input=identity.der()).decode().split()[0]


def issue(server, name, *options):
    out = server.path("identities")
    server.pomona("identity", "issue", name, "--out", out, *options)
    return Identity(os.path.join(out, name + ".pem"), os.path.join(out, name + ".key"))


def refused_with_everything(device, *skip):
    """Every message type, and the store stays as it is."""
    before = device.server.everything()
    for name, body in messages(device, "no-such-command").items():
        if name not in skip:
            reply = device.send(device.message(body))
            assert reply.status == 403, name
            assert b"<plist" not in reply.body
    assert device.server.everything() == before


def state_of(server, identity):
    return server.value(f"SELECT state FROM identity WHERE sha256 = {quote(sha256(identity))}")


@pytest.fixture(scope="module")
def ca_server(make_server):
    own = make_server()
    yield own
    own.stop()


@pytest.fixture
def enrolled(ca_server):
    device = ca_server.enrolled()
    yield device
    device.close()


@pytest.fixture
def changing_server(make_server):
    """One whose CA a test changes."""
    own = make_server()
    yield own
    own.stop()


# ---- on record ----


def test_what_is_issued_is_on_record(ca_server, enrolled):
    row = ca_server.row(f"SELECT * FROM identity WHERE device = {quote(enrolled.id)}")
    assert row["sha256"] == sha256(enrolled.identity)
    text = openssl("x509", "-in", enrolled.identity.certificate, "-noout", "-serial", "-subject", "-nameopt", "RFC2253")
    assert f"serial={row['serial']}\n" in text.decode()
    assert row["subject"] in text.decode()
    assert (row["state"], row["origin"], row["pinned"]) == ("valid", "cli", 1)
    shown = ca_server.pomona_json("device", "show", enrolled.id)
    assert shown["identity_expires"] == row["not_after"].replace(".000Z", "Z")
    for word in (enrolled.id, row["serial"], row["sha256"], row["subject"].removeprefix("CN=")):
        assert ca_server.pomona_json("identity", "show", word)["sha256"] == row["sha256"]
    listed = ca_server.pomona_json("identity", "list", "--device", enrolled.id)
    assert [one["sha256"] for one in listed] == [row["sha256"]]
    found = ca_server.pomona_json("identity", "search", row["serial"][3:20].lower())
    assert [one["sha256"] for one in found] == [row["sha256"]]
    assert "KEY" not in json.dumps(row)


def test_an_identity_that_is_not_there(ca_server):
    done = ca_server.pomona("identity", "show", "nobody", check=False)
    assert (done.returncode, b"nobody" in done.stderr) == (1, True)
    done = ca_server.pomona("identity", "revoke", "nobody", check=False)
    assert (done.returncode, b"nobody" in done.stderr) == (1, True)


def test_one_name_may_be_that_of_several(ca_server, enrolled):
    name = ca_server.row(f"SELECT subject FROM identity WHERE device = {quote(enrolled.id)}")["subject"].removeprefix("CN=")
    ca_server.pomona("identity", "issue", name, "--out", ca_server.path("again"))
    done = ca_server.pomona("identity", "revoke", name, check=False)
    assert (done.returncode, b"several" in done.stderr) == (1, True)
    assert enrolled.idle().status == 200


# ---- revoked ----


def test_revoked(ca_server, enrolled):
    assert enrolled.idle().status == 200
    ca_server.pomona("identity", "revoke", enrolled.id, "--reason", "keyCompromise")
    refused_with_everything(enrolled)
    row = ca_server.row(f"SELECT * FROM identity WHERE sha256 = {quote(sha256(enrolled.identity))}")
    assert (row["state"], row["revoke_reason"], row["pinned"]) == ("revoked", "keyCompromise", 0)
    assert ca_server.value(f"SELECT count(*) FROM event WHERE kind = 'identity_revoked' AND device = {quote(enrolled.id)}") == 1
    again = ca_server.pomona("identity", "revoke", sha256(enrolled.identity), check=False)
    assert (again.returncode, b"already" in again.stderr) == (1, True)
    # a new one, and Authenticate: it is back
    old, enrolled.identity = enrolled.identity, ca_server.issue()
    enrolled.close()
    enrolled.enroll()
    assert enrolled.idle().status == 200
    new, enrolled.identity = enrolled.identity, old
    enrolled.close()
    refused_with_everything(enrolled)
    enrolled.identity = new
    enrolled.close()
    assert enrolled.idle().status == 200


def test_revoked_before_its_first_use(ca_server):
    device = ca_server.new_device()
    ca_server.pomona("identity", "revoke", sha256(device.identity))
    refused_with_everything(device)
    device.close()


def refused_for(server, device):
    """What `device show` tells, and the note that comes with a command."""
    added = server.pomona_json("queue", "add", device.id, "ProfileList", "--force")["status"][device.id]
    return server.pomona_json("device", "show", device.id)["refused"], added.get("note")


def test_a_device_that_cannot_come_is_told(ca_server, enrolled):
    no_identity = "the device has no valid identity"
    assert refused_for(ca_server, enrolled) == (None, None)
    ca_server.sql(f"UPDATE device SET state = 'blocked' WHERE id = {quote(enrolled.id)}")
    assert refused_for(ca_server, enrolled) == ("the device is blocked", "the device is blocked")
    assert "queued; the device is blocked" in ca_server.pomona("queue", "add", enrolled.id, "ProfileList")
    ca_server.sql(f"UPDATE device SET state = 'enrolled' WHERE id = {quote(enrolled.id)}")
    end = ca_server.value(f"SELECT identity_expires FROM enrollment WHERE id = {quote(enrolled.id)}")
    ca_server.sql(f"UPDATE enrollment SET identity_expires = 1000 WHERE id = {quote(enrolled.id)}")
    assert refused_for(ca_server, enrolled) == ("its identity has expired", no_identity)
    ca_server.sql(f"UPDATE enrollment SET identity_expires = {end} WHERE id = {quote(enrolled.id)}")
    user = enrolled.mac_user()
    assert user.token_update().status == 200
    ca_server.pomona("identity", "revoke", enrolled.id, "--reason", "keyCompromise")
    for channel in enrolled, user:
        assert refused_for(ca_server, channel) == ("its identity was revoked (keyCompromise)", no_identity)
    shown = ca_server.pomona("device", "show", enrolled.id)
    assert re.search(r"^Refused +its identity was revoked \(keyCompromise\)$", shown, re.MULTILINE)
    assert "queued; the device has no valid identity" in ca_server.pomona("queue", "add", enrolled.id, "ProfileList")
    enrolled.identity = ca_server.issue()
    enrolled.close()
    enrolled.enroll()
    assert refused_for(ca_server, enrolled) == (None, None)


def test_users_of_a_revoked_device(ca_server, enrolled):
    user = enrolled.mac_user()
    assert user.token_update().status == 200
    ca_server.pomona("identity", "revoke", enrolled.id)
    before = ca_server.everything()
    for name, body in messages(user, "x").items():
        assert enrolled.send(user.message(body)).status in REFUSED, name
    assert ca_server.everything() == before


def test_reasons(ca_server):
    done = ca_server.pomona("identity", "revoke", "x", "--reason", "dislike", check=False)
    assert (done.returncode, b"keyCompromise" in done.stderr) == (2, True)


# ---- renewed ----


def test_a_renewal_moves_the_pin_at_its_first_use(ca_server, enrolled):
    enrolled.check_in("SetBootstrapToken", BootstrapToken=b"kept")
    uuid = ca_server.queue(enrolled, "ProfileList")
    tally = ca_server.pomona_json("device", "show", enrolled.id)["token_tally"]
    old = enrolled.identity
    new = issue(ca_server, f"renewed-{enrolled.id}", "--renew", enrolled.id)
    # until then the old one counts
    assert enrolled.idle().uuid == uuid
    enrolled.identity = new
    enrolled.close()
    assert enrolled.idle().uuid == uuid
    # and from then on no more
    enrolled.identity = old
    enrolled.close()
    refused_with_everything(enrolled)
    assert (state_of(ca_server, old), state_of(ca_server, new)) == ("replaced", "valid")
    enrolled.identity = new
    enrolled.close()
    assert enrolled.acknowledge(uuid).status == 200
    assert b"kept" in enrolled.check_in("GetBootstrapToken").body or enrolled.check_in("GetBootstrapToken").command
    assert ca_server.pomona_json("device", "show", enrolled.id)["token_tally"] == tally
    assert ca_server.value(f"SELECT count(*) FROM event WHERE kind = 'identity_renewed' AND device = {quote(enrolled.id)}") == 1


@pytest.mark.parametrize("message", ["TokenUpdate", "SetBootstrapToken", "GetBootstrapToken", "Idle", "Error", "Authenticate"])
def test_any_message_moves_it(ca_server, enrolled, message):
    old = enrolled.identity
    enrolled.identity = issue(ca_server, f"by-{message}-{enrolled.id}", "--renew", enrolled.id)
    enrolled.close()
    assert enrolled.send(enrolled.message(messages(enrolled, "x")[message])).status == 200
    enrolled.identity = old
    enrolled.close()
    assert enrolled.idle().status == 403


def test_a_user_channel_moves_its_devices_pin(ca_server, enrolled):
    user = enrolled.mac_user()
    assert user.token_update().status == 200
    old = enrolled.identity
    enrolled.identity = issue(ca_server, f"by-user-{enrolled.id}", "--renew", enrolled.id)
    enrolled.close()
    assert user.idle().status == 200
    assert enrolled.idle().status == 200
    enrolled.identity = old
    enrolled.close()
    assert user.idle().status == 403


def test_renewed_twice_before_it_came(ca_server, enrolled):
    second = issue(ca_server, f"second-{enrolled.id}", "--renew", enrolled.id)
    third = issue(ca_server, f"third-{enrolled.id}", "--renew", sha256(second))
    enrolled.identity = third
    enrolled.close()
    assert enrolled.idle().status == 200
    enrolled.identity = second
    enrolled.close()
    refused_with_everything(enrolled)


def test_a_renewal_of_a_revoked_one_is_worth_nothing(ca_server, enrolled):
    renewed = issue(ca_server, f"heir-{enrolled.id}", "--renew", enrolled.id)
    ca_server.pomona("identity", "revoke", enrolled.id)
    enrolled.identity = renewed
    enrolled.close()
    refused_with_everything(enrolled)


def test_a_renewal_that_was_never_used_ends_with_the_pin(ca_server, enrolled):
    """Whoever had the old identity may have made it before the device came with its own."""
    heir = issue(ca_server, f"unused-{enrolled.id}", "--renew", enrolled.id)
    enrolled.identity = issue(ca_server, f"used-{enrolled.id}", "--renew", enrolled.id)
    enrolled.close()
    assert enrolled.idle().status == 200
    next_one = issue(ca_server, f"next-{enrolled.id}", "--renew", enrolled.id)
    enrolled.identity = heir
    enrolled.close()
    refused_with_everything(enrolled)
    enrolled.identity = next_one
    enrolled.close()
    assert enrolled.enroll().idle().status == 200


def test_a_long_row_of_renewals_hides_no_revoked_one(ca_server, enrolled):
    heir = sha256(enrolled.identity)
    for n in range(33):
        identity = issue(ca_server, f"row-{n}-{enrolled.id}", "--renew", heir)
        heir = sha256(identity)
    ca_server.pomona("identity", "revoke", enrolled.id)
    enrolled.identity = identity
    enrolled.close()
    refused_with_everything(enrolled)


def test_a_renewal_of_a_revoked_one_from_elsewhere(ca_server, enrolled):
    """The old identity is not on record but as a pin."""
    renewed = issue(ca_server, f"from-elsewhere-{enrolled.id}", "--renew", enrolled.id)
    ca_server.sql(f"DELETE FROM issued_identity WHERE sha256 = {quote(sha256(enrolled.identity))}")
    ca_server.pomona("identity", "revoke", enrolled.id)
    enrolled.identity = renewed
    enrolled.close()
    refused_with_everything(enrolled)


def test_a_renewal_is_no_other_devices(ca_server, enrolled):
    other = ca_server.enrolled()
    renewed = issue(ca_server, f"mine-{enrolled.id}", "--renew", enrolled.id)
    other.identity = renewed
    other.close()
    refused_with_everything(other)
    newcomer = ca_server.new_device(identity=renewed)
    refused_with_everything(newcomer)
    other.close()
    newcomer.close()


# ---- expired ----


def test_an_identity_that_expired_during_a_session(ca_server, enrolled):
    """The web server has looked at it when the connection began."""
    assert enrolled.idle().status == 200
    ca_server.sql(f"UPDATE enrollment SET identity_expires = 1000 WHERE id = {quote(enrolled.id)}")
    user = enrolled.mac_user()
    refused_with_everything(enrolled, "Authenticate")
    assert enrolled.send(user.message(messages(user, "x")["TokenUpdate"])).status == 403


def test_the_end_of_an_old_pin_is_learnt(ca_server, enrolled):
    """It was pinned by a version that did not note it."""
    ca_server.sql(f"UPDATE enrollment SET identity_expires = NULL WHERE id = {quote(enrolled.id)}")
    assert enrolled.idle().status == 200
    assert ca_server.value(f"SELECT identity_expires / 1000 FROM enrollment WHERE id = {quote(enrolled.id)}") > 1e9


# ---- intrusions ----


@pytest.fixture(scope="module")
def strangers(ca_server, pki):
    """Identities that look like a device's."""
    foreign = pki.make_ca("foreign-ca")
    subject = "/CN=Pomona Device CA/O=Pomona Tests"
    imitated = Identity(pki.path("imitated-ca.pem"), pki.path("imitated-ca.key"))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", imitated.key,
            "-out", imitated.certificate, "-days", "3", "-subj", subject)  # fmt: skip
    alone = Identity(pki.path("alone.pem"), pki.path("alone.key"))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", alone.key,
            "-out", alone.certificate, "-days", "3", "-subj", "/CN=device-1")  # fmt: skip
    return {
        "another CA": pki.issue(foreign, "of-foreign", "/CN=device-1"),
        "a CA of the same name": pki.issue(imitated, "of-imitated", "/CN=device-1"),
        "self-signed": alone,
    }


@pytest.mark.parametrize("kind", ["another CA", "a CA of the same name", "self-signed"])
def test_strangers(ca_server, enrolled, strangers, kind):
    before = ca_server.everything()
    for name, body in messages(enrolled, "x").items():
        assert enrolled.turned_away(strangers[kind], "/mdm", plistlib.dumps(enrolled.message(body))), name
    assert ca_server.everything() == before


def test_another_devices_certificate(ca_server, enrolled):
    thief = ca_server.enrolled()
    impostor = ca_server.new_device(identity=thief.identity, udid=enrolled.udid)
    refused_with_everything(impostor)
    impostor.close()
    thief.close()


def test_a_user_channel_under_a_foreign_device(ca_server, enrolled):
    user = enrolled.mac_user()
    assert user.token_update().status == 200
    thief = ca_server.enrolled()
    before = ca_server.everything()
    for name, body in messages(user, "x").items():
        assert thief.send(user.message(body)).status in REFUSED, name
    # the thief's own channel, with the user's id
    stolen = thief.mac_user()
    stolen.ids["UserID"] = user.ids["UserID"]
    assert thief.send({**user.message({"Status": "Idle"}), "UDID": enrolled.udid}).status == 403
    assert ca_server.everything() == before
    thief.close()


def test_the_old_certificate_after_re_enrollment(ca_server, enrolled):
    old, enrolled.identity = enrolled.identity, ca_server.issue()
    enrolled.close()
    enrolled.enroll()
    enrolled.close()
    enrolled.identity = old
    refused_with_everything(enrolled)


# ---- devices from another server ----


def migrate(server, device):
    """As it is when its rows come from elsewhere: no pin."""
    server.sql(f"UPDATE enrollment SET certificate = NULL, identity_expires = NULL WHERE id = {quote(device.id)}")


def test_a_migrated_device_is_pinned_by_its_first_certificate(ca_server, enrolled):
    migrate(ca_server, enrolled)
    refused_with_everything(enrolled, "Authenticate")
    ca_server.pomona("setting", "set", "pin_unknown", "on")
    try:
        other = ca_server.enrolled()
        thief = ca_server.new_device(identity=other.identity, udid=enrolled.udid)
        refused_with_everything(thief)
        assert enrolled.idle().status == 200
        assert ca_server.value(f"SELECT certificate FROM enrollment WHERE id = {quote(enrolled.id)}") == sha256(enrolled.identity)
        assert ca_server.value(f"SELECT count(*) FROM event WHERE kind = 'identity_pinned' AND device = {quote(enrolled.id)}") == 1
        late = ca_server.new_device(udid=enrolled.udid)
        refused_with_everything(late, "Authenticate")
        for device in (other, thief, late):
            device.close()
    finally:
        ca_server.pomona("setting", "set", "pin_unknown", "off")
    assert enrolled.idle().status == 200


def test_a_revoked_pin_is_not_given_again(ca_server, enrolled):
    ca_server.pomona("identity", "revoke", enrolled.id)
    ca_server.sql("INSERT INTO setting(name, value) VALUES ('pin_unknown', 'on')")
    try:
        fresh = ca_server.new_device(udid=enrolled.udid)
        refused_with_everything(enrolled)
        refused_with_everything(fresh, "Authenticate")
        fresh.close()
    finally:
        ca_server.sql("DELETE FROM setting WHERE name = 'pin_unknown'")


# ---- CRLs ----


def crl_check(server, identity):
    """What `openssl verify` says of it with the files for the web server."""
    return subprocess.run(
        ["openssl", "verify", "-crl_check", "-CAfile", server.path("device-ca.pem"), "-CRLfile", server.path("device-ca.crl"),
         identity.certificate],
        capture_output=True, check=False, text=True,
    )  # fmt: skip


def test_the_crl(ca_server):
    good, bad, worse = ca_server.issue(), ca_server.issue(), ca_server.issue()
    assert crl_check(ca_server, bad).returncode == 0
    ca_server.pomona("identity", "revoke", sha256(bad), "--reason", "superseded")
    ca_server.pomona("identity", "revoke", sha256(worse))
    assert crl_check(ca_server, good).returncode == 0
    for identity in (bad, worse):
        done = crl_check(ca_server, identity)
        assert done.returncode != 0
        assert "revoked" in done.stderr + done.stdout
    text = openssl("crl", "-in", ca_server.path("device-ca.crl"), "-noout", "-text").decode()
    assert "Superseded" in text
    assert "X509v3 CRL Number" in text
    assert "X509v3 Authority Key Identifier" in text
    times = openssl("crl", "-in", ca_server.path("device-ca.crl"), "-noout", "-nextupdate").decode()
    end = datetime.datetime.strptime(times.strip().removeprefix("nextUpdate="), "%b %d %H:%M:%S %Y GMT")
    assert datetime.timedelta(days=6) < end - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) <= datetime.timedelta(days=7)


CRL_LINES = {
    "nginx": "# ssl_crl @SYSCONFDIR@/pomona/device-ca.crl;",
    "apache": "# SSLCARevocationFile  @SYSCONFDIR@/pomona/device-ca.crl\n\t# SSLCARevocationCheck leaf",
}


def test_the_web_server_refuses_what_is_in_the_crl(changing_server):
    server = changing_server
    device = server.enrolled()
    front = "apache" if server.front.startswith("apache") else "nginx"
    line = CRL_LINES[front]
    edit = {line: line.replace("# ", "").replace("@SYSCONFDIR@/pomona", server.dir)}
    server.restart_front(edit)
    device.close()
    assert device.idle().status == 200
    other = server.issue()
    server.pomona("identity", "revoke", sha256(other))
    server.restart_front(edit)
    device.close()
    assert device.idle().status == 200
    assert device.turned_away(other, "/mdm", b"x")
    device.close()


def test_files_that_are_gone_or_old_are_written_anew(make_server):
    server = make_server(push=True)
    try:
        pem, crl = server.path("device-ca.pem"), server.path("device-ca.crl")
        device = server.enrolled()
        with open(pem) as file:
            wanted = file.read()
        os.unlink(crl)
        with open(pem, "w") as file:
            file.write("something else\n")
        wait_for(lambda: os.path.exists(crl), "the worker to write the CRL")
        wait_for(lambda: open(pem).read() == wanted, "the worker to write the CAs")
        assert os.stat(crl).st_mode & 0o777 == 0o644
        # revoked behind the command line's back: the worker sees it in the store
        sha = sha256(device.identity)
        server.sql(
            f"UPDATE issued_identity SET revoked_at = 1700000000000, revoke_reason = 'superseded' WHERE sha256 = {quote(sha)};"
            "UPDATE ca_revision SET revision = revision + 1"
        )
        wait_for(lambda: crl_check(server, device.identity).returncode != 0, "the revocation in the CRL")
        # a day old
        with open(crl) as file:
            text = file.read()
        head, rest = text.split("\n", 1)
        made = int(head.rsplit(" ", 1)[1])
        old = f"{head.rsplit(' ', 1)[0]} {made - 25 * 3600 * 1000}\n{rest}"
        with open(crl + ".old", "w") as file:
            file.write(old)
        os.replace(crl + ".old", crl)
        wait_for(lambda: open(crl).read() != old, "a CRL of today")
        assert not [name for name in os.listdir(server.dir) if name.startswith("device-ca.") and name not in ("device-ca.pem", "device-ca.crl")]
        device.close()
    finally:
        server.stop()


def test_a_folder_that_cannot_be_written_is_told(changing_server):
    server = changing_server
    os.unlink(server.path("device-ca.crl"))
    os.mkdir(server.path("device-ca.crl"))
    device = server.enrolled()
    done = server.pomona("identity", "revoke", device.id, check=False)
    assert done.returncode == 0
    assert b"device-ca.crl" in done.stderr
    assert device.idle().status == 403
    os.rmdir(server.path("device-ca.crl"))
    assert [row["state"] for row in server.pomona_json("ca", "files")] == ["current", "written"]
    assert [row["state"] for row in server.pomona_json("ca", "files")] == ["current", "current"]
    device.close()


# ---- roll-over ----


def roles(server):
    return {row["name"]: row["role"] for row in server.pomona_json("ca", "list")}


def test_roll_over(changing_server):
    server = changing_server
    before = server.enrolled()
    made = server.pomona_json("ca", "roll-over")
    assert [row["name"] for row in made] == ["device-2"]
    assert roles(server) == {"device": "issuing", "device-2": "next"}
    again = server.pomona("ca", "roll-over", check=False)
    assert (again.returncode, b"--activate" in again.stderr) == (1, True)
    server.restart_front()
    between = server.enrolled()
    server.pomona("ca", "roll-over", "--activate")
    assert roles(server) == {"device": "former", "device-2": "issuing"}
    after = server.enrolled()
    subject = openssl("x509", "-in", after.identity.certificate, "-noout", "-issuer").decode()
    assert "Pomona Device CA 2" in subject
    for device in (before, between, after):
        device.close()
        assert device.idle().status == 200
        assert crl_check(server, device.identity).returncode == 0
    server.pomona("identity", "revoke", before.id)
    server.pomona("identity", "revoke", after.id)
    assert [crl_check(server, device.identity).returncode == 0 for device in (before, between, after)] == [False, True, False]
    assert server.pomona("ca", "retire", "device-2", check=False).returncode == 1
    in_use = server.pomona("ca", "retire", "device", check=False)
    assert (in_use.returncode, b"--force" in in_use.stderr) == (1, True)
    # the web server does not know yet
    server.pomona("ca", "retire", "device", "--force")
    refused_with_everything(between)
    assert roles(server) == {"device": "retired", "device-2": "issuing"}
    with open(server.path("device-ca.pem")) as file:
        assert file.read() == server.pomona("ca", "show")
    third = server.enrolled()
    assert third.idle().status == 200
    for device in (before, between, after, third):
        device.close()


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def twin_of(identity, path):
    """The same certificate with the other of the two forms of its ECDSA signature, and so of another hash."""
    der = identity.der()
    body = der[4 : 4 + 4 + int.from_bytes(der[6:8], "big")]
    rest = der[4 + len(body) :]
    algorithm, bits = rest[: 2 + rest[1]], rest[2 + rest[1] :]
    r_len = bits[6]
    r, s = bits[7 : 7 + r_len], int.from_bytes(bits[9 + r_len :], "big")
    other = P256_ORDER - s
    other = other.to_bytes(other.bit_length() // 8 + 1, "big")
    pair = b"\x02" + bytes([len(r)]) + r + b"\x02" + bytes([len(other)]) + other
    pair = b"\x00\x30" + bytes([len(pair)]) + pair
    whole = body + algorithm + b"\x03" + bytes([len(pair)]) + pair
    pem = openssl("x509", "-inform", "DER", input=b"\x30\x82" + len(whole).to_bytes(2, "big") + whole)
    with open(path, "wb") as file:
        file.write(pem)
    return Identity(path, identity.key)


def test_a_certificate_whose_signature_is_written_in_another_way(changing_server):
    server = changing_server
    server.pomona("ca", "roll-over", "--key", "ec")
    server.pomona("ca", "roll-over", "--activate")
    server.restart_front()
    device = server.enrolled()
    twin = twin_of(device.identity, server.path("twin.pem"))
    assert sha256(twin) != sha256(device.identity)
    openssl("verify", "-CAfile", server.path("device-ca.pem"), twin.certificate)
    server.pomona("identity", "revoke", device.id)
    newcomer = server.new_device(identity=twin)
    refused_with_everything(newcomer)
    assert "not as the CA has issued it" in server.fcgi.output()
    for one in (device, newcomer):
        one.close()


def test_roll_over_at_a_time(make_server):
    server = make_server(push=True)
    try:
        server.pomona("ca", "roll-over", "--key", "ec", "--ca-name", "The Next", "--at", "+2s")
        assert roles(server)["device"] == "issuing"
        wait_for(lambda: roles(server)["device"] == "former", "the worker to activate the next CA")
        assert roles(server) == {"device": "former", "device-2": "issuing", "device-2-ra": "ra"}
        assert server.pomona_json("ca", "show")["subject"] == "CN=The Next"
        assert server.value("SELECT count(*) FROM event WHERE kind = 'ca'") == 3
    finally:
        server.stop()


def test_an_ec_ca(make_server):
    server = make_server()
    try:
        other = server.path("other")
        server.run([os.path.join(os.environ.get("POMONA_BIN", "."), "pomona"), "init", "--dir", other, "--ca-key", "ec"])
        conf = os.path.join(other, "pomona.conf")
        listed = json.loads(server.pomona("--config", conf, "ca", "list", "--json"))
        assert {row["name"]: (row["role"], row["belongs_to"]) for row in listed} == {
            "device": ("issuing", None), "device-ra": ("ra", "device")}  # fmt: skip
        certificate = server.pomona("--config", conf, "ca", "show")
        assert b"prime256v1" in openssl("x509", "-noout", "-text", input=certificate.encode())
        helper = server.pomona("--config", conf, "ca", "show", "device-ra")
        text = openssl("x509", "-noout", "-text", input=helper.encode()).decode()
        assert "Public-Key: (2048 bit)" in text
        assert "Digital Signature, Key Encipherment" in text
        server.pomona("--config", conf, "identity", "issue", "one", "--out", os.path.join(other, "out"))
        openssl("verify", "-purpose", "sslclient", "-crl_check", "-CAfile", os.path.join(other, "device-ca.pem"),
                "-CRLfile", os.path.join(other, "device-ca.crl"), os.path.join(other, "out", "one.pem"))  # fmt: skip
        assert server.pomona("--config", conf, "init", "--dir", other, "--ca-key", "dsa", check=False).returncode == 2
    finally:
        server.stop()


# ---- from elsewhere ----


class Elsewhere:
    """A root and an intermediate CA below it."""

    def __init__(self, pki, name, key="ec", days=20, extensions=None):
        self.pki = pki
        self.root = pki.make_ca(name + "-root")
        self.ca = Identity(pki.path(name + ".pem"), pki.path(name + ".key"))
        kind = ["rsa:2048"] if key == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"]
        openssl("req", "-new", "-newkey", *kind, "-nodes", "-keyout", self.ca.key, "-out", pki.path(name + ".csr"),
                "-subj", f"/CN={name}/O=Elsewhere")  # fmt: skip
        with open(pki.path(name + ".ext"), "w") as file:
            file.write(extensions or "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                       "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")  # fmt: skip
        openssl("x509", "-req", "-in", pki.path(name + ".csr"), "-CA", self.root.certificate, "-CAkey", self.root.key,
                "-CAcreateserial", "-days", str(days), "-extfile", pki.path(name + ".ext"), "-out", self.ca.certificate)  # fmt: skip
        self.pem = pki.path(name + "-all.pem")
        self.join(self.pem, self.ca.key, self.ca.certificate, self.root.certificate)
        self.crl = pki.path(name + "-root.crl")
        with open(pki.path(name + "-index"), "w"):
            pass
        with open(pki.path(name + ".cnf"), "w") as file:
            file.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={pki.path(name + '-index')}\ndefault_md=sha256\ndefault_crl_days=9\n")
        openssl("ca", "-gencrl", "-config", pki.path(name + ".cnf"), "-cert", self.root.certificate, "-keyfile", self.root.key,
                "-out", self.crl)  # fmt: skip

    @staticmethod
    def join(target, *parts):
        with open(target, "w") as out:
            for part in parts:
                with open(part) as file:
                    out.write(file.read())


def test_a_ca_from_elsewhere(changing_server, pki):
    server = changing_server
    before = server.enrolled()
    elsewhere = Elsewhere(pki, "imported")
    password = server.path("password")
    with open(password, "w") as file:
        file.write("open sesame\n")
    p12 = server.path("elsewhere.p12")
    openssl("pkcs12", "-export", "-in", elsewhere.ca.certificate, "-inkey", elsewhere.ca.key, "-certfile",
            elsewhere.root.certificate, "-out", p12, "-passout", "pass:open sesame")  # fmt: skip
    wrong = server.pomona("ca", "import", p12, check=False)
    assert (wrong.returncode, b"password" in wrong.stderr) == (1, True)
    done = server.pomona("ca", "import", p12, "--password-file", password, "--activate", check=False)
    assert done.returncode == 0, done.stderr
    assert b"pomona ca crl" in done.stderr
    assert roles(server) == {"device": "former", "device-2": "issuing", "device-2-ra": "ra"}
    server.restart_front()
    after = server.enrolled()
    for device in (before, after):
        device.close()
        assert device.idle().status == 200
    # all CAs of the chain have a CRL when the root's is given
    foreign = server.pomona("ca", "crl", "device-2", server.path("device-ca.crl"), check=False)
    assert foreign.returncode == 1
    done = server.pomona("ca", "crl", "device-2", elsewhere.crl, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    full = ["openssl", "verify", "-crl_check_all", "-CAfile", server.path("device-ca.pem"), "-CRLfile",
            server.path("device-ca.crl"), after.identity.certificate]  # fmt: skip
    assert subprocess.run(full, capture_output=True, check=False).returncode == 0
    server.pomona("identity", "revoke", after.id)
    assert subprocess.run(full, capture_output=True, check=False).returncode != 0
    again = server.pomona("ca", "import", elsewhere.pem, check=False)
    assert (again.returncode, b"already" in again.stderr) == (1, True)
    # its key is sealed like others
    assert server.value("SELECT count(*) FROM authority WHERE instr(key, CAST('PRIVATE' AS BLOB)) > 0") == 0
    for device in (before, after):
        device.close()


def test_an_rsa_ca_from_elsewhere(changing_server, pki):
    elsewhere = Elsewhere(pki, "imported-rsa", key="rsa")
    changing_server.pomona("ca", "import", elsewhere.pem, "--crl", elsewhere.crl, "--activate")
    assert roles(changing_server) == {"device": "former", "device-2": "issuing"}


BAD_CAS = {
    "no root": (lambda e: (e.ca.key, e.ca.certificate), "root"),
    "no key": (lambda e: (e.ca.certificate, e.root.certificate), "private key"),
    "a stranger in it": (lambda e: (e.ca.key, e.ca.certificate, e.root.certificate, e.pki.tls_ca.certificate), "belongs to neither"),
    "no CA": (lambda e: (e.pki.tls.key, e.pki.tls.certificate, e.pki.tls_ca.certificate), "not that of a CA"),
}


@pytest.mark.parametrize("case", BAD_CAS)
def test_a_ca_that_will_not_do(ca_server, pki, case):
    parts, reason = BAD_CAS[case]
    elsewhere = Elsewhere(pki, "bad-" + case.replace(" ", "-"))
    path = pki.path("bad.pem")
    Elsewhere.join(path, *parts(elsewhere))
    before = ca_server.everything()
    done = ca_server.pomona("ca", "import", path, check=False)
    assert done.returncode == 1
    assert reason in done.stderr.decode()
    assert ca_server.everything() == before


BAD_EXTENSIONS = {
    "no cRLSign": ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n", 20, "cRLSign"),
    "no keyCertSign": ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n", 20, "CA"),
    "for servers only": ("basicConstraints=critical,CA:TRUE\nextendedKeyUsage=serverAuth\n", 20, "verify"),
    "expired": (None, -1, "expired"),
}


@pytest.mark.parametrize("case", BAD_EXTENSIONS)
def test_a_ca_that_may_not(ca_server, pki, case):
    extensions, days, reason = BAD_EXTENSIONS[case]
    elsewhere = Elsewhere(pki, "may-not-" + case.replace(" ", "-"), extensions=extensions, days=days)
    done = ca_server.pomona("ca", "import", elsewhere.pem, check=False)
    assert done.returncode == 1
    assert reason in done.stderr.decode()


# ---- what ends soon ----


def warnings(server):
    return [
        (detail["what"], detail["whose"], detail["days"])
        for detail in (json.loads(row["detail"]) for row in server.sql("SELECT detail FROM event WHERE kind = 'expires' ORDER BY id"))
    ]


def test_what_ends_soon_is_warned_of_once(make_server, pki):
    """A push certificate of two days, a CA of twenty, identities of 5, 25, 50 and 100 days."""
    server = make_server(push=True)
    try:
        server.push.stop()
        told = server.parts.pop("pomona-push").output().count("a certificate ends soon")
        server.sql("DELETE FROM event_log; DELETE FROM expiry_warning")
        elsewhere = Elsewhere(pki, "short", days=20)
        server.pomona("ca", "import", elsewhere.pem)
        devices = {}
        for days in (5, 25, 50, 100):
            identity = issue(server, f"days-{days}", "--days", str(days))
            devices[days] = server.new_device(identity=identity).enroll()
            devices[days].close()
        issue(server, "unused", "--days", "5")
        server.start_push()
        wait_for(lambda: len(warnings(server)) >= 5, "the warnings")
        expected = [
            ("authority", "O=Elsewhere,CN=short", 30), ("identity", devices[25].id, 30), ("identity", devices[5].id, 7),
            ("identity", devices[50].id, 60), ("push_certificate", server.topic, 7),
        ]  # fmt: skip
        assert sorted(warnings(server)) == sorted(expected)
        wait_for(lambda: server.push.output().count("a certificate ends soon") == told + 5, "the lines in the log")
        # once each, also by another worker
        server.parts.pop("pomona-push").stop()
        # time goes by: one comes into the next span
        server.sql(
            f"UPDATE enrollment SET identity_expires = identity_expires - 30 * 86400000 WHERE id = {quote(devices[50].id)};"
            f"UPDATE expiry_warning SET not_after = not_after - 30 * 86400000 WHERE days = 60"
        )
        server.start_push()
        wait_for(lambda: len(warnings(server)) >= 6, "the next warning")
        assert sorted(warnings(server)) == sorted([*expected, ("identity", devices[50].id, 30)])
    finally:
        server.stop()
