"""The catalogue of commands, looked at from outside: right and wrong commands made of its data files, through the command
line; and, where Apple's protocol is at hand as data, whether all of it is there."""

import copy
import glob
import json
import os
import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.catalogue import make_dict, read_catalogue
from harness.process import REPOSITORY
from harness.server import quote

pytestmark = pytest.mark.nginx

CATALOGUE = read_catalogue()
SEED = int(os.environ.get("POMONA_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


def test_every_command_is_there(server):
    assert len(CATALOGUE) == 68
    rows = server.sql("SELECT request, about FROM command_type ORDER BY request")
    assert {row["request"]: row["about"] for row in rows} == {name: request.about for name, request in CATALOGUE.items()}


def test_the_views_tell_every_key(server):
    for part in ("payload", "response"):
        rows = server.sql(
            "SELECT request, path, type, presence, allowed, preset FROM command_key "
            f"WHERE part = '{part}' ORDER BY request, no"
        )
        told = {}
        for row in rows:
            allowed = [str(value) for value in json.loads(row["allowed"] or "[]")]
            told.setdefault(row["request"], []).append((row["path"], row["type"], row["presence"], allowed, row["preset"]))
        for name, request in CATALOGUE.items():
            keys = [(path, key.type, key.presence, key.values, key.preset) for path, key in request.walk(part)]
            assert told.get(name, []) == keys, name


# ---- right and wrong commands ----

WRONG = {"string": 7, "integer": "7", "real": "0.5", "boolean": 1, "date": "soon", "data": "%", "array": "x", "dictionary": "x"}


def places(parent, made, path=""):
    """(dictionary, its key in the catalogue, where it is) of all within."""
    yield made, parent, path
    for key in parent.keys:
        if key.name not in made:
            continue
        own, value = f"{path}{key.name}", made[key.name]
        if key.type == "dictionary":
            yield from places(key, value, f"{own}.")
        elif key.type == "array" and key.keys[0].type == "dictionary":
            for number, element in enumerate(value):
                yield from places(key.keys[number if key.by else 0], element, f"{own}[{number}].")


def with_change(args, made, change):
    """The arguments, in which the dictionary MADE is changed."""
    before = copy.copy(made)
    change(made)
    changed = copy.deepcopy(args)
    made.clear()
    made.update(before)
    return changed


def faults_of(request):
    """(arguments, the path that the message has to name) of each single fault in a whole command."""
    args = make_dict(request.payload, True)
    for made, parent, path in list(places(request.payload, args)):
        for key in parent.keys:
            if key.name not in made or key.type == "any":
                continue
            name = key.name
            yield with_change(args, made, lambda made: made.update({name: WRONG[key.type]})), f"{path}{name}"
            if key.presence == "required":
                yield with_change(args, made, lambda made: made.pop(name)), f"{path}{name}"
            if key.values:
                wrong = -99 if key.type == "integer" else "Nonsense"
                yield with_change(args, made, lambda made: made.update({name: wrong})), f"{path}{name}"
        for advisory, kind, names, *_ in parent.rules:
            if not advisory and kind in ("exactly-one-of", "at-least-one-of"):
                gone = names.split(",")
                yield with_change(args, made, lambda made: [made.pop(name, 0) for name in gone]), f"{path}{gone[0]}"


def check(server, request, args):
    """What queue add says of it; for a device that is not there, so that nothing is queued."""
    words = ["queue", "add", "nobody", request.name, "--args", json.dumps({**args})]
    if request.name == "EraseDevice":
        words[-1] = json.dumps({**args, "confirm": "nobody"})
    done = server.pomona(*words, check=False)
    assert done.returncode != 0
    return (done.stdout + done.stderr).decode()


def test_right_commands_pass(server):
    cases = [(request, make_dict(request.payload, whole)) for request in CATALOGUE.values() for whole in (False, True)]
    with ThreadPoolExecutor(4) as pool:
        for (request, args), said in zip(cases, pool.map(lambda case: check(server, *case), cases)):
            assert "unknown device" in said, f"{request.name} {args}: {said}"


def test_single_faults_are_refused(server):
    """Some of them; all are tried in tests/unit/mdm/test_catalogue_faults.c, from the compiled tables."""
    faults = [(request, *fault) for request in CATALOGUE.values() for fault in faults_of(request)]
    assert len(faults) > 340
    print(f"seed {SEED} (POMONA_SEED)")
    chosen = random.Random(SEED).sample(faults, 80)
    with ThreadPoolExecutor(4) as pool:
        for (request, args, path), said in zip(chosen, pool.map(lambda fault: check(server, *fault[:2]), chosen)):
            assert f"{request.name}: " in said and path in said and "unknown device" not in said, f"{args} {path}: {said}"


# ---- the device, and what is found late ----


def test_one_device_of_two_does_not_take_it(server, device):
    """It is refused by its id, with the reason; the other one gets the command."""
    mac = server.enrolled()
    server.sql(f"UPDATE enrollment SET product = 'Mac14,2', os_version = '14.5' WHERE id = {quote(mac.id)}")
    done = server.pomona("queue", "add", mac.id, device.id, "ClearPasscode", "UnlockToken=AAEC", check=False)
    assert done.returncode == 1 and "ClearPasscode is not for macOS" in (done.stdout + done.stderr).decode()
    queued = server.sql(f"SELECT device FROM queue WHERE device IN ({quote(mac.id)}, {quote(device.id)})")
    assert queued == [{"device": device.id}]
    mac.close()


def test_what_is_wrong_inside_ends_as_invalid(server, device):
    """Through SQL it is found when the command is to be sent; those behind it go on."""
    settings = {"Settings": [{"Item": "DeviceName", "DeviceName": "x"}, {"Item": "Bluetooth", "Enabled": "yes"}]}
    wrong = server.queue(device, "Settings", settings)
    right = server.queue(device, "SecurityInfo")
    assert device.idle().command["CommandUUID"] == right
    row = server.row(f"SELECT state, reason FROM command WHERE uuid = {quote(wrong)}")
    assert row == {"state": "invalid", "reason": "Settings: Settings[1].Enabled must be a boolean"}
    device.acknowledge(right)


# ---- Apple's protocol as data: nothing else needs it ----


def apple():
    told = os.environ.get("POMONA_APPLE_MDM")
    places = [told] if told else glob.glob(os.path.join(REPOSITORY, "..", "*", "apple-mdm"))
    for place in places:
        path = os.path.join(place, "commands.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return {command["requesttype"]: command for command in json.load(file)["commands"]}
    return None


APPLE = apple()
SYSTEMS = ("iOS", "macOS", "tvOS", "visionOS", "watchOS")


def apple_path(above, key, parent):
    if key.get("variant"):
        return f"{above}[{parent['variants']}={key['variant']}]"
    if parent and parent["type"] == "array":
        return f"{above}[]"
    name = "*" if key.get("wildcard") else key["key"]
    return f"{above}.{name}" if above else name


def apple_keys(keys, above="", parent=None):
    for key in keys or []:
        path = apple_path(above, key, parent)
        yield path, key
        yield from apple_keys(key.get("subkeys"), path, key)


def presence(name, path, key):
    if (name, path) in (("ClearPasscode", "UnlockToken"), ("DeviceInformation", "Queries")):
        return "filled"
    return {"unspecified": "optional"}.get(key["presence"], key["presence"])


def laid_over(above, own):
    known = {system: dict(facts) for system, facts in above.items()}
    for system, facts in (own or {}).items():
        into = known[system]
        for name, fact in facts.items():
            into[name] = {**into.get(name, {}), **fact} if name == "shared_ipad" else fact
    return known


def as_row(system, facts):
    shared = facts.get("shared_ipad") or {}
    right = facts.get("access_right", {})

    def channels(of, otherwise=False):
        return ",".join(name for name in ("device", "user") if of.get(f"{name}_channel", otherwise and name == "device")) or None

    open_to = shared.get("mode") in ("allowed", "required")
    return {
        "os": system, "supported": int(facts.get("supported", True)),
        **{name: facts.get(name) for name in ("introduced", "deprecated", "removed", "user_enrollment")},
        "channels": channels(facts, system != "macOS"), "supervised": int(facts.get("supervised_only", False)),
        "automated": int(facts.get("requires_dep", False)), "user_approved": int(facts.get("requires_user_approved", False)),
        "shared_ipad": shared.get("mode"), "shared_channels": channels(shared) if open_to else None,
        "access_right": 0 if right is None else right.get("bit"),
    }  # fmt: skip


def apple_rows(command):
    """(part, path, value, row) for each level that says something of a system."""
    above = {system: facts for system, facts in command["supported_os"].items()}
    for system in SYSTEMS:
        if above[system].get("supported", True):
            yield "payload", "", None, as_row(system, above[system])

    def rows(part, keys, above, path, parent):
        for key in keys or []:
            own = apple_path(path, key, parent)
            known = laid_over(above, key.get("os"))
            for system in key.get("os", {}):
                yield part, own, None, as_row(system, known[system])
            for info in key.get("value_info", []):
                for system in info.get("os", {}):
                    yield part, own, info["value"], as_row(system, laid_over(known, info["os"])[system])
            yield from rows(part, key.get("subkeys"), known, own, key)

    yield from rows("payload", command["payload"], above, "", None)
    yield from rows("response", command["response"], above, "", None)


def told_by_apple(command, rule):
    """A rule in the words of the data files."""
    kind, key = rule["kind"].replace("_", "-"), rule.get("key")
    words = [rule["enforce"] != "reject", kind]
    if kind.endswith("-one-of"):
        return (*words, ",".join(rule["keys"]))
    words.append(key)
    if "when" in rule:
        condition = next(name for name in rule["when"] if name != "key")
        value = rule["when"][condition]
        words += ["when", rule["when"]["key"], condition.replace("_", "-"), *([value] if isinstance(value, str) else [])]
    elif kind == "contains-if":
        words += ["in", rule["in"], rule["value"]]
    elif kind == "range":
        words += [f"{rule['min']}..{rule.get('max', '')}", *(["or", ",".join(map(str, rule["or"]))] if "or" in rule else [])]
    elif kind == "pattern":
        words += re.sub(r"\\x(..)", lambda match: chr(int(match.group(1), 16)), rule["regex"]).split(" ")
    else:
        words.append(str(rule.get("n", rule.get("value"))))
    return tuple(words)


if APPLE is not None:

    def test_agrees_with_apple_in_keys(server):
        assert set(APPLE) == set(CATALOGUE)
        for part in ("payload", "response"):
            for name, command in APPLE.items():
                wanted = [
                    (path, key["type"], presence(name, path, key) if part == "payload" else presence("", path, key),
                     [str(value) for value in key.get("allowed_values", [])],
                     key.get("default") if isinstance(key.get("default", ""), str) else json.dumps(key["default"]))
                    for path, key in apple_keys(command[part])
                ]  # fmt: skip
                kept = [
                    (path, key.type, key.presence, key.values, key.preset) for path, key in CATALOGUE[name].walk(part)
                ]  # fmt: skip
                assert [(path, kind, how, values, preset or None) for path, kind, how, values, preset in wanted] == kept, name

    def test_agrees_with_apple_in_systems(server):
        rows = {}
        for row in server.sql("SELECT * FROM command_os"):
            name, part, path, value = (row.pop(column) for column in ("request", "part", "path", "value"))
            rows[name, part, path, value, row["os"]] = row
        wanted = {}
        for name, command in APPLE.items():
            for part, path, value, row in apple_rows(command):
                wanted[name, part, path, value, row["os"]] = row
        # Where it is not supported, or not on a Shared iPad, nothing else counts.
        for table in (rows, wanted):
            for key, row in table.items():
                if row["shared_ipad"] in ("forbidden", "ignored"):
                    row["shared_channels"] = None
                table[key] = row if row["supported"] else {"supported": 0}
        # What is not for a system at all need not say so of each key.
        assert rows == {key: row for key, row in wanted.items() if key in rows or row["supported"]}
        assert len(rows) > 1500

    def test_agrees_with_apple_in_rules(server):
        for name, command in APPLE.items():
            kept = {}
            for path, key in [("", CATALOGUE[name].payload), *CATALOGUE[name].walk()]:
                for rule in key.rules:
                    kept.setdefault(path.replace(".", "/"), []).append(rule)
            wanted = {}
            for rule in command.get("constraints", []):
                wanted.setdefault(rule["at"], []).append(told_by_apple(command, rule))
            assert {path: sorted(map(str, rules)) for path, rules in kept.items()} == {
                path: sorted(map(str, rules)) for path, rules in wanted.items()
            }, name
            assert len(server.sql(f"SELECT 1 FROM command_rule WHERE request = '{name}'")) == len(command.get("constraints", []))
