"""What comes back: each answer is in the view where an operator looks for it, as soon as the device has its 200; how facts
change; errors with their meaning."""

import datetime
import json

import pytest

from harness.server import quote

pytestmark = pytest.mark.nginx

DAY = datetime.datetime(2030, 1, 2, 3, 4, 5)

# RequestType, arguments, keys of the answer, view, rows of the view (without device, seen_at and stale).
INVENTORIES = [
    ("DeviceInformation", None,
     {"QueryResponses": {"OSVersion": "18.1", "IsSupervised": True, "BatteryLevel": 0.5, "LastCloudBackupDate": DAY}},
     "device_info", [{"name": "BatteryLevel", "value": 0.5}, {"name": "IsSupervised", "value": 1},
                     {"name": "LastCloudBackupDate", "value": "2030-01-02T03:04:05Z"}, {"name": "OSVersion", "value": "18.1"}]),
    ("SecurityInfo", None, {"SecurityInfo": {"FDE_Enabled": True, "ManagementStatus": {"EnrolledViaDEP": True}}},
     "security_info", [{"name": "FDE_Enabled", "value": 1},
                       {"name": "ManagementStatus", "value": '{"EnrolledViaDEP":true}'}]),
    ("InstalledApplicationList", None,
     {"InstalledApplicationList": [{"Identifier": "com.example.a", "Name": "A", "Version": "7", "ShortVersion": "1.7",
                                    "BundleSize": 1 << 40, "DynamicSize": 5}]},
     "installed_app", [{"identifier": "com.example.a", "name": "A", "version": "7", "short_version": "1.7",
                        "bundle_size": 1 << 40, "dynamic_size": 5}]),
    ("ProfileList", None,
     {"ProfileList": [{"PayloadIdentifier": "p.a", "PayloadUUID": "U", "PayloadDisplayName": "Wi-Fi", "IsManaged": True,
                       "PayloadOrganization": "Org", "PayloadContent": [{"PayloadType": "x"}]}]},
     "installed_profile", [{"identifier": "p.a", "uuid": "U", "name": "Wi-Fi", "organization": "Org", "managed": 1}]),
    ("ProvisioningProfileList", None, {"ProvisioningProfileList": [{"UUID": "P", "Name": "Team", "ExpiryDate": DAY}]},
     "installed_provisioning_profile", [{"uuid": "P", "name": "Team", "expires": "2030-01-02T03:04:05Z"}]),
    ("CertificateList", None, {"CertificateList": [{"CommonName": "CA", "IsIdentity": False, "Data": b"\1\2\3"}]},
     "installed_certificate", [{"common_name": "CA", "is_identity": 0, "certificate": "AQID"}]),
    ("Restrictions", {"ProfileRestrictions": True},
     {"GlobalRestrictions": {"restrictedBool": {"allowCamera": {"value": False}}},
      "ProfileRestrictions": {"p.a": {"restrictedValue": {"maxInactivity": {"value": 5}}}}},
     "restriction", [{"kind": "restrictedBool", "name": "allowCamera", "value": '{"value":false}'}]),
    ("Restrictions", {"ProfileRestrictions": True},
     {"GlobalRestrictions": {}, "ProfileRestrictions": {"p.a": {"restrictedValue": {"maxInactivity": {"value": 5}}}}},
     "profile_restriction", [{"profile": "p.a", "kind": "restrictedValue", "name": "maxInactivity", "value": '{"value":5}'}]),
    ("UserList", None, {"Users": [{"UserName": "ann", "FullName": "Ann A", "UID": 501, "UserGUID": "G", "IsLoggedIn": True,
                                   "HasDataToSync": False, "DataQuota": 9, "DataUsed": 4, "MobileAccount": False,
                                   "HasSecureToken": True}]},
     "device_user", [{"user_name": "ann", "full_name": "Ann A", "uid": 501, "guid": "G", "logged_in": 1, "has_data_to_sync": 0,
                      "data_quota": 9, "data_used": 4, "mobile_account": 0, "secure_token": 1}]),
    ("AvailableOSUpdates", None,
     {"AvailableOSUpdates": [{"ProductKey": "K", "HumanReadableName": "macOS 15.1", "ProductName": "macOS", "Version": "15.1",
                              "Build": "24B83", "DownloadSize": 1, "InstallSize": 2, "IsCritical": False,
                              "IsMajorOSUpdate": True, "IsSecurityResponse": False, "RestartRequired": True,
                              "DeferredUntil": DAY}]},
     "available_os_update", [{"product_key": "K", "name": "macOS 15.1", "product": "macOS", "version": "15.1", "build": "24B83",
                              "download_size": 1, "install_size": 2, "critical": 0, "major": 1, "security_response": 0,
                              "restart": 1, "deferred_until": "2030-01-02T03:04:05Z"}]),
    ("OSUpdateStatus", None,
     {"OSUpdateStatus": [{"ProductKey": "K", "Status": "Downloading", "IsDownloaded": False, "DownloadPercentComplete": 0.25,
                          "MaxDeferrals": 3, "DeferralsRemaining": 2, "NextScheduledInstall": DAY}]},
     "os_update_status", [{"product_key": "K", "status": "Downloading", "downloaded": 0, "download_percent": 0.25,
                           "max_deferrals": 3, "deferrals_remaining": 2, "next_install": "2030-01-02T03:04:05Z"}]),
    ("ManagedApplicationList", None,
     {"ManagedApplicationList": {"com.example.a": {"Status": "Managed", "ManagementFlags": 1, "HasConfiguration": True,
                                                   "HasFeedback": False, "IsValidated": True, "ExternalVersionIdentifier": 8,
                                                   "UnusedRedemptionCode": "CODE"}}},
     "managed_app", [{"identifier": "com.example.a", "status": "Managed", "management_flags": 1, "has_configuration": 1,
                      "has_feedback": 0, "validated": 1, "external_version": 8}]),
    ("ManagedApplicationAttributes", {"Identifiers": ["a"]},
     {"ApplicationAttributes": [{"Identifier": "a", "Attributes": {"Removable": True}}]},
     "managed_app_attribute", [{"identifier": "a", "attributes": '{"Removable":true}'}]),
    ("ManagedApplicationConfiguration", {"Identifiers": ["a"]},
     {"ApplicationConfigurations": [{"Identifier": "a", "Configuration": {"url": "u"}}]},
     "managed_app_configuration", [{"identifier": "a", "configuration": '{"url":"u"}'}]),
    ("ManagedApplicationFeedback", {"Identifiers": ["a"]},
     {"ManagedApplicationFeedback": [{"Identifier": "a", "Feedback": {"n": 3}}]},
     "managed_app_feedback", [{"identifier": "a", "feedback": '{"n":3}'}]),
    ("ManagedMediaList", None, {"Books": [{"iTunesStoreID": 42, "State": "Managed", "PersistentID": "B", "Kind": "pdf",
                                           "Version": "1", "Author": "An Author", "Title": "A Book"}]},
     "managed_media", [{"itunes_store_id": 42, "persistent_id": "B", "state": "Managed", "kind": "pdf", "title": "A Book",
                        "author": "An Author", "version": "1"}]),
    ("ActiveNSExtensions", None, {"Extensions": [{"Identifier": "e", "ExtensionPoint": "com.apple.share", "DisplayName": "E",
                                                  "ContainerIdentifier": "c", "Version": "1", "UserElection": "Use"}]},
     "active_extension", [{"identifier": "e", "extension_point": "com.apple.share", "name": "E", "container": "c",
                           "version": "1", "user_election": "Use"}]),
    ("NSExtensionMappings", None, {"Extensions": [{"Identifier": "e", "ExtensionPoint": "com.apple.share", "DisplayName": "E"}]},
     "extension_mapping", [{"identifier": "e", "extension_point": "com.apple.share", "name": "E"}]),
]  # fmt: skip


