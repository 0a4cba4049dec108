"""The command types: what goes out, what comes back, what is learnt from it."""

import base64
import datetime
import json
import os
import plistlib
import re

import pytest

from harness import wait_for
from harness.device import new_uuid
from harness.process import REPOSITORY
from harness.server import SqlError, quote

PROFILE = plistlib.dumps({"PayloadType": "Configuration", "PayloadIdentifier": "com.example", "PayloadUUID": new_uuid()})

# request, args as JSON, the keys on the wire
COMMANDS = [
    ("DeviceLock", None, {}),
    ("DeviceLock", {"Message": "Call IT", "PhoneNumber": "+49 30 1"}, {"Message": "Call IT", "PhoneNumber": "+49 30 1"}),
    ("SecurityInfo", None, {}),
    ("InstalledApplicationList", None, {}),
    ("InstalledApplicationList", {"Identifiers": ["com.a", "com.b"], "ManagedAppsOnly": True, "Items": ["Name"]},
     {"Identifiers": ["com.a", "com.b"], "ManagedAppsOnly": True, "Items": ["Name"]}),
    ("DeviceInformation", {"Queries": ["UDID", "OSVersion"]}, {"Queries": ["UDID", "OSVersion"]}),
    ("CertificateList", None, {}),
    ("CertificateList", {"ManagedOnly": False}, {"ManagedOnly": False}),
    ("ProfileList", None, {}),
    ("ProfileList", {"ManagedOnly": True}, {"ManagedOnly": True}),
    ("ProvisioningProfileList", None, {}),
    ("Restrictions", None, {}),
    ("Restrictions", {"ProfileRestrictions": True}, {"ProfileRestrictions": True}),
    ("InstallProfile", {"Payload": base64.b64encode(PROFILE).decode()}, {"Payload": PROFILE}),
    ("RemoveProfile", {"Identifier": "com.example"}, {"Identifier": "com.example"}),
    ("InstallProvisioningProfile", {"ProvisioningProfile": "AAEC/w=="}, {"ProvisioningProfile": b"\x00\x01\x02\xff"}),
    ("RemoveProvisioningProfile", {"UUID": "abc"}, {"UUID": "abc"}),
    ("ClearPasscode", {"UnlockToken": "c2VjcmV0"}, {"UnlockToken": b"secret"}),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(COMMANDS)), ids=lambda i: f"{COMMANDS[i][0]}-{i}")
@pytest.mark.parametrize("door", ["sql", "cli"])
def test_what_goes_out(server, device, door, case):
    request, args, keys = COMMANDS[case]
    if door == "sql":
        uuid = server.queue(device, request, args)
    else:
        server.pomona("queue", "add", device.id, request, *(["--args", json.dumps(args)] if args is not None else []))
        uuid = server.value(f"SELECT uuid FROM queue WHERE device = {quote(device.id)}")
    reply = device.idle()
    assert reply.command == {"CommandUUID": uuid, "Command": {"RequestType": request, **keys}}
    assert device.acknowledge(uuid).status == 200
    assert server.state(device, uuid) == "acknowledged"


def catalogue_queries():
    with open(os.path.join(REPOSITORY, "src/mdm/catalogue/device-information.data")) as file:
        entry = file.read().split("key Queries array")[1].split("\n\tresponse")[0]
    return re.findall(r"^\t*value (\S+)$", entry, re.M)


def test_device_information_asks_for_everything_when_nothing_is_named(server, device):
    for args in (None, {"Queries": []}):
        uuid = server.queue(device, "DeviceInformation", args)
        queries = device.idle().command["Command"]["Queries"]
        assert queries == catalogue_queries()
        assert {"UDID", "OSVersion", "BatteryLevel", "IsSupervised", "PushToken"} <= set(queries)
        device.acknowledge(uuid)


def test_restrictions_list_is_an_alias(server, device):
    uuid = server.queue(device, "RestrictionsList")
    assert server.command(device, uuid)["request"] == "Restrictions"
    assert device.idle().command["Command"] == {"RequestType": "Restrictions"}
    device.acknowledge(uuid)
    server.pomona("queue", "add", device.id, "RestrictionsList")
    assert device.idle().request == "Restrictions"


