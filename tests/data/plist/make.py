#!/usr/bin/env python3
"""Makes the files beside it with Python's plistlib and json, which know nothing of our reader and writer.

Not run by the tests: run it by hand after a change here, and commit what it makes."""

import base64
import datetime
import json
import os
import plistlib

os.chdir(os.path.dirname(os.path.abspath(__file__)))

TYPES = {
    "UDID": "7B0C7A0E-6C1D-4A53-9B0C-0D4F5B1E7A11",
    "Status": "Acknowledged",
    "QueryResponses": {
        "IsSupervised": True,
        "AwaitingConfiguration": False,
        "BatteryLevel": 0.75,
        "DeviceCapacity": 59.9,
        "Negative": -1.5e-07,
        "ModemFirmwareVersion": "",
        "OrganizationInfo": {},
        "Languages": [],
        "Deep": {"Deeper": {"Deepest": [b"sixteen columns" * 5, [[[[b"still sixteen columns" * 2]]]]]}},
    },
    "Integers": [0, 1, -1, 9223372036854775807, -9223372036854775808, 18446744073709551615],
    "Dates": [
        datetime.datetime(2026, 11, 24, 8, 15, 30),
        datetime.datetime(1, 1, 1),
        datetime.datetime(1969, 12, 31, 23, 59, 59),
        datetime.datetime(9999, 12, 31, 23, 59, 59),
    ],
    "Data": [b"", b"\0", bytes(range(256)), b"x" * 45, b"x" * 46],
    "Strings": [
        "  white space stays\t\n ",
        "<key>&amp;]]></key>",
        "\"quotes\" and 'apostrophes', back\\slash",
        "Grüße, 日本語, \U0001f34e\u2028\ufffd\x7f\x85",
    ],
    "<&>": "a key that needs escapes",
    "a": 1,
    "B": 2,
    "é": 3,
    "": 4,
}


def to_json(value):
    """As plist_write_json() says it."""
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.isoformat() + "Z"
    return value


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


def main():
    xml = plistlib.dumps(TYPES, sort_keys=False)
    write("types.plist", xml)
    write("types-sorted.plist", plistlib.dumps(TYPES, sort_keys=True))
    write("types.json", json.dumps(to_json(TYPES), ensure_ascii=False, separators=(",", ":")).encode())
    write("types-bom.plist", b"\xef\xbb\xbf" + xml)
    text = xml.decode()
    utf16 = text.replace('"UTF-8"', '"UTF-16"', 1)
    write("types-utf16le-bom.plist", b"\xff\xfe" + utf16.encode("utf-16-le"))
    write("types-utf16be-bom.plist", b"\xfe\xff" + utf16.encode("utf-16-be"))
    write("types-utf16le.plist", text.replace('"UTF-8"', '"UTF-16LE"', 1).encode("utf-16-le"))
    write("types-utf16be.plist", utf16.encode("utf-16-be"))
    write("types-utf16-undeclared.plist", ("\ufeff" + text[text.index("<plist") :]).encode("utf-16-le"))


main()
