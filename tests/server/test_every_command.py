"""Every command of the catalogue goes to a simulated device that knows it, and comes back with all keys of the answer that the
catalogue lists (`pomona command show --json`)."""

import base64 as codec
import json
import plistlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from harness import wait_for
from harness.server import quote

pytestmark = pytest.mark.nginx

DEVICES = 20  # among them are supervised ones of each kind and system that is asked for
NEW, OLD = "27.0", "26.2"  # the newest system, and the one that still knows what the newest has dropped
KINDS = {"iPhone": "iOS", "iPad": "iOS", "Mac": "macOS"}

# A device without a fault does not give these.
FAULTS = {"ErrorChain", "RejectionReason", "DeviceRequestReturnError"}
# Only while FileVault is on, which depends on the Mac.
SOMETIMES = {"FDE_PersonalRecoveryKeyCMS", "FDE_PersonalRecoveryKeyDeviceKey"}

TYPES = {
    "string": str, "data": str, "date": str, "integer": int, "real": (int, float), "boolean": bool,
    "dictionary": dict, "array": list, "any": object,
}  # fmt: skip

APP = {"Identifier": "org.example.new"}
PROFILE = {
    "PayloadType": "Configuration", "PayloadIdentifier": "org.example.new", "PayloadUUID": "A", "PayloadVersion": 1,
    "PayloadContent": [
        {"PayloadType": "com.apple.wifi.managed", "PayloadIdentifier": "a", "PayloadUUID": "B", "PayloadVersion": 1},
    ],
}  # fmt: skip


def base64(data):
    return codec.b64encode(data).decode()


def provisioning_profile(server):
    """Signed, as Xcode's are; by whom does not matter to the simulator."""
    content = {"Name": "New", "UUID": "new-1", "ExpirationDate": datetime(2030, 1, 1)}
    certificate = server.pki.tls_ca
    return subprocess.run(
        ["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-signer", certificate.certificate, "-inkey", certificate.key],
        input=plistlib.dumps(content), capture_output=True, check=True,
    ).stdout  # fmt: skip


# ---- the fleet ----


class Fleet:
    """The devices, told apart by kind, system and supervision, as the server knows them."""

    def __init__(self, server):
        self.server = server
        identities = server.path("fleet")
        server.pomona("identity", "issue", "fleet", "--count", str(DEVICES), "--key", "ec", "--out", identities)
        server.parts.pop("apns").stop()
        server.start_apns(
            "--devices", str(DEVICES), "--url", server.url, "--tls-ca", server.tls_ca, "--identities", identities,
            "--topic", server.topic,
        )  # fmt: skip
        server.pomona("queue", "add", "--all", "DeviceInformation")
        self.settle()
        self.facts = {
            row["device"]: json.loads(row["response"])["QueryResponses"] for row in server.sql("SELECT device, response FROM result")
        }

    def settle(self):
        wait_for(lambda: self.server.value("SELECT count(*) AS n FROM queue") == 0, "all commands to end", 60)

    def find(self, kind, version, shared=False):
        """The id of a supervised one."""
        for device, facts in self.facts.items():
            if facts["ProductName"].startswith(kind) and facts["OSVersion"] == version and facts["IsSupervised"]:
                if not shared or facts["IsMultiUser"]:
                    return device
        raise AssertionError(f"no supervised {kind} with {version} in the fleet")


@pytest.fixture(scope="module")
def fleet(push_server):
    return Fleet(push_server)


@pytest.fixture(scope="module")
def catalogue(push_server):
    names = [row["request"] for row in push_server.pomona_json("command", "list")]
    assert len(names) == 68
    return {name: push_server.pomona_json("command", "show", name) for name in names}


# ---- commands ----


def on(entry, system):
    """Is the request, or the key, one of this system?"""
    return entry.get("os", {}).get(system, {}).get("supported", True)


def is_taken(entry, system):
    """Does the newest system still know the key?"""
    return on(entry, system) and "removed" not in entry.get("os", {}).get(system, {})