def test_erase_device(server, device):
    args = {
        "confirm": device.id,
        "PIN": "123456",
        "PreserveDataPlan": True,
        "ObliterationBehavior": "DoNotObliterate",
        "ReturnToService": {"Enabled": True, "WiFiProfileData": "AQID"},
    }
    server.queue(device, "EraseDevice", args)
    assert device.idle().command["Command"] == {
        "RequestType": "EraseDevice",
        "PIN": "123456",
        "PreserveDataPlan": True,
        "ObliterationBehavior": "DoNotObliterate",
        "ReturnToService": {"Enabled": True, "WiFiProfileData": b"\x01\x02\x03"},
    }


# ---- ClearPasscode ----


def test_clear_passcode_gets_the_stored_token(server, unknown_device):
    device = unknown_device
    device.enroll(UnlockToken=b"first \x00 token")
    server.queue(device, "ClearPasscode")
    assert device.idle().command["Command"] == {"RequestType": "ClearPasscode", "UnlockToken": b"first \x00 token"}


def test_token_update_without_unlock_token_keeps_the_stored_one(server, unknown_device):
    device = unknown_device
    device.enroll(UnlockToken=b"token")
    assert device.token_update().status == 200
    uuid = server.queue(device, "ClearPasscode")
    assert device.idle().command["Command"]["UnlockToken"] == b"token"
    device.acknowledge(uuid)
    device.token_update(UnlockToken=b"newer")
    server.queue(device, "ClearPasscode")
    assert device.idle().command["Command"]["UnlockToken"] == b"newer"


def test_unlock_token_goes_with_the_enrollment(server, unknown_device):
    device = unknown_device
    device.enroll(UnlockToken=b"token")
    device.enroll()
    uuid = server.queue(device, "ClearPasscode")
    assert device.idle().body == b""
    assert server.state(device, uuid) == "invalid"


def test_clear_passcode_on_a_user_channel_takes_the_devices_token(server, unknown_device):
    unknown_device.enroll(UnlockToken=b"token")
    user = unknown_device.mac_user()
    user.token_update()
    server.queue(user, "ClearPasscode")
    assert user.idle().command["Command"]["UnlockToken"] == b"token"


# ---- raw plists ----


def add_plist(server, device, body, name="command.plist", *options, check=True):
    path = server.path(name)
    with open(path, "wb") as file:
        file.write(body)
    return server.pomona("queue", "add", device.id, "--plist", path, *options, check=check)


def test_raw_plist_goes_out_byte_for_byte(server, device):
    uuid = new_uuid()
    body = (
        b"<?xml version='1.0'?>\r\n<plist   version='1.0'><!-- by hand --><dict>\r\n"
        b"<key>Command</key><dict><key>RequestType</key><string>ScheduleOSUpdate</string>"
        b"<key>New</key><real>1.50</real></dict><key>CommandUUID</key><string>" + uuid.encode() + b"</string></dict></plist>\n\n"
    )
    add_plist(server, device, body)
    row = server.command(device, uuid)
    assert row["request"] == "ScheduleOSUpdate"
    assert json.loads(row["args"]) == {"New": 1.5}
    assert device.idle().body == body
    assert device.acknowledge(uuid).status == 200
    assert server.state(device, uuid) == "acknowledged"


def test_raw_plist_without_a_uuid_gets_one(server, device):
    add_plist(server, device, plistlib.dumps({"Command": {"RequestType": "Settings", "Settings": [{"Item": "Bluetooth"}]}}))
    command = device.idle().command
    assert command["Command"] == {"RequestType": "Settings", "Settings": [{"Item": "Bluetooth"}]}
    assert command["CommandUUID"] == server.value(f"SELECT uuid FROM queue WHERE device = {quote(device.id)}")


BAD_PLISTS = {
    "no plist": b"hello",
    "no Command": plistlib.dumps({"CommandUUID": "1"}),
    "no RequestType": plistlib.dumps({"Command": {"a": "b"}}),
    "U+0000": b"<plist><dict><key>Command</key><dict><key>RequestType</key><string>A\x00</string></dict></dict></plist>",
    "an empty file": b"",
}


