"""Secrets that devices give into safe keeping: decrypted or taken over, sealed, in no view and no file, shown for a reason
alone.  The encrypted ones are made by the openssl command."""

import base64
import glob
import json
import os
import plistlib

import pytest

from harness.pki import openssl
from harness.server import quote

pytestmark = pytest.mark.nginx

KEY = "M3QC-9VYL-2222-ABCD-XYZ7-N00N"


@pytest.fixture(scope="module")
def vault(make_server):
    """A server that has an escrow certificate."""
    own = make_server()
    own.pomona("escrow", "init")
    own.pomona("escrow", "export", "--out", own.path("escrow.pem"))
    yield own
    own.stop()


@pytest.fixture
def mac(vault):
    device = vault.new_device()
    enroll(device)
    yield device
    device.close()


def enroll(device):
    """As a Mac does."""
    assert device.authenticate(ProductName="Mac14,2", ModelName="MacBook Air", OSVersion="15.1").status == 200
    assert device.token_update().status == 200


def encrypted(certificate, text):
    return openssl("cms", "-encrypt", "-binary", "-aes256", "-outform", "DER", certificate, input=text.encode())


def answer(server, device, request, args=None, answer_keys=None):
    if args is None:
        uuid = server.queue(device, request)
    else:
        uuid = server.pomona_json("queue", "add", device.id, request, "--args", json.dumps(args))["command_uuid"]
    reply = device.idle()
    assert reply.uuid == uuid, reply
    assert device.acknowledge(uuid, **(answer_keys or {})).status == 200
    return uuid, reply.command["Command"]


def show(server, device, kind, *more, reason="ticket 42"):
    return server.pomona_json("secret", "show", device.id, kind, "--reason", reason, *more)


def kinds(server, device):
    rows = server.sql(f"SELECT kind FROM escrowed_secret WHERE device = {quote(device.id)} AND replaced_at IS NULL")
    return [row["kind"] for row in rows]


def escrow_events(server, device):
    rows = server.sql(f"SELECT detail FROM event WHERE kind = 'escrow' AND device = {quote(device.id)} ORDER BY id")
    return [json.loads(row["detail"]) for row in rows]


def assert_unseen(server, *secrets):
    """In no view, no log, and no file of the store."""
    for row in server.sql("SELECT name FROM sqlite_schema WHERE type = 'view'"):
        text = server.sqlite(f"SELECT * FROM {row['name']}")
        for secret in secrets:
            assert secret not in text, row["name"]
    for path in glob.glob(server.db + "*") + glob.glob(server.path("*.log")):
        with open(path, "rb") as file:
            content = file.read()
        for secret in secrets:
            assert secret.encode() not in content, path


# ---- FileVault ----


def test_the_certificate(vault):
    text = openssl("x509", "-in", vault.path("escrow.pem"), "-noout", "-text", "-nameopt", "RFC2253").decode()
    assert "CN=FileVault key escrow,O=Pomona Tests" in text and "2048 bit" in text
    assert "Key Encipherment, Data Encipherment" in text and "CA:FALSE" in text
    done = vault.pomona("escrow", "init", check=False)
    assert done.returncode == 1 and b"--renew" in done.stderr


def test_the_profile(vault):
    profile = plistlib.loads(vault.pomona("escrow", "export", "--profile", "--location", "the help desk").encode())
    certificate, escrow = profile["PayloadContent"]
    der = openssl("x509", "-in", vault.path("escrow.pem"), "-outform", "DER")
    assert (certificate["PayloadType"], certificate["PayloadContent"]) == ("com.apple.security.pkcs1", der)
    assert escrow["PayloadType"] == "com.apple.security.FDERecoveryKeyEscrow"
    assert escrow["EncryptCertPayloadUUID"] == certificate["PayloadUUID"]
    assert escrow["Location"] == "the help desk" and profile["PayloadScope"] == "System"


def test_filevault_keys(vault, mac):
    """From SecurityInfo, and the next one from RotateFileVaultKey; the certificate changes meanwhile."""
    message = encrypted(vault.path("escrow.pem"), KEY)
    for _ in range(2):
        answer(vault, mac, "SecurityInfo", None, {"SecurityInfo": {"FDE_Enabled": True, "FDE_PersonalRecoveryKeyCMS": message}})
    assert kinds(vault, mac) == ["filevault_key"]
    assert [row["value"] for row in show(vault, mac, "filevault_key")] == [KEY]
    vault.pomona("escrow", "init", "--renew", "--name", "Second")
    vault.pomona("escrow", "export", "--out", vault.path("second.pem"))
    unlock = {"KeyType": "personal", "FileVaultUnlock": {"Password": KEY}}
    rotated = encrypted(vault.path("second.pem"), "NEXT-" + KEY)
    _, command = answer(vault, mac, "RotateFileVaultKey", unlock, {"RotateResult": {"EncryptedNewRecoveryKey": rotated}})
    assert command["FileVaultUnlock"] == {"Password": KEY}
    shown = show(vault, mac, "filevault_key", "--all")
    assert [row["value"] for row in shown] == ["NEXT-" + KEY, KEY]
    assert shown[0]["replaced_at"] is None and shown[1]["replaced_at"] is not None
    assert [event["what"] for event in escrow_events(vault, mac)] == ["kept", "kept"]
    assert_unseen(vault, KEY)