def shape_of(key, element):
    """The shape of an array's element."""
    shapes = key.get("subkeys", [])
    if "by" in key:
        shapes = [shape for shape in shapes if shape["variant"] == element[key["by"]]]
    return shapes[0] if shapes else None


def cut(keys, value, system):
    """The example without what this system does not know."""
    if isinstance(value, dict):
        known = {key["key"]: key for key in keys}
        return {
            name: cut_value(known[name], inner, system) if name in known else inner
            for name, inner in value.items() if name not in known or is_taken(known[name], system)
        }  # fmt: skip
    return value


def cut_value(key, value, system):
    if isinstance(value, list):
        shapes = [(shape_of(key, element), element) for element in value]
        return [
            cut(shape.get("subkeys", []), element, system) if shape else element
            for shape, element in shapes if shape is None or is_taken(shape, system)
        ]  # fmt: skip
    return cut(key.get("subkeys", []), value, system)


def special_arguments(server):
    """Where the example would not do: what is asked for has to be there, or to be what it says."""
    return {
        "ApplyRedemptionCode": {**APP, "RedemptionCode": "x"},
        "ClearPasscode": {},
        "DeleteUser": {"UserName": "mei"},
        "DeviceInformation": {},
        "EnableLostMode": {"Message": "Lost"},
        "EraseDevice": {"PIN": "123456"},
        "InstallApplication": {**APP, "Options": {"PurchaseMethod": 0}},
        "InstallProfile": {"Payload": base64(plistlib.dumps(PROFILE))},
        "InstallProvisioningProfile": {"ProvisioningProfile": base64(provisioning_profile(server))},
        "RemoveApplication": APP,
        "RemoveProfile": {"Identifier": "org.example.passcode"},
        "RemoveProvisioningProfile": {"UUID": "new-1"},
        "RotateFileVaultKey": {"KeyType": "personal", "FileVaultUnlock": {"Password": "x"}},
        "UnlockUserAccount": {"UserName": "amara"},
        "InstallEnterpriseApplication": {"ManifestURL": "https://www.example.com/new.plist"},
    }


# Those that have to come in this order; the others go by their names, before them.
ORDER = [
    "InstallApplication", "ApplyRedemptionCode", "InstallEnterpriseApplication", "ManagedApplicationList", "RemoveApplication",
    "InstallMedia", "ManagedMediaList", "RemoveMedia", "InstallProvisioningProfile", "ProvisioningProfileList",
    "RemoveProvisioningProfile", "EnableLostMode", "DeviceLocation", "PlayLostModeSound", "DisableLostMode",
    "DeleteUser", "SetFirmwarePassword", "VerifyFirmwarePassword", "SetRecoveryLock", "VerifyRecoveryLock",
]  # fmt: skip
KINDS_OF = {"DeviceInformation": ("iPhone", "iPad", "Mac")}
LAST = ["SetAutoAdminPassword", "EraseDevice"]  # by tests of their own


def in_order(names):
    return sorted(set(names) - set(ORDER) - set(LAST)) + ORDER


def kinds_for(name, entry):
    """The kinds of device it goes to; an iPad has other facts to tell than an iPhone."""
    for kind, system in KINDS.items():
        if kind in KINDS_OF.get(name, ("iPhone", "Mac")) and system in entry["os"] and on(entry, system):
            yield kind, system


def device_for(fleet, kind, system, entry):
    removed = entry["os"][system].get("removed")
    if removed and tuple(map(int, removed.split("."))) < (26, 2):
        return None  # long before the systems that the fleet has
    shared = entry["os"][system].get("shared_ipad") == "required"
    return fleet.find("iPad" if shared else kind, OLD if removed else NEW, shared)


def arguments_for(server, name, entry, system, special):
    if name == "RemoveApplication" and system == "macOS":
        return {"Identifier": "org.example.new"}
    return special[name] if name in special else cut(entry["keys"], entry["examples"][1], system)