@pytest.mark.parametrize("case", BAD_PLISTS)
def test_what_is_no_command_is_refused_at_the_door(server, device, case):
    done = add_plist(server, device, BAD_PLISTS[case], check=False)
    assert done.returncode == 1 and done.stderr
    assert server.sql(f"SELECT * FROM queue WHERE device = {quote(device.id)}") == []


@pytest.mark.parametrize("words, message", [
    (["DeviceLock", "pin=123456"], b'DeviceLock: "pin" is spelt PIN'),
    (["devicelock", "PIN=123456"], b'"devicelock" is spelt DeviceLock'),
    (["NoSuchRequest"], b"unknown request NoSuchRequest (pomona command list names them; any can be queued with --plist FILE)"),
])  # fmt: skip
def test_a_word_that_is_not_known(server, device, words, message):
    done = server.pomona("queue", "add", device.id, *words, check=False)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr


def test_a_file_whose_at_sign_was_forgotten(server, device, tmp_path):
    for name, status, message in [
        ("wifi.mobileconfig", 1, b"Payload must be @FILE or base64: the file is Payload=@wifi.mobileconfig"),
        ("wifi", 0, b"warning: InstallProfile: Payload is taken as base64; the file of this name is Payload=@wifi"),
    ]:
        (tmp_path / name).write_text("<plist/>")
        done = server.pomona("queue", "add", device.id, "InstallProfile", f"Payload={name}", check=False, cwd=tmp_path)
        assert (done.returncode, message in done.stderr) == (status, True), done.stderr


def test_raw_plist_with_a_uuid_that_is_taken(server, device):
    body = plistlib.dumps({"CommandUUID": new_uuid(), "Command": {"RequestType": "ProfileList"}})
    add_plist(server, device, body)
    assert add_plist(server, device, body, check=False).returncode == 1


# ---- raw plists in SQL ----


def insert_plist(server, request, body, *devices):
    ids = ", ".join(quote(device.id) for device in devices)
    server.sqlite(
        f"INSERT INTO queue(device, request, plist) SELECT id, {quote(request)}, CAST(x'{body.hex()}' AS TEXT) "
        f"FROM device WHERE id IN ({ids});"
    )


def by_hand(uuid, inside):
    return (
        b"<?xml version='1.0'?>\r\n<plist   version='1.0'><!-- by hand --><dict>\r\n<key>CommandUUID</key>\r\n\t<string>"
        + uuid.encode() + b"</string><key>Command</key><dict>" + inside + b"</dict></dict></plist>\n\n"
    )  # fmt: skip


def test_raw_plist_through_sql_goes_out_byte_for_byte(server, device):
    """To two devices, stored once; a RequestType that nobody knows."""
    other, uuid = server.enrolled(), new_uuid()
    body = by_hand(uuid, b"<key>RequestType</key><string>Brand-New</string><key>New</key><real>1.50</real>")
    insert_plist(server, "Brand-New", body, device, other)
    assert server.value("SELECT count(*) AS n FROM payload WHERE request = 'Brand-New'") == 1
    for one in (device, other):
        assert one.idle().body == body
        assert one.acknowledge(uuid).status == 200
        assert server.state(one, uuid) == "acknowledged"
    assert json.loads(server.command(device, uuid)["args"]) == {"New": 1.5}


def test_raw_plist_through_sql_gets_a_uuid(server, device):
    insert_plist(server, "Settings", plistlib.dumps({"Command": {"RequestType": "Settings", "Settings": []}}), device)
    row = server.row(f"SELECT uuid, plist FROM queue WHERE device = {quote(device.id)}")
    assert row["plist"] is None  # nobody has read it yet
    first = device.idle()
    assert first.command == {"Command": {"RequestType": "Settings", "Settings": []}, "CommandUUID": row["uuid"]}
    assert device.idle().body == first.body
    assert server.value(f"SELECT plist FROM queue WHERE device = {quote(device.id)}").encode() == first.body