def test_what_cannot_be_decrypted(vault, pki, mac):
    """The answer is stored, and an event tells."""
    other = vault.path("other.pem")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", vault.path("other.key"), "-out", other, "-subj", "/CN=o")
    for message in (encrypted(other, KEY), b"no CMS", encrypted(vault.path("escrow.pem"), KEY)[:-40]):
        uuid, _ = answer(vault, mac, "SecurityInfo", None, {"SecurityInfo": {"FDE_PersonalRecoveryKeyCMS": message}})
        response = json.loads(vault.result(mac, uuid)["response"])
        assert base64.b64decode(response["SecurityInfo"]["FDE_PersonalRecoveryKeyCMS"]) == message
    events = escrow_events(vault, mac)
    assert [event["what"] for event in events] == ["not decrypted"] * 3
    assert events[0]["reason"] == "the message is encrypted to another certificate"
    assert kinds(vault, mac) == []


# ---- secrets in answers and in commands ----


def test_secrets_of_answers(vault, mac):
    uuid, _ = answer(vault, mac, "ActivationLockBypassCode", None, {"ActivationLockBypassCode": "BYPASS-7f3a-9911"})
    assert show(vault, mac, "activation_lock_bypass")[0]["value"] == "BYPASS-7f3a-9911"
    assert json.loads(vault.result(mac, uuid)["response"])["ActivationLockBypassCode"] == "(secret)"
    raw = plistlib.loads(vault.pomona("result", "show", uuid, "--plist").encode())
    assert (raw["ActivationLockBypassCode"], raw["UDID"]) == ("(secret)", mac.udid)
    assert "BYPASS" not in vault.pomona("result", "show", uuid) + vault.pomona("result", "show", uuid, "--json")
    answer(vault, mac, "RequestUnlockToken", None, {"UnlockToken": b"UNLOCK-7f3a-9911"})
    assert show(vault, mac, "unlock_token")[0]["value"] == base64.b64encode(b"UNLOCK-7f3a-9911").decode()
    assert_unseen(vault, "BYPASS-7f3a-9911", "UNLOCK-7f3a-9911", base64.b64encode(b"UNLOCK-7f3a-9911").decode())
    answer(vault, mac, "ClearActivationLockBypassCode")
    assert kinds(vault, mac) == ["unlock_token"]


COMMANDS = [
    ("SetRecoveryLock", {"NewPassword": "pass-81c2-recovery"}, {}, "recovery_lock", "pass-81c2-recovery"),
    ("SetFirmwarePassword", {"NewPassword": "pass-81c2-firmware", "CurrentPassword": "pass-81c2-before"},
     {"SetFirmwarePassword": {"PasswordChanged": True}}, "firmware_password", "pass-81c2-firmware"),
    ("SetAutoAdminPassword", {"GUID": "G", "passwordHash": base64.b64encode(b"pass-81c2-hash").decode()}, {},
     "auto_admin_password", base64.b64encode(b"pass-81c2-hash").decode()),
    ("AccountConfiguration",
     {"AutoSetupAdminAccounts": [{"shortName": "adm", "passwordHash": base64.b64encode(b"pass-81c2-hash").decode()}]}, {},
     "auto_admin_password", base64.b64encode(b"pass-81c2-hash").decode()),
]  # fmt: skip


@pytest.mark.parametrize("request_name, args, answer_keys, kind, secret", COMMANDS)
def test_secrets_of_commands(vault, mac, request_name, args, answer_keys, kind, secret):
    """What the operator queued counts when the device has taken it over."""
    uuid, command = answer(vault, mac, request_name, args, answer_keys)
    found = command.get("NewPassword") or command.get("passwordHash") or command["AutoSetupAdminAccounts"][0]["passwordHash"]
    assert secret == (found if isinstance(found, str) else base64.b64encode(found).decode())
    assert show(vault, mac, kind)[0]["value"] == secret
    assert "(secret)" in vault.command(mac, uuid)["args"]
    assert "(secret)" in vault.pomona("queue", "list", mac.id, "--ended", "--json")
    assert_unseen(vault, "pass-81c2", "cGFzcy04MWMy")