def answer(server, device, request, args=None, **keys):
    uuid = server.queue(device, request, args)
    assert device.idle().uuid == uuid
    assert device.acknowledge(uuid, **keys).status == 200
    return uuid


@pytest.fixture(scope="module")
def channel(server):
    """One device for all."""
    device = server.enrolled()
    yield device
    device.close()


@pytest.mark.parametrize("request_name, args, keys, view, expected", INVENTORIES)
def test_each_inventory(server, channel, request_name, args, keys, view, expected):
    uuid = answer(server, channel, request_name, args, **keys)
    rows = server.sql(f"SELECT * FROM {view} WHERE device = {quote(channel.id)} ORDER BY 2")
    assert [{key: row[key] for key in row if key not in ("device", "seen_at", "stale")} for row in rows] == expected
    assert all(row["stale"] == 0 and row["seen_at"].endswith("Z") for row in rows)
    # The answer as such is kept, too.
    assert json.loads(server.result(channel, uuid)["response"])["Status"] == "Acknowledged"
    assert server.pomona("result", "show", uuid, "--plist").startswith("<?xml")


def test_facts_change(server, device):
    """What changed, from what to what; in the columns of `device`, too."""
    for keys in (
        {"OSVersion": "17.4.1", "DeviceName": "one", "BatteryLevel": 0.9, "IsSupervised": False, "ModelName": "iPad"},
        {"OSVersion": "18.0", "BatteryLevel": 0.8},
        {"OSVersion": "18.0", "DeviceName": "two", "BatteryLevel": 0.7, "IsSupervised": True},
    ):
        answer(server, device, "DeviceInformation", QueryResponses=keys)
    rows = server.sql(f"SELECT name, old, new FROM device_info_history WHERE device = {quote(device.id)} ORDER BY at, name")
    assert sorted((row["name"], row["old"], row["new"]) for row in rows) == [
        ("DeviceName", "one", "two"), ("IsSupervised", 0, 1), ("OSVersion", "17.4.1", "18.0"),
    ]  # fmt: skip
    answer(server, device, "SecurityInfo", SecurityInfo={"ManagementStatus": {"UserApprovedEnrollment": True}})
    row = server.device_row(device)
    assert (row["os_version"], row["supervised"], row["model_name"], row["enrolled_via_dep"], row["user_approved"]) == (
        "18.0", 1, "iPad", None, 1,
    )  # fmt: skip