def test_raw_plist_through_sql_keeps_its_request(server, device):
    """The paper's name is an alias of a command's arguments, and a name like any other in a plist."""
    body = by_hand(new_uuid(), b"<key>RequestType</key><string>RestrictionsList</string>")
    insert_plist(server, "RestrictionsList", body, device)
    assert device.idle().body == body


def test_raw_plist_through_sql_with_a_secret(server, device):
    """Sealed once it was sent; it still goes out byte for byte."""
    uuid = new_uuid()
    body = by_hand(uuid, b"<key>RequestType</key><string>SetRecoveryLock</string><key>NewPassword</key><string>pear-7281</string>")
    insert_plist(server, "SetRecoveryLock", body, device)
    assert device.idle().body == body and device.idle().body == body
    row = server.row(f"SELECT * FROM queue WHERE uuid = {quote(uuid)}")
    assert row["plist"] is None and row["args"] == '{"NewPassword":"(secret)"}'
    assert server.value(f"SELECT body FROM payload WHERE uuid = {quote(uuid)}") is None


BAD_IN_SQL = {
    "another RequestType": ("ProfileList", by_hand("U1", b"<key>RequestType</key><string>EraseDevice</string>"), "the plist is a EraseDevice"),
    "no Command": ("ProfileList", plistlib.dumps({"CommandUUID": "U2"}), "Command"),
    "cut off": ("ProfileList", by_hand("U3", b"<key>RequestType</key><string>ProfileList</string>")[:-20], ""),
    "a UUID that SQL reads otherwise": ("ProfileList", by_hand("U&#52;", b"<key>RequestType</key><string>ProfileList</string>"), "CommandUUID"),
}


@pytest.mark.parametrize("case", BAD_IN_SQL)
def test_raw_plist_through_sql_that_cannot_be_sent(server, device, case):
    """It ends as invalid with the reason, and blocks nobody."""
    request, body, reason = BAD_IN_SQL[case]
    insert_plist(server, request, body, device)
    after = server.queue(device, "SecurityInfo")
    assert device.idle().uuid == after
    row = server.row(f"SELECT state, reason FROM command WHERE device = {quote(device.id)} AND uuid <> {quote(after)}")
    assert row["state"] == "invalid" and reason in row["reason"]


@pytest.mark.parametrize(
    "columns, values, message",
    [
        ("request, plist", "'ProfileList', 'hello'", "queue: plist must be an XML property list"),
        ("request, plist", "'ProfileList', 7", "queue: plist must be an XML property list"),
        ("plist", "'<plist/>'", "queue: request is missing"),
        ("request, args, plist", "'DeviceLock', '{\"PIN\": \"123456\"}', '<plist/>'", "by args or by plist, not by both"),
        ("request, plist", "'EraseDevice', '<plist/>'", "EraseDevice: confirm must be the id"),
    ],
)
def test_raw_plist_that_sql_refuses(server, device, columns, values, message):
    with pytest.raises(SqlError, match=re.escape(message)):
        server.sqlite(f"INSERT INTO queue(device, {columns}) VALUES ({quote(device.id)}, {values});")


def test_raw_plist_through_sql_with_a_uuid_that_is_taken(server, device):
    body = by_hand(new_uuid(), b"<key>RequestType</key><string>ProfileList</string>")
    insert_plist(server, "ProfileList", body, device)
    with pytest.raises(SqlError, match="there is a command with the CommandUUID of the plist already"):
        insert_plist(server, "ProfileList", body, device)


# ---- what is learnt ----


def answer(server, device, request, args=None, **keys):
    uuid = server.queue(device, request, args)
    assert device.idle().uuid == uuid
    assert device.acknowledge(uuid, **keys).status == 200
    return uuid


def facts(server, device, view, columns):
    return server.sql(f"SELECT {columns} FROM {view} WHERE device = {quote(device.id)} ORDER BY 1, 2")


