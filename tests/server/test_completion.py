"""Completion in the shells themselves: a line is typed into bash or zsh on a terminal of its own, then Tab, then Return."""

import os
import pty
import re
import select
import subprocess
import time

import pytest

from harness.process import PATIENCE, REPOSITORY, program_path

pytestmark = pytest.mark.nginx

# The shell runs this instead of pomona, but asks the real one what to complete.
STANDS_IN = r"""pomona() { if [ "$1" = complete ]; then command pomona "$@"; else printf '\n[%s]' "$@"; printf '\nE''ND\n'; fi; }"""
START = {
    "bash": [
        "PS1='ready> '", "bind 'set enable-bracketed-paste off'", "bind 'set bell-style none'",
        f"source {REPOSITORY}/completions/pomona.bash",
    ],
    "zsh": [
        "PS1='ready> '", "unsetopt zle_bracketed_paste prompt_sp beep", "unset zle_bracketed_paste", f"fpath=({REPOSITORY}/completions $fpath)",
        "autoload -U compinit", "compinit -u -D",
    ],
}  # fmt: skip
ARGV = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}


class Shell:
    """A shell on a terminal, and what it has written."""

    def __init__(self, name, server):
        self.master, slave = pty.openpty()
        env = server.programs.environment({"POMONA_CONF": server.conf, "TERM": "dumb", "HOME": server.dir})
        env["PATH"] = os.path.dirname(program_path("pomona")) + ":" + env["PATH"]
        self.process = subprocess.Popen(
            ARGV[name], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=server.dir, start_new_session=True, close_fds=True
        )
        os.close(slave)
        server.programs.sessions[self.process.pid] = self
        for line in [*START[name], STANDS_IN]:
            os.write(self.master, line.encode() + b"\n")
        self.run("echo E''ND")

    def run(self, typed):
        """What it writes until the END, of which the line that was typed has no part."""
        os.write(self.master, typed.encode() + b"\n")
        text, end = b"", time.monotonic() + PATIENCE
        while not re.search(rb"^END\r?$", text, re.MULTILINE):
            left = end - time.monotonic()
            assert left > 0 and select.select([self.master], [], [], left)[0], f"{typed!r}: {text.decode()!r}"
            text += os.read(self.master, 65536)
        return text.decode()

    def complete(self, line):
        """The words of the line once Tab has done its work."""
        return re.findall(r"^\[(.*)\]\r?$", self.run(line + "\t"), re.MULTILINE)

    def close(self):
        os.close(self.master)
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()


@pytest.fixture(scope="module", params=["bash", "zsh"])
def shell(request, server):
    started = Shell(request.param, server)
    yield started
    started.close()


@pytest.fixture(scope="module")
def known(server):
    """The id of a device, the only one that begins so: with a user channel, whose id has a colon."""
    device = server.enrolled()
    server.sqlite(
        "INSERT INTO enrollment(id, kind, state, device_no) SELECT id || ':JANE', 'user', 'enrolled', no FROM enrollment"
        f" WHERE id = '{device.id}'"
    )
    yield device.id
    device.close()


@pytest.mark.parametrize(
    "typed, wanted",
    [
        ("comma", ["command"]),
        ("queue ad", ["queue", "add"]),
        ("command show ManagedMed", ["command", "show", "ManagedMediaList"]),
        ("command list --os-v", ["command", "list", "--os-version"]),
        ("command list --os wat", ["command", "list", "--os", "watchOS"]),
        ("command list --os=wat", ["command", "list", "--os=watchOS"]),
        ("setting get scep_le", ["setting", "get", "scep_legacy"]),
        ("command check EraseDevice Obl", ["command", "check", "EraseDevice", "ObliterationBehavior="]),
        ("command check EraseDevice ObliterationBehavior=Al", ["command", "check", "EraseDevice", "ObliterationBehavior=Always"]),
        ("command check EraseDevice ReturnToService.Wi", ["command", "check", "EraseDevice", "ReturnToService.WiFiProfileData="]),
        ("command check DeviceInformation Queries=UDID,OSVer", ["command", "check", "DeviceInformation", "Queries=UDID,OSVersion"]),
        ("command check --plist command.pl", ["command", "check", "--plist", "command.plist"]),
        ("command check InstallProfile Payload=@command.pl", ["command", "check", "InstallProfile", "Payload=@command.plist"]),
        ("device show {id}:J", ["device", "show", "{id}:JANE"]),
        ("queue add {id}:JANE DeviceLock PhoneN", ["queue", "add", "{id}:JANE", "DeviceLock", "PhoneNumber="]),
        ("nothing of the kind", ["nothing", "of", "the", "kind"]),
    ],
)
def test_a_line_is_completed(server, shell, known, typed, wanted):
    with open(server.path("command.plist"), "w"):
        pass
    assert shell.complete("pomona " + typed.format(id=known)) == [word.format(id=known) for word in wanted]


def test_ids_are_offered_and_a_store_that_is_not_there_is_no_error(server, known, tmp_path):
    offered = server.pomona("complete", "--", "device", "show", known[:8])
    assert [line.split("\t")[0] for line in offered.splitlines()] == [known, known + ":JANE"]
    for typed in (["--config", str(tmp_path / "none.conf")], [f"--config={tmp_path}/none.conf"]):
        nothing = server.run([program_path("pomona"), "complete", "--", *typed, "device", "show", ""])
        assert (nothing.stdout, nothing.stderr) == (b"", b"")