def test_a_new_enrollment(server, device):
    """What was told before it is marked, and what the device is, it has to tell again."""
    answer(server, device, "DeviceInformation", QueryResponses={"IsSupervised": True, "HostName": "a"})
    answer(server, device, "ProfileList", ProfileList=[{"PayloadIdentifier": "p.a"}])
    device.enroll()
    assert server.device_row(device)["supervised"] is None
    for view in ("device_info", "installed_profile"):
        assert {row["stale"] for row in server.sql(f"SELECT stale FROM {view} WHERE device = {quote(device.id)}")} == {1}
    answer(server, device, "DeviceInformation", QueryResponses={"IsSupervised": False})
    rows = server.sql(f"SELECT name, value, stale FROM device_info WHERE device = {quote(device.id)}")
    assert rows == [{"name": "IsSupervised", "value": 0, "stale": 0}]
    assert server.row(f"SELECT old, new FROM device_info_history WHERE device = {quote(device.id)}") == {"old": 1, "new": 0}


# ---- errors ----


def test_errors_have_a_meaning(server, device):
    uuid = server.queue(device, "InstallProfile", {"Payload": "AAAA"})
    device.idle()
    chain = [(4001, "MCInstallationErrorDomain", "Profile Failed"), (1000, "MCProfileErrorDomain", "Bad"), (7, "X", "Odd")]
    assert device.error(uuid, *chain).status == 200
    rows = server.sql(f"SELECT * FROM result_error WHERE uuid = {quote(uuid)} ORDER BY link")
    assert [(row["chain"], row["link"], row["domain"], row["code"], row["description"]) for row in rows] == [
        ("ErrorChain", n, domain, code, text) for n, (code, domain, text) in enumerate(chain)
    ]
    assert [row["meaning"] for row in rows] == ["the installation failed", "the profile is malformed", None]
    assert rows[1]["advice"] == "look at it with: pomona profile show"
    shown = server.pomona("result", "show", uuid)
    for text in ("MCInstallationErrorDomain", "4001", "Profile Failed", "the profile is malformed", "pomona profile show", "Odd"):
        assert text in shown, text
    assert "[the installation failed]" in server.result(device, uuid)["errors"]


def test_errors_of_elements(server, device):
    """An acknowledged Settings may hold errors all the same."""
    uuid = server.queue(device, "Settings", {"Settings": [{"Item": "Wallpaper", "Image": "AAAA", "Where": 1}]})
    assert device.idle().uuid == uuid
    link = {"ErrorDomain": "MCSettingsErrorDomain", "ErrorCode": 28001, "LocalizedDescription": "Bild"}
    device.acknowledge(uuid, Settings=[{"Status": "Acknowledged"}, {"Status": "Error", "ErrorChain": [link]}])
    row = server.row(f"SELECT * FROM result_error WHERE uuid = {quote(uuid)}")
    assert (row["chain"], row["code"], row["localized"], row["description"], row["meaning"]) == (
        "Settings[1].ErrorChain", 28001, "Bild", None, "the wallpaper's image is bad",
    )  # fmt: skip
    assert "the wallpaper's image is bad" in server.pomona("result", "show", uuid)