def test_answers_are_stored_with_every_type(server, device):
    when = datetime.datetime(2026, 3, 4, 5, 6, 7)
    uuid = answer(
        server, device, "ProfileList",
        ProfileList=[{"A": 2**64 - 1, "B": -(2**63), "C": 1.25, "D": True, "E": when, "F": b"\x00\xff", "G": [], "H": {}}],
    )  # fmt: skip
    response = json.loads(server.result(device, uuid)["response"])
    assert response["ProfileList"] == [
        {"A": 2**64 - 1, "B": -(2**63), "C": 1.25, "D": True, "E": "2026-03-04T05:06:07Z", "F": "AP8=", "G": [], "H": {}}
    ]
    assert list(response)[:1] and response["CommandUUID"] == uuid


def test_device_information_is_put_together(server, device):
    answer(server, device, "DeviceInformation", {"Queries": ["OSVersion", "BatteryLevel"]},
           QueryResponses={"OSVersion": "17.5", "BatteryLevel": 0.5})  # fmt: skip
    answer(server, device, "DeviceInformation", {"Queries": ["BatteryLevel"]}, QueryResponses={"BatteryLevel": 0.25})
    found = facts(server, device, "device_info", "name, value")
    assert found == [{"name": "BatteryLevel", "value": 0.25}, {"name": "OSVersion", "value": "17.5"}]


def test_device_information_updates_the_device(server, device):
    answer(server, device, "DeviceInformation",
           QueryResponses={"OSVersion": "18.1.2", "DeviceName": "New name", "BuildVersion": "22B91"})  # fmt: skip
    row = server.device_row(device)
    assert (row["os_version"], row["os_major"], row["name"], row["build"]) == ("18.1.2", 18, "New name", "22B91")


def test_security_info(server, device):
    answer(server, device, "SecurityInfo", SecurityInfo={"HardwareEncryptionCaps": 3, "PasscodePresent": True})
    assert facts(server, device, "security_info", "name, value") == [
        {"name": "HardwareEncryptionCaps", "value": 3},
        {"name": "PasscodePresent", "value": 1},
    ]


def test_installed_apps_replace_the_last_list(server, device):
    apps = [{"Identifier": "com.a", "Name": "A", "Version": "1", "ShortVersion": "1.0", "BundleSize": 5, "DynamicSize": 6}]
    answer(server, device, "InstalledApplicationList", InstalledApplicationList=[{"Identifier": "com.old"}, *apps])
    answer(server, device, "InstalledApplicationList", InstalledApplicationList=apps)
    columns = "identifier, name, version, short_version, bundle_size, dynamic_size"
    assert facts(server, device, "installed_app", columns) == [
        {"identifier": "com.a", "name": "A", "version": "1", "short_version": "1.0", "bundle_size": 5, "dynamic_size": 6}
    ]


def test_a_filtered_answer_replaces_nothing(server, device):
    answer(server, device, "InstalledApplicationList", InstalledApplicationList=[{"Identifier": "com.a"}, {"Identifier": "com.b"}])
    answer(server, device, "InstalledApplicationList", {"ManagedAppsOnly": True},
           InstalledApplicationList=[{"Identifier": "com.a"}])  # fmt: skip
    assert len(facts(server, device, "installed_app", "identifier, name")) == 2


def test_profiles_certificates_and_restrictions(server, device):
    answer(server, device, "ProfileList", ProfileList=[
        {"PayloadIdentifier": "com.p", "PayloadUUID": "U", "PayloadDisplayName": "P", "PayloadOrganization": "O", "IsManaged": True}
    ])  # fmt: skip
    answer(server, device, "CertificateList", CertificateList=[{"CommonName": "c", "IsIdentity": True, "Data": b"abc"}])
    answer(server, device, "ProvisioningProfileList", ProvisioningProfileList=[
        {"Name": "n", "UUID": "u", "ExpiryDate": datetime.datetime(2030, 1, 2, 3, 4, 5)}
    ])  # fmt: skip
    answer(server, device, "Restrictions", GlobalRestrictions={"restrictedBool": {"allowCamera": {"value": False}}})
    columns = "identifier, uuid, name, organization, managed"
    assert facts(server, device, "installed_profile", columns) == [
        {"identifier": "com.p", "uuid": "U", "name": "P", "organization": "O", "managed": 1}
    ]
    assert facts(server, device, "installed_certificate", "common_name, is_identity, certificate") == [
        {"common_name": "c", "is_identity": 1, "certificate": "YWJj"}
    ]
    assert facts(server, device, "installed_provisioning_profile", "uuid, name, expires") == [
        {"uuid": "u", "name": "n", "expires": "2030-01-02T03:04:05Z"}
    ]
    (restriction,) = facts(server, device, "restriction", "kind, name, value")
    assert (restriction["kind"], restriction["name"]) == ("restrictedBool", "allowCamera")


