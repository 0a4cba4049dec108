"""What the benchmark drives: a whole server as the tests have it, the trivial responder behind the same nginx file, and
load from pomona-sim."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.setdefault("POMONA_BIN", os.path.join(TOP, "build", "bench"))
sys.path.insert(0, os.path.join(TOP, "tests", "server"))

from harness import Pki, Server, free_port, wait_for  # noqa: E402
from harness.process import Program, Programs  # noqa: E402
from harness.scep import ca_certificates, start_plain_site  # noqa: E402, F401
from harness.front import NGINX_CONF  # noqa: E402

DEVICES = 64
BUSY = 0.95  # of a core: from there on the load generator, which has one thread, is the limit
KINDS = (("Idle", "idle"), ("Acknowledged", "answer"))  # of messages, and what pomona-sim calls them


def program(name):
    return os.path.join(BUILD, name)


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


class Site:
    """An nginx with Pomona's site file in front of a responder's socket."""

    def __init__(self, server, name, socket, responder):
        self.server, self.responder = server, responder
        self.dir = server.path(name)
        self.port = free_port()
        os.makedirs(os.path.join(self.dir, "nginx"))
        kept, server.port = server.port, self.port
        server.write_site(FCGI_SOCKET=socket)
        server.port = kept
        shutil.copy(server.path("nginx/site.conf"), os.path.join(self.dir, "nginx", "site.conf"))
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w") as file:
            file.write(NGINX_CONF.format(dir=self.dir, user="user root root;" if os.geteuid() == 0 else ""))
        self.nginx = server.start(name, ["nginx", "-p", self.dir, "-c", conf, "-e", os.path.join(self.dir, "error.log")])
        wait_for(lambda: len(children(self.nginx.pid)) >= 2, "nginx's workers")
        time.sleep(0.2)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def responder_pids(self):
        return [self.responder.pid]


class Rig:
    """A server with DEVICES enrolled devices, its own load, and the trivial responder beside it."""

    def __init__(self, directory, devices=DEVICES):
        self.dir = directory
        self.programs = Programs(directory)
        self.pki = Pki(os.path.join(directory, "pki"))
        self.server = Server(self.programs, self.pki, directory)
        self.identities = self.server.path("identities")
        self.server.pomona("identity", "issue", "bench", "--count", str(devices), "--key", "ec", "--out", self.identities)
        self.devices = devices
        self.stride = 1  # every so many enrollments one is a device of the load
        self.enroll()
        self.pomona_site = Site(self.server, "site-pomona", self.server.socket, self.server.fcgi)
        self.trivial_site = self.trivial("trivial")
        self.trivial_sessions_site = self.trivial("trivial-sessions", "sessions")

    def trivial(self, name, *mode):
        socket = self.server.path(name + ".sock")
        responder = self.server.start(name, [program("bench/trivial"), socket, "64", *mode])
        wait_for(lambda: "ready" in responder.output(), "the trivial responder")
        return Site(self.server, "site-" + name, socket, responder)

    def sim(self, *options, url=None, devices=None, between=None):
        """Runs pomona-sim to its end; its statistics.  When it waits between its rounds, BETWEEN is called, and the next begins."""
        argv = [
            program("pomona-sim"), "--devices", str(devices or self.devices), "--url", url or self.server.url,
            "--tls-ca", self.server.tls_ca, "--identities", self.identities, "--topic", self.server.topic, "--stats", *options,
        ]  # fmt: skip
        waited = 0
        with tempfile.TemporaryFile() as errors:
            began = time.monotonic()
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
            line = process.stdout.readline()
            while json.loads(line or "{}").get("waiting"):
                paused = time.monotonic()
                between()
                waited += time.monotonic() - paused
                process.stdin.write(b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - began - waited
            process.returncode = os.waitstatus_to_exitcode(status)
            process.stdin.close()
            process.stdout.close()
            errors.seek(0)
            if not line or (process.returncode != 0 and "--load" not in options):
                raise RuntimeError(f"{argv}: {errors.read().decode()[-2000:]}")
        return {**json.loads(line), "run_seconds": seconds, "run_share": (usage.ru_utime + usage.ru_stime) / seconds}

    def enroll(self):
        self.sim("--poll", "1", "--concurrency", "64")

    def load(self, site, connections, seconds, *options, spread=False, between=None):
        """Messages for a while; rates, times, and CPU microseconds a request.  SPREAD: all devices are connected and come
        round, with as many messages under way as there are CONNECTIONS otherwise; BETWEEN is called when they are connected."""
        if spread:
            options = (*options, "--load-at-once", str(connections), "--load-wait")
        workers = children(site.nginx.pid)
        before = None

        def begin():
            nonlocal before
            if between:
                between()
            before = cpu_seconds(site.responder_pids()), cpu_seconds(workers)

        if not spread:
            begin()
        devices = self.devices if spread else connections
        stats = self.sim("--load", str(seconds), *options, url=site.url, devices=devices, between=begin)["load"]
        after = cpu_seconds(site.responder_pids()), cpu_seconds(workers)
        requests = stats["idle"]["count"] + stats["answer"]["count"]
        if not stats["seconds"] > 0 or not requests:
            raise RuntimeError(f"no load came about: {stats}")
        main = stats["answer"] if stats["answer"]["count"] > stats["idle"]["count"] * 2 else stats["idle"]
        return {
            "rps": requests / stats["seconds"],
            "p50_ms": main["p50"],
            "p99_ms": main["p99"],
            "kinds": {kind: stats[key] for kind, key in KINDS if stats[key]["count"] > requests / 4},
            "responder_us": (after[0] - before[0]) / requests * 1e6,
            "nginx_us": (after[1] - before[1]) / requests * 1e6,
            "generator": stats["cpu_seconds"] / stats["seconds"],
            "lost": stats["lost"] + stats["refused"],
            "with_command": stats["idle"]["with_command"] + stats["answer"]["with_command"],
        }

    # ---- what waits in the store ----

    def sqlite(self, script):
        done = subprocess.run(
            ["sqlite3", "-bail", "-cmd", ".timeout 60000", self.server.db], input=script.encode(), capture_output=True, check=False
        )
        if done.returncode != 0 or done.stderr:
            raise RuntimeError(done.stderr.decode())
        return done.stdout.decode()

    def clear_queue(self):
        self.sqlite("UPDATE delivery SET state = 'cancelled', ended_at = 1 WHERE ended_at IS NULL;")

    def spread(self, wanted):
        """Moves the devices of the load to even distances among WANTED enrollments; who is there moves to their places."""
        stride = wanted // self.devices
        if stride == self.stride:
            return
        self.sqlite(
            f"""
            BEGIN IMMEDIATE;
            CREATE TEMP TABLE move AS
            WITH RECURSIVE n(i) AS (SELECT {self.devices} UNION ALL SELECT i - 1 FROM n WHERE i > 1)
            SELECT i * {self.stride} AS old, i * {stride} AS new FROM n;
            CREATE TEMP TABLE free AS
            SELECT row_number() OVER (ORDER BY old) AS i, old FROM move WHERE old NOT IN (SELECT new FROM move);
            CREATE TEMP TABLE homeless AS
            SELECT row_number() OVER (ORDER BY new) AS i, new FROM move WHERE new NOT IN (SELECT old FROM move);
            UPDATE enrollment SET no = -no WHERE no IN (SELECT old FROM move) OR no IN (SELECT new FROM homeless);
            UPDATE enrollment SET no = move.new FROM move WHERE enrollment.no = -move.old;
            UPDATE enrollment SET no = free.old FROM homeless JOIN free USING (i) WHERE enrollment.no = -homeless.new;
            COMMIT;
            """
        )
        self.stride = stride

    def backlog(self, each, request="InstalledApplicationList"):
        """EACH commands for every device of the load: rows as the command line makes them."""
        self.sqlite(
            f"""
            BEGIN IMMEDIATE;
            CREATE TEMP TABLE first AS SELECT COALESCE(max(no), 0) AS no FROM payload;
            INSERT INTO payload (no, uuid, request, origin, created_at)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {each})
            SELECT first.no + i, upper(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
                || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), '{request}', 'cli', 1
            FROM n, first;
            INSERT INTO delivery (enrollment_no, payload_no, state, queued_at)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {self.devices})
            SELECT n.i * {self.stride}, p.no, 'queued', 1 FROM n, payload p, first WHERE p.no > first.no;
            COMMIT;
            """
        )

    def close(self):
        self.server.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def new_directory():
    base = os.environ.get("POMONA_BENCH_DIR", "/tmp")
    return tempfile.mkdtemp(prefix="pomona-bench-", dir=base)


__all__ = ["BUILD", "BUSY", "DEVICES", "Program", "Rig", "TOP", "cpu_seconds", "free_port", "new_directory", "program", "wait_for"]
