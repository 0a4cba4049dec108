"""Reads the catalogue's data files, without the programs: what is right and wrong for a command is made from it here too."""

import glob
import os

from .process import REPOSITORY


class Key:
    def __init__(self, kind, name, type_, presence):
        self.kind, self.name, self.type, self.presence = kind, name, type_, presence
        self.values, self.preset, self.by, self.keys, self.rules = [], None, None, [], []
        self.label = None

    def path(self, above, by):
        if self.kind == "variant":
            return f"{above}[{by}={self.name}]"
        if self.kind == "item":
            return f"{above}[]"
        return f"{above}.{self.name}" if above else self.name

    def walk(self, above="", by=None):
        """(path, key) of it and all below it."""
        path = self.path(above, by)
        yield path, self
        for key in self.keys:
            yield from key.walk(path, self.by)


class Request:
    def __init__(self, name):
        self.name = name
        self.payload = Key("root", "", "dictionary", "required")
        self.response = Key("root", "", "dictionary", "required")
        self.about = ""

    def walk(self, part="payload"):
        for key in getattr(self, part).keys:
            yield from key.walk()


def take_option(key, word):
    name, _, value = word.partition("=")
    if name == "values":
        key.values += value.split(",")
    elif name == "default":
        key.preset = value
    elif name == "by":
        key.by = value


def new_key(words):
    if words[0] == "key":
        key, options = Key("key", words[1], words[2], words[3]), words[4:]
    elif words[0] == "variant":
        key, options = Key("variant", words[1], words[2], "optional"), words[3:]
    else:
        required = words[2:3] == ["required"]
        key, options = Key("item", "", words[1], "required" if required else "optional"), words[2 + required :]
    for option in options:
        take_option(key, option)
    return key


def read_file(path, requests):
    levels = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            text = line.strip("\t")
            if not text or text.startswith("#"):
                continue
            indent = len(line) - len(text)
            words = text.split(" ")
            if words[0] == "request":
                request = requests[words[1]] = Request(words[1])
                levels = [request.payload]
            elif words[0] == "response":
                levels = [None, request.response]
            elif words[0] in ("key", "item", "variant"):
                key = new_key(words)
                levels[indent - 1].keys.append(key)
                levels[indent:] = [key]
            elif words[0] in ("rule", "advice"):
                levels[indent - 1].rules.append((words[0] == "advice", *words[1:]))
            elif words[0] == "value":
                levels[indent - 1].values.append(text[len("value ") :])
                levels[indent:] = [None]
            elif words[0] == "values":
                levels[indent - 1].values += words[1].split(",")
            elif words[0] == "about":
                request.about = text[len("about ") :]


def read_catalogue():
    requests = {}
    for path in sorted(glob.glob(os.path.join(REPOSITORY, "src/mdm/catalogue/*.data"))):
        read_file(path, requests)
    return requests


# ---- commands that are right ----


def rule_of(parent, name, *kinds):
    return next((rule for rule in parent.rules if rule[1] in kinds and rule[2] == name), None)


def make(key, parent, whole):
    if key.type == "dictionary":
        return make_dict(key, whole)
    if key.type == "array":
        elements = []
        for item in key.keys:
            elements.append(make(item, key, whole))
            elements += item.values[1:] if whole else []
        return elements
    if key.values:
        return int(key.values[0]) if key.type == "integer" else key.values[0]
    if key.type == "string":
        length, prefix = rule_of(parent, key.name, "length"), rule_of(parent, key.name, "prefix")
        return "1" * int(length[3]) if length else f"{prefix[3]}//example.com/" if prefix else "text"
    if key.type == "integer":
        rule = rule_of(parent, key.name, "range")
        return int(rule[3].split("..")[0]) if rule else 3
    return {"boolean": True, "real": 0.5, "data": "AAEC", "date": "2026-11-24T08:00:00Z", "any": [1, {"a": "b"}]}[key.type]


def holds(rule, made):
    _, _, _, _, other, condition, *value = rule
    return {
        "equals": made.get(other) in value, "not-equals": made.get(other) not in value, "true": made.get(other) is True,
        "not-true": made.get(other) is not True, "absent": other not in made, "present": other in made,
    }[condition]  # fmt: skip


def make_dict(parent, whole):
    """The smallest arguments that are right, or (whole) those with all keys there are."""
    keys = {key.name: key for key in parent.keys}
    made = {
        "Any name" if name == "*" else name: make(key, parent, whole)
        for name, key in keys.items() if whole or key.presence == "required"
    }  # fmt: skip
    for rule in parent.rules:
        names = rule[2].split(",")
        if rule[1] == "exactly-one-of":
            made = {name: value for name, value in made.items() if name not in names[1:]}
        if rule[1] in ("exactly-one-of", "at-least-one-of") or (rule[1] == "required-if" and holds(rule, made)):
            made.setdefault(names[0], make(keys[names[0]], parent, whole))
    return made
