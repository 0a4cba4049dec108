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