def test_a_command_in_sql(vault, mac):
    """Through SQL it lies there in the clear until it is sent, but no view shows it."""
    uuid = vault.queue(mac, "SetRecoveryLock", {"NewPassword": "pass-81c2-sql"})
    for view in ("queue", "command"):
        assert "pass-81c2" not in vault.sqlite(f"SELECT * FROM {view}")
    assert vault.value(f"SELECT args LIKE '%pass-81c2-sql%' FROM payload WHERE uuid = {quote(uuid)}") == 1
    assert mac.idle().command["Command"]["NewPassword"] == "pass-81c2-sql"
    assert vault.value(f"SELECT args LIKE '%pass-81c2-sql%' FROM payload WHERE uuid = {quote(uuid)}") == 0
    assert mac.idle().command["Command"]["NewPassword"] == "pass-81c2-sql"
    assert mac.acknowledge(uuid).status == 200
    assert show(vault, mac, "recovery_lock")[0]["value"] == "pass-81c2-sql"


def test_a_plist(vault, mac):
    plist = {"Command": {"RequestType": "SetRecoveryLock", "NewPassword": "pass-81c2-plist"}, "CommandUUID": "own-uuid-1"}
    path = vault.path("command.plist")
    with open(path, "wb") as file:
        plistlib.dump(plist, file)
    vault.pomona("queue", "add", mac.id, "--plist", path)
    with open(path, "rb") as file:
        assert mac.idle().body == file.read()
    assert mac.acknowledge("own-uuid-1").status == 200
    assert show(vault, mac, "recovery_lock")[0]["value"] == "pass-81c2-plist"
    assert_unseen(vault, "pass-81c2-plist")


# ---- shown ----


def test_shown_for_a_reason(vault, mac):
    answer(vault, mac, "SetRecoveryLock", {"NewPassword": "pass-81c2-shown"})
    for argv, status in (
        (["recovery_lock"], 2), (["recovery_lock", "--reason", ""], 1), (["recovery_lock", "--reason", " "], 1),
        (["firmware_password", "--reason", "x"], 1), (["no_kind", "--reason", "x"], 2),
    ):  # fmt: skip
        done = vault.pomona("secret", "show", mac.id, *argv, check=False)
        assert (done.returncode, done.stdout) == (status, b""), argv
    assert vault.pomona("secret", "show", "nobody", "recovery_lock", "--reason", "x", check=False).returncode == 1
    assert "pass-81c2-shown" in vault.pomona("secret", "show", mac.id, "recovery_lock", "--reason", "for Ann's Mac")
    row = vault.row("SELECT * FROM audit WHERE action = 'secret_show' ORDER BY id DESC LIMIT 1")
    assert (row["object"], row["device"], json.loads(row["detail"])) == ("recovery_lock", mac.id, {"reason": "for Ann's Mac"})
    (row,) = vault.pomona_json("secret", "list", mac.id)
    assert (row["device"], row["kind"], row["replaced_at"]) == (mac.id, "recovery_lock", None)
    assert "value" not in row


def test_a_new_enrollment_keeps_them(vault, mac):
    """A disk stays locked whoever manages the Mac."""
    answer(vault, mac, "SetRecoveryLock", {"NewPassword": "pass-81c2-old"})
    assert vault.pomona_json("secret", "list", mac.id)[0]["before_enrollment"] is False
    enroll(mac)
    assert vault.pomona_json("secret", "list", mac.id)[0]["before_enrollment"] is True
    assert vault.value(f"SELECT before_enrollment FROM escrowed_secret WHERE device = {quote(mac.id)}") == 1
    assert show(vault, mac, "recovery_lock")[0]["value"] == "pass-81c2-old"


def test_a_new_master_key(vault, mac):
    answer(vault, mac, "SetRecoveryLock", {"NewPassword": "pass-81c2-kept"})
    vault.pomona("key", "rotate")
    assert show(vault, mac, "recovery_lock")[0]["value"] == "pass-81c2-kept"
    message = encrypted(vault.path("escrow.pem"), KEY + "-2")
    answer(vault, mac, "SecurityInfo", None, {"SecurityInfo": {"FDE_PersonalRecoveryKeyCMS": message}})
    assert show(vault, mac, "filevault_key")[0]["value"] == KEY + "-2"


def test_without_the_master_key(vault, mac):
    """Nothing is queued that could not be sealed."""
    os.rename(vault.path("pomona.key"), vault.path("away.key"))
    try:
        done = vault.pomona("queue", "add", mac.id, "SetRecoveryLock", "NewPassword=x", check=False)
        assert done.returncode == 1 and b"pomona.key" in done.stderr
        assert vault.pomona("queue", "add", mac.id, "ProfileList", check=False).returncode == 0
    finally:
        os.rename(vault.path("away.key"), vault.path("pomona.key"))
    assert mac.idle().request == "ProfileList"