def queue(server, sent):
    """All in one go, but for what the devices would not get: they have the device channel alone, and take there what is for
    users."""
    statements = []
    for name, system, device, entry, args in sent:
        channels = [entry["os"][system].get(key) for key in ("channels", "shared_ipad_channels")]
        if ["user"] in channels:
            server.pomona("queue", "add", device, name, "--args", json.dumps(args), "--force")
        else:
            statements.append(
                f"INSERT INTO queue(device, request, args) VALUES ({quote(device)}, {quote(name)}, {quote(json.dumps(args))});"
            )
    server.sqlite("".join(statements))


# ---- answers ----


def missing(keys, answer, system, path=""):
    """Paths of keys that are not there, or not of their type."""
    if not isinstance(answer, dict):
        return [f"{path}: not a dictionary"]
    found = []
    for key in keys:
        name = key["key"]
        if name in FAULTS or name in SOMETIMES or not on(key, system):
            continue
        if name == "*":
            others = list(answer.values())
            found += missing_value(key, others[0], system, f"{path}.*") if others else [f"{path}.*"]
        elif name not in answer:
            found.append(f"{path}.{name}")
        else:
            found += missing_value(key, answer[name], system, f"{path}.{name}")
    return found


def missing_value(key, value, system, path):
    wanted = TYPES[key["type"]]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return [f"{path}: {value!r} is no {key['type']}"]
    if isinstance(value, dict) and key["type"] == "dictionary":
        return missing(key.get("subkeys", []), value, system, path)
    if isinstance(value, list) and key.get("subkeys"):
        shape = key["subkeys"][0]
        return [problem for one in value for problem in missing_value(shape, one, system, f"{path}[]")]
    return []


def response_keys(name, entry):
    """The schema writes the answer to Settings as one element of the array that devices give."""
    if name == "Settings":
        (settings,) = entry["response"]
        return [{**settings, "type": "array", "subkeys": [{"key": "", "type": "dictionary", "subkeys": []}]}]
    return entry["response"]


def everything(server, fleet, catalogue):
    """What is to be sent: to a device of each system that knows it."""
    special = special_arguments(server)
    for name in in_order(catalogue):
        entry, asked = catalogue[name], False
        for kind, system in kinds_for(name, entry):
            device = device_for(fleet, kind, system, entry)
            if device:
                yield name, system, device, entry, arguments_for(server, name, entry, system, special)
                asked = True
        assert asked, f"nobody is asked for {name}"


def test_every_command_is_answered_in_full(push_server, fleet, catalogue):
    sent = list(everything(push_server, fleet, catalogue))
    queue(push_server, sent)
    fleet.settle()
    rows = push_server.sql("SELECT device, request, status, response, error FROM result ORDER BY received_at")
    results = {(row["device"], row["request"]): row for row in rows}
    problems, facts = [], {}
    for name, system, device, entry, _ in sent:
        assert (device, name) in results, f"{name} on {system}: {push_server.sql(f'SELECT state, reason FROM command WHERE request = {quote(name)}')}"
        row = results[device, name]
        answer = json.loads(row["response"])
        if row["status"] != "Acknowledged":
            problems.append(f"{name} on {system}: {row['status']} {row['error']}")
        elif name == "DeviceInformation":
            facts.setdefault(system, {"QueryResponses": {}})["QueryResponses"].update(answer["QueryResponses"])
        else:
            problems += [f"{name} on {system}: {what}" for what in missing(response_keys(name, entry), answer, system)]
    for system, answer in facts.items():
        keys = catalogue["DeviceInformation"]["response"]
        problems += [f"DeviceInformation on {system}: {what}" for what in missing(keys, answer, system)]
    assert not problems, "\n".join(problems)
    assert len(sent) > 95


def answer_to(server, fleet, device, name, args, *options):
    added = server.pomona("queue", "add", device, name, "--args", json.dumps(args), "--json", *options)
    uuid = json.loads(added)["command_uuid"]
    fleet.settle()
    row = server.row(f"SELECT status, response FROM result WHERE device = '{device}' AND uuid = '{uuid}'")
    return row["status"], json.loads(row["response"])


