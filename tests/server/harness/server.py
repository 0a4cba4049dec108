"""A whole server in a folder of its own: store, pomona-fcgi, a web server (harness.front) and, when asked for, pomona-push and the APNs
stand-in.  A test speaks to it as a device (harness.device), as an operator in the sqlite3 shell (sql) and on the
command line (pomona)."""

import itertools
import json
import os
import sqlite3
import ssl
import subprocess
import urllib.request

from . import front as web
from .device import Device, new_uuid
from .pki import Identity
from .process import PATIENCE, Program, free_port, program_path, wait_for

class SqlError(Exception):
    """What the sqlite3 shell said."""


class Server:
    numbers = itertools.count(1)

    def __init__(self, programs, pki, root, push=False, threads=64, log="info", store=None, front=None, peer=None,
                 enroll=None, relay=None, init=(), **push_conf):  # fmt: skip
        self.number = next(self.numbers)
        self.programs = programs
        self.pki = pki
        self.dir = os.path.join(root, f"s{self.number}")
        self.front = front or web.FRONT
        os.makedirs(self.dir)
        web.let_in(self.front, root)
        web.let_in(self.front, self.dir)
        self.db = os.path.join(store or self.dir, "pomona.db")
        self.conf = self.path("pomona.conf")
        self.device_ca = self.path("device-ca.pem")
        self.socket = self.path("fcgi.sock")
        self.port = free_port()
        self.tls_ca = pki.tls_ca.certificate
        self.topic = f"com.apple.mgmt.External.{new_uuid().lower()}"
        self.apns_port = free_port() if push else 1
        self.apns_log = self.path("apns.jsonl")
        self.apns_rules = self.path("apns-rules.json")
        self.parts = {}
        self._issued = itertools.count(1)
        self.write_conf(threads, log, push_conf, peer, enroll, relay)
        try:
            self._start_all(push, init)
        except BaseException:
            for program in self.parts.values():
                program.kill()
            raise

    def _start_all(self, push, init):
        self.pomona("init", "--server-url", self.url, "--organization", "Pomona Tests", *init)
        self.pomona("push-cert", "import", self.push_certificate().both)
        if web.is_plain_cgi(self.front):
            web.hand_over(self)
        else:
            self.start_fcgi()
        self.start_front()
        if push:
            self.start_apns()
            self.start_push()

    # ---- places ----

    def path(self, name):
        return os.path.join(self.dir, name)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def write_conf(self, threads=64, log="info", push_conf=None, peer=None, enroll=None, relay=None):
        push = {"apns_url": f"https://127.0.0.1:{self.apns_port}", "apns_ca": self.pki.apple_ca.certificate,
                **(push_conf or {})}  # fmt: skip
        sections = {
            "store": {"database": self.db, "key": self.path("pomona.key")},
            "fcgi": {"threads": threads},
            "peer": peer or {},
            "enroll": enroll or {},
            "push": push,
            "relay": relay or {},
            "log": {"level": log},
        }
        with open(self.conf, "w") as conf:
            for section, keys in sections.items():
                conf.write(f"[{section}]\n")
                conf.writelines(f"{key} = {value}\n" for key, value in keys.items())

    def push_certificate(self, topic=None):
        return self.pki.push_certificate(f"push-{self.number}", topic or self.topic)

    # ---- its programs ----

    def start(self, name, argv, env=None, **popen):
        program = Program(self.programs, name, argv, self.dir, {"POMONA_CONF": self.conf, **(env or {})}, **popen)
        self.parts[name] = program
        return program

    def start_fcgi(self, *options, listen=None):
        mode = ["--socket-mode", "666"] if web.is_apache(self.front) else []
        return self._start_until_ready(
            "pomona-fcgi", [program_path("pomona-fcgi"), "--listen", listen or self.socket, *mode, *options]
        )

    def _start_until_ready(self, name, argv, **popen):
        """The log may tell of earlier starts."""
        log = self.path(name + ".log")
        offset = os.path.getsize(log) if os.path.exists(log) else 0
        program = self.start(name, argv, **popen)
        wait_for(lambda: self._is_ready(program, offset), f"{name} to be ready")
        return program

    @staticmethod
    def _is_ready(program, offset):
        assert program.alive(), f"{program.name} ended at once\n{program.output()[-3000:]}"
        with open(program.log, "rb") as log:
            log.seek(offset)
            return b"msg=ready" in log.read()

    def write_site(self, edit=None, **values):
        """The site file: VALUES for its placeholders, EDIT for what an administrator changes by hand."""
        web.write_site(self, edit, **values)

    def start_front(self, edit=None, **site):
        self.write_site(edit, **site)
        argv = web.command(self)
        if self.front == "cgi" and "fcgiwrap" not in self.parts:
            self.start("fcgiwrap", ["fcgiwrap", "-c", "4", "-s", f"unix:{self.path('wrap.sock')}"])
            wait_for(lambda: os.path.exists(self.path("wrap.sock")), "fcgiwrap's socket")
        front = self.start("front", argv)
        wait_for(lambda: self._answers(front), f"{argv[0]} to answer")
        return front

    def stop_front(self):
        self.parts.pop("front").stop()

    def restart_front(self, edit=None, **site):
        self.stop_front()
        return self.start_front(edit, **site)

    def _answers(self, front):
        assert front.alive(), f"the web server ended at once\n{front.output()}{self.front_errors()}"
        try:
            return self.get("/version")
        except OSError:
            return None

    def start_apns(self, *options):
        ready = self.path("apns.ready")
        if os.path.exists(ready):
            os.unlink(ready)
        program = self.start(
            "apns",
            [
                program_path("pomona-sim"), "--apns-listen", f"127.0.0.1:{self.apns_port}",
                "--apns-cert", self.pki.apns.certificate, "--apns-key", self.pki.apns.key,
                "--apns-client-ca", self.pki.apple_ca.certificate, "--apns-log", self.apns_log,
                "--apns-rules", self.apns_rules, "--ready-file", ready, *options,
            ],
        )  # fmt: skip
        wait_for(lambda: os.path.exists(ready) or not program.alive(), "the stand-in")
        assert program.alive(), program.output()
        return program

    def start_push(self, **popen):
        return self._start_until_ready("pomona-push", [program_path("pomona-push")], **popen)

    def stop(self):
        problems = []
        for name in ("pomona-push", "apns", "front", "pomona-fcgi", *list(self.parts)):
            program = self.parts.pop(name, None)
            if program is None:
                continue
            if name == "fcgiwrap":  # it leaves its children and its socket behind
                program.kill()
                continue
            try:
                program.stop()
            except AssertionError as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)

    @property
    def fcgi(self):
        return self.parts["pomona-fcgi"]

    @property
    def push(self):
        return self.parts["pomona-push"]

    # ---- as somebody without a certificate ----

    def get(self, path):
        context = ssl.create_default_context(cafile=self.tls_ca)
        with urllib.request.urlopen(self.url + path, context=context, timeout=20) as answer:
            return answer.read()

    # ---- as an operator ----

    def run(self, argv, check=True, **run):
        done = subprocess.run(
            argv, capture_output=True, timeout=PATIENCE * 4, check=False,
            env=self.programs.environment({"POMONA_CONF": self.conf}), **run,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, f"{argv} ended with {done.returncode}: {done.stderr.decode()}"
        return done

    def pomona(self, *args, check=True, **run):
        """The command line; gives its standard output, or (check=False) all of what came of it."""
        done = self.run([program_path("pomona"), *args], check, **run)
        return done.stdout.decode() if check else done

    def pomona_json(self, *args):
        return json.loads(self.pomona(*args, "--json"))

    def sqlite(self, statement, *options):
        """The sqlite3 shell, as an operator would type into it."""
        done = self.run(["sqlite3", "-bail", "-cmd", ".timeout 10000", *options, self.db], False, input=statement.encode())
        if done.returncode != 0 or done.stderr:
            raise SqlError(done.stderr.decode().strip())
        return done.stdout.decode()

    def sql(self, statement):
        """Its rows."""
        text = self.sqlite(statement, "-json").strip()
        return json.loads(text) if text else []

    def row(self, statement):
        rows = self.sql(statement)
        assert len(rows) == 1, f"{len(rows)} rows of {statement}: {rows}"
        return rows[0]

    def value(self, statement):
        (value,) = self.row(statement).values()
        return value

    def queue(self, channel, request, args=None, **columns):
        """INSERT INTO queue; gives the UUID."""
        columns = {"device": channel.id, "request": request, **columns}
        if args is not None:
            columns["args"] = json.dumps(args)
        names = ", ".join(columns)
        values = ", ".join(quote(value) for value in columns.values())
        before = {row["uuid"] for row in self.sql(f"SELECT uuid FROM command WHERE device = {quote(channel.id)}")}
        self.sql(f"INSERT INTO queue({names}) VALUES ({values});")
        after = {row["uuid"] for row in self.sql(f"SELECT uuid FROM command WHERE device = {quote(channel.id)}")}
        (uuid,) = after - before
        return uuid

    def command(self, channel, uuid):
        """Its row of view command, but for its age, which goes on while one looks."""
        row = self.row(f"SELECT * FROM command WHERE device = {quote(channel.id)} AND uuid = {quote(uuid)}")
        del row["age"]
        return row

    def state(self, channel, uuid):
        return self.command(channel, uuid)["state"]

    def result(self, channel, uuid):
        return self.row(f"SELECT * FROM result WHERE device = {quote(channel.id)} AND uuid = {quote(uuid)}")

    def everything(self, *tables):
        """All rows of these tables (of all, when none is named), but for when a device was last seen, which is written late."""
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True) as store:
            store.row_factory = sqlite3.Row
            names = [row[0] for row in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
            return {
                name: sorted(
                    repr([value for key, value in dict(row).items() if key != "last_seen"])
                    for row in store.execute(f"SELECT * FROM {name}")
                )
                for name in names
                if name != "worker" and (not tables or name in tables)
            }

    def device_row(self, channel):
        return self.row(f"SELECT * FROM device WHERE id = {quote(channel.id)}")

    # ---- devices ----

    def issue(self, name=None, *options):
        """An identity; OPTIONS of `pomona identity issue`: a key of type ec is made at once."""
        name = name or f"device-{next(self._issued)}"
        out = self.path("identities")
        self.pomona("identity", "issue", name, "--out", out, *options)
        return Identity(os.path.join(out, name + ".pem"), os.path.join(out, name + ".key"))

    def new_device(self, identity=None, topic=None, ec=True, **options):
        """Its key is EC, as such a key is made at once; those that sign (test_peer.py) and the simulated ones have RSA keys."""
        identity = identity or self.issue(None, *(("--key", "ec") if ec else ()))
        return Device(self, identity, topic or self.topic, **options)

    def enrolled(self, **options):
        return self.new_device(**options).enroll()

    # ---- pushes ----

    def pushes(self, channel=None):
        """What the stand-in got, in order."""
        if not os.path.exists(self.apns_log):
            return []
        with open(self.apns_log) as log:
            lines = [json.loads(line) for line in log if line.endswith("\n")]
        return [line for line in lines if channel is None or line["token"] == channel.token.hex()]

    def apns_answers(self, *rules):
        """Tells the stand-in what to answer from now on."""
        with open(self.apns_rules + ".new", "w") as file:
            json.dump(list(rules), file)
        os.replace(self.apns_rules + ".new", self.apns_rules)

    def front_errors(self):
        path = self.path(web.program_of(self.front) + "-error.log")
        if not os.path.exists(path):
            return ""
        with open(path, errors="replace") as log:
            return log.read()

    def logs(self):
        return "".join(program.output() for program in self.parts.values())


def quote(value):
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