def test_an_error_teaches_nothing(server, device):
    answer(server, device, "ProfileList", ProfileList=[{"PayloadIdentifier": "com.p"}])
    uuid = server.queue(device, "ProfileList")
    device.idle()
    device.report("Error", uuid, ProfileList=[])
    assert len(facts(server, device, "installed_profile", "identifier, uuid")) == 1


# ---- the simulated devices answer every command of the catalogue ----

# Where the answer of a simulated phone is found.
SHOWN = {
    "InstalledApplicationList": "installed_app", "ProfileList": "installed_profile", "CertificateList": "installed_certificate",
    "DeviceInformation": "device_info", "SecurityInfo": "security_info", "Restrictions": "restriction",
    "ManagedApplicationList": "managed_app", "UserList": "device_user",
    "AvailableOSUpdates": "available_os_update", "OSUpdateStatus": "os_update_status",
}  # fmt: skip


def test_simulated_devices_answer_every_command(push_server, pki):
    """pomona-sim in the place of the Python device: wakes on its push, enrolls, answers each plausibly."""
    server = push_server
    server.parts.pop("apns").stop()
    identities = server.path("fleet")
    server.pomona("identity", "issue", "sim", "--count", "8", "--key", "ec", "--out", identities)
    sim = server.start_apns(
        "--devices", "8", "--url", server.url, "--tls-ca", server.tls_ca, "--identities", identities,
        "--topic", server.topic,
    )  # fmt: skip
    # Macs have no passcode to be cleared, and an activation lock's code only supervised devices; a phone of pomona-sim tells no
    # name when it enrolls.
    phones = "kind = 'device' AND product NOT LIKE 'Mac%' AND name IS NULL"
    server.sql(f"INSERT INTO queue(device, request) SELECT id, 'DeviceInformation' FROM device WHERE {phones}")
    supervised = "SELECT device FROM result WHERE json_extract(response, '$.QueryResponses.IsSupervised') = 1 ORDER BY received_at DESC"
    (row,) = wait_for(lambda: server.sql(f"{supervised} LIMIT 1"), "a supervised phone")
    device = quote(row["device"])
    requests = {"ClearPasscode": None}
    for request, args, _ in COMMANDS:
        requests.setdefault(request, args)
    for request in (*SHOWN, "ActivationLockBypassCode"):
        requests.setdefault(request, None)
    for request, args in requests.items():
        args = "NULL" if args is None else quote(json.dumps(args))
        server.sql(f"INSERT INTO queue(device, request, args) VALUES ({device}, {quote(request)}, {args})")
    wait_for(lambda: not server.sql(f"SELECT * FROM queue WHERE device = {device}"), "all commands to be answered", 90)
    ends = server.sql(f"SELECT DISTINCT request, state FROM command WHERE device = {device} ORDER BY request")
    assert {row["request"] for row in ends} == set(requests)
    wrong = {row["request"]: row["state"] for row in ends if row["state"] not in ("acknowledged", "error")}
    assert not wrong
    for request, view in SHOWN.items():
        rows = server.sql(f"SELECT * FROM {view} WHERE device = {device}")
        state = server.value(f"SELECT max(state) FROM command WHERE device = {device} AND request = {quote(request)}")
        assert bool(rows) == (state == "acknowledged"), (view, state, rows)
        if request in ("InstalledApplicationList", "ProfileList", "CertificateList", "DeviceInformation", "SecurityInfo"):
            assert rows, view
    assert server.sql(f"SELECT * FROM escrowed_secret WHERE device = {device} AND kind = 'activation_lock_bypass'")
    assert sim.alive()