def test_the_account_of_setup_assistant_gets_another_password(push_server, fleet):
    mac = fleet.find("Mac", NEW)
    accounts = {"AutoSetupAdminAccounts": [{"shortName": "itadmin", "passwordHash": base64(b"one")}]}
    assert answer_to(push_server, fleet, mac, "AccountConfiguration", accounts)[0] == "Acknowledged"
    _, answer = answer_to(push_server, fleet, mac, "DeviceInformation", {"Queries": ["AutoSetupAdminAccounts"]})
    (account,) = [one for one in answer["QueryResponses"]["AutoSetupAdminAccounts"] if one["shortName"] == "itadmin"]
    password = {"GUID": account["GUID"], "passwordHash": base64(b"two")}
    assert answer_to(push_server, fleet, mac, "SetAutoAdminPassword", password)[0] == "Acknowledged"
    password["GUID"] = "nobody"
    assert answer_to(push_server, fleet, mac, "SetAutoAdminPassword", password)[0] == "Error"


def test_what_is_for_other_systems_is_refused_by_the_server_and_with_force_by_the_device(push_server, fleet):
    mac, phone = fleet.find("Mac", NEW), fleet.find("iPhone", NEW)
    for device, name, args in (
        (mac, "EnableLostMode", {"Message": "x"}), (phone, "AvailableOSUpdates", {}), (phone, "SetRecoveryLock", {"NewPassword": "x"}),
    ):  # fmt: skip
        done = push_server.pomona("queue", "add", device, name, "--args", json.dumps(args), check=False)
        assert done.returncode == 1 and device in done.stderr.decode(), done.stderr
        assert push_server.pomona("command", "check", name, "--args", json.dumps(args))
        assert push_server.pomona("command", "check", name, "--args", json.dumps(args), "--device", device, check=False).returncode == 1
        status, answer = answer_to(push_server, fleet, device, name, args, "--force")
        assert (status, answer["ErrorChain"][0]["ErrorCode"]) == ("Error", 12021)


def test_erased_devices_are_gone(push_server, fleet):
    for kind in ("iPhone", "Mac"):
        device = fleet.find(kind, OLD)
        args = {"confirm": device} if kind != "Mac" else {"confirm": device, "PIN": "123456"}
        assert answer_to(push_server, fleet, device, "EraseDevice", args)[0] == "Acknowledged"


# ---- Setup Assistant ----


def test_devices_that_await_their_configuration(make_server):
    """They ask for commands at once, and are ready only when DeviceConfigured has come: behind a command of setup."""
    server = make_server(push=True)
    try:
        journal, count = server.path("journal.jsonl"), 3
        server.pomona("setup", "add", "SecurityInfo")
        server.pomona("identity", "issue", "fleet", "--count", str(count), "--key", "ec", "--out", server.path("fleet"))
        server.parts.pop("apns").stop()
        with ThreadPoolExecutor(1) as pool:
            ready = pool.submit(
                server.start_apns, "--devices", str(count), "--url", server.url, "--tls-ca", server.tls_ca, "--identities",
                server.path("fleet"), "--topic", server.topic, "--journal", journal, "--await-configuration", "--await-poll", "0.2",
            )  # fmt: skip
            wait_for(lambda: server.value("SELECT count(*) AS n FROM device WHERE state = 'enrolled'") == count, "all to enroll")
            ready.result()
        with open(journal) as file:
            lines = [json.loads(line) for line in file]
        for device in {line["device"] for line in lines}:
            own = [line for line in lines if line["device"] == device]
            events = [line.get("event") or line.get("request_type") or line["message"] for line in own]
            order = ["TokenUpdate", "enrolled", "Idle", "SecurityInfo", "DeviceConfigured", "configured"]
            assert [event for event in events if event in order][:2] == order[:2], events
            assert [events.index(event) for event in order] == sorted(events.index(event) for event in order), events
    finally:
        server.stop()
