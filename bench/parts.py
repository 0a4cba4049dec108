"""The parts of the benchmark: each takes the figures, a rig and how much it may take, and adds what it found."""

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from urllib.parse import urlsplit

from rig import (
    BUSY, DEVICES, TOP, Rig, ca_certificates, cpu_seconds, free_port, new_directory, program, start_plain_site, wait_for,
)  # fmt: skip
from harness.catalogue import make_dict, read_catalogue


class Effort:
    def __init__(self, quick):
        self.quick = quick
        self.runs = 2 if quick else 5
        self.seconds = 1 if quick else 2


def side_by_side(effort, *measures):
    """Runs each in turn, again and again; a list of results for each."""
    results = [[] for _ in measures]
    for _ in range(effort.runs):
        for measure, found in zip(measures, results):
            found.append(measure())
    return results


def ratios(ours, floor, key="rps"):
    return [a[key] / b[key] for a, b in zip(ours, floor)]


def note_limits(figures, name, results):
    """Of loads and sessions."""
    if statistics.median(result["generator"] for result in results) > BUSY:
        figures.note(f"{name}: the load generator was the limit")
    if any(result["lost"] for result in results):
        figures.note(f"{name}: {sum(result['lost'] for result in results)} messages were not answered 200")


def add_load(figures, part, name, results):
    figures.add(part, f"{name}: requests", "/s", [result["rps"] for result in results])
    kinds = results[0]["kinds"]
    for label in ("p50", "p99"):
        for kind in kinds:
            of = f" of {kind}" if len(kinds) > 1 else ""
            figures.add(part, f"{name}: {label}{of}", "ms", [result["kinds"][kind][label] for result in results])
    for key, label in (("responder_us", "responder's CPU"), ("nginx_us", "nginx's CPU")):
        figures.add(part, f"{name}: {label}", "us", [result[key] for result in results])
    note_limits(figures, f"{part}: {name}", results)


# ---- 1. the floor ----


def loads(rig, effort, connections, *options, each=0):
    """The same load on Pomona and on the trivial responder."""

    def pomona():
        if each:
            rig.clear_queue()
            rig.backlog(each)
        return rig.load(rig.pomona_site, connections, effort.seconds, *options)

    return pomona, lambda: rig.load(rig.trivial_site, connections, effort.seconds, *options)


def batched(rig, measure):
    """MEASURE with the trivial responder scheduled as Pomona schedules itself, for a fair look at what Pomona itself costs."""

    def schedule(policy):
        for pid in rig.trivial_site.responder_pids():
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setscheduler(int(thread), policy, os.sched_param(0))

    def run():
        schedule(os.SCHED_BATCH)
        try:
            return measure()
        finally:
            schedule(os.SCHED_OTHER)

    return run


TURNS = (
    "Idle and Acknowledged in turn: the reply to Acknowledged hands out the next command already, so that the Idle behind it is "
    "given the same command again, without a write: one commit for two requests.  'Idle, with a command' is a command given "
    "again as well; 'Idle, finds a new command' is one that was only queued, and commits."
)


def first_idles(figures, effort):
    """Each of many devices finds a command that was queued while it was connected; the Idles are all that is measured."""
    own = Rig(new_directory(), 300 if effort.quick else 1000)
    try:
        for connections in (16, 64):

            def queue():
                own.clear_queue()
                own.backlog(1)

            def measure(site, between, connections=connections):
                result = own.load(site, connections, 60, "--load-once", spread=True, between=between)
                assert result["with_command"] == own.devices, result
                return result

            own.clear_queue()
            ours, trivial = side_by_side(
                effort,
                lambda measure=measure, queue=queue: (own.clear_queue(), measure(own.pomona_site, queue))[1],
                lambda measure=measure: measure(own.trivial_site, lambda: None),
            )
            name = f"Idle, finds a new command, {connections} connections"
            add_load(figures, "floor", name, ours)
            figures.add("floor", f"Idle, finds a new command, of trivial, {connections} connections", "", ratios(ours, trivial))
    finally:
        own.close()


def floor(figures, rig, effort):
    figures.note(TURNS)
    first_idles(figures, effort)
    each = 1500 * effort.seconds
    for connections in (16, 64):
        name = f"{connections} connections"
        rig.clear_queue()
        idle, nothing = loads(rig, effort, connections)
        ours, trivial, alike = side_by_side(effort, idle, nothing, batched(rig, nothing))
        add_load(figures, "floor", f"trivial, {name}", trivial)
        add_load(figures, "floor", f"trivial in SCHED_BATCH, {name}", alike)
        add_load(figures, "floor", f"Idle, nothing waiting, {name}", ours)
        share = figures.add("floor", f"Idle, nothing waiting, of trivial, {name}", "", ratios(ours, trivial))
        figures.bar(f"Idle-nothing-waiting against the trivial responder, {name}", share, "at least 0.80", share >= 0.80)
        figures.add("floor", f"Idle, nothing waiting, of trivial in SCHED_BATCH, {name}", "", ratios(ours, alike))
        cpu = figures.add("floor", f"CPU of an Idle, of trivial's, {name}", "", ratios(ours, trivial, "responder_us"))
        figures.bar(f"responder's CPU per Idle against the trivial responder's, {name}", cpu, "at most 2.0", cpu <= 2.0)

        rig.backlog(1)
        ours, trivial = side_by_side(effort, *loads(rig, effort, connections))
        add_load(figures, "floor", f"Idle, with a command, {name}", ours)

        for size in (1000, 60000):
            ours, trivial = side_by_side(effort, *loads(rig, effort, connections, "--load-answer", str(size), each=each))
            add_load(figures, "floor", f"Acknowledged, {size // 1000} KB, {name}", ours)
            figures.add("floor", f"Acknowledged, {size // 1000} KB, of trivial, {name}", "", ratios(ours, trivial))

        turns = ("--load-answer", "1000", "--load-turns")
        ours, trivial = side_by_side(effort, *loads(rig, effort, connections, *turns, each=each))
        add_load(figures, "floor", f"Idle and Acknowledged in turn, {name}", ours)
        share = figures.add("floor", f"Idle and Acknowledged in turn, of trivial, {name}", "", ratios(ours, trivial))
        figures.bar(f"Idle and Acknowledged in turn against the trivial responder, {name}", share, "at least 0.50", share >= 0.50)
    rig.clear_queue()


# ---- 2. whole sessions ----


RESUMED = 3  # sessions of each device after the first, which shakes hands


def sessions(rig, site, queue, *options, resumed=0):
    """Each device once: handshake, Idle, command (SecurityInfo), Acknowledged, nothing; and RESUMED times more.  QUEUE gives
    each one command and is called before each round; so both sides do the same work.  Sessions a second, without QUEUE."""
    queue()
    more = ("--resume", "--rounds", str(resumed)) if resumed else ()
    stats = rig.sim("--enrolled", "--poll", "1", *more, "--concurrency", "16", *options, url=site.url, between=queue)
    assert stats["sessions"] == stats["answered"] == rig.devices * (1 + resumed), stats
    return {
        "rps": stats["sessions"] / stats["run_seconds"],
        "generator": stats["run_share"],
        "lost": stats["lost"] + stats["busy"] + stats["rejected"] + stats["refused"],
        "answered": stats["answered"],
    }


def session(figures, _, effort):
    own = Rig(new_directory(), 300 if effort.quick else 1500)

    def queue():
        own.clear_queue()
        own.backlog(1, "SecurityInfo")

    try:
        for label, resumed in (("full handshakes", 0), ("three of four resumed", RESUMED)):
            ours, trivial = side_by_side(
                effort,
                lambda resumed=resumed: sessions(own, own.pomona_site, queue, resumed=resumed),
                lambda resumed=resumed: sessions(own, own.trivial_sessions_site, lambda: None, resumed=resumed),
            )
            assert [result["answered"] for result in ours] == [result["answered"] for result in trivial]
            for name, results in (("Pomona", ours), ("trivial responder", trivial)):
                figures.add("session", f"{label}: {name}", "/s", [result["rps"] for result in results])
                note_limits(figures, f"session: {label}: {name}", results)
            share = figures.add("session", f"{label}: of trivial", "", ratios(ours, trivial))
            figures.bar(f"whole sessions, {label}, against the trivial responder", share, "at least 0.85", share >= 0.85)
    finally:
        own.close()


# ---- 3. growth, 4. fan-out ----


STEP = 100_000  # enrollments in a transaction: while a log of many GB is not truncated, each page read costs a search in it


def grow(rig, wanted):
    """Enrollments up to WANTED, with ten finished commands each, the answers of 1 KB; as the responder stores them."""
    for step in range(STEP, wanted + STEP, STEP):
        grow_to(rig, min(step, wanted))
    assert os.path.getsize(rig.server.db + "-wal") == 0, "the log was not truncated"
    rig.server.pomona("version")
    rig.server.pomona("setting", "list")  # makes the trigger anew


def grow_to(rig, wanted):
    rig.sqlite(
        f"""
        PRAGMA busy_timeout = 20000;
        PRAGMA synchronous = OFF;
        PRAGMA cache_size = -200000;
        BEGIN IMMEDIATE;
        DROP TRIGGER IF EXISTS delivery_wakes;
        CREATE TEMP TABLE first AS SELECT max(no) AS no FROM enrollment;
        INSERT INTO enrollment (no, id, kind, state, udid, serial, name, model, product, os_version, os_major, build, topic,
            certificate, push_token, push_magic, token_tally, token_at, enrolled_at, last_seen)
        WITH RECURSIVE n(i) AS (SELECT first.no + 1 FROM first WHERE first.no < {wanted} UNION ALL SELECT i + 1 FROM n WHERE i < {wanted})
        SELECT i, printf('%08X-0000-4000-8000-%012X', i, i), 'device', 'enrolled', printf('%08X-0000-4000-8000-%012X', i, i),
            printf('SERIAL%06d', i), printf('Device %d', i), 'MPUF3LL', 'iPhone14,7', '17.5.1', 17, '21F90', 'bench',
            lower(hex(randomblob(32))), randomblob(32), randomblob(64), 1, 1000, 1000, 1000 FROM n;
        INSERT INTO payload (uuid, request, origin, created_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
        SELECT upper(hex(randomblob(16))), 'ProfileList', 'bench', 1000 FROM n;
        INSERT INTO delivery (enrollment_no, payload_no, state, queued_at, sent_at, ended_at)
        SELECT e.no, p.no, 'acknowledged', 1000, 1000, 1000
        FROM enrollment e, first JOIN (SELECT no FROM payload ORDER BY no DESC LIMIT 10) p WHERE e.no > first.no;
        INSERT INTO answer (enrollment_no, payload_no, status, received_at, response, raw)
        SELECT e.no, p.no, 'Acknowledged', 1000, json_object('x', hex(zeroblob(440))), CAST(hex(randomblob(500)) AS BLOB)
        FROM enrollment e, first JOIN (SELECT no FROM payload ORDER BY no DESC LIMIT 10) p WHERE e.no > first.no;
        UPDATE schema_state SET value = '' WHERE name = 'interface';
        COMMIT;
        ANALYZE;
        PRAGMA wal_checkpoint(TRUNCATE);
        """
    )


def sizes(effort):
    return (1_000, 10_000) if effort.quick else (1_000, 100_000, 1_000_000)


SPREAD = 1000  # devices of the load, at even distances in the table; as many as the smallest has enrollments


def growth(figures, _, effort):
    own = Rig(new_directory(), SPREAD)
    try:
        figures.note(
            f"growth: the load comes from {SPREAD:,} devices in turn, at even distances among the enrollments, 16 messages under "
            "way; so at a million each of them has pages of its own, but the pages of these devices are warm after a round. The Idles beside a fan-out come from 8 of them."
        )
        grow_and_load(figures, own, effort)
    finally:
        own.close()


def grow_and_load(figures, rig, effort):
    p99 = {}
    for size in sizes(effort):
        name = f"{size:,} enrollments"
        rig.clear_queue()
        grow(rig, size)
        rig.spread(size)
        taken = os.path.getsize(rig.server.db) / size / 1024
        if size == sizes(effort)[-1]:
            per_device = figures.add("growth", f"store per enrollment, {name}", "KiB", [taken])
            figures.bar("store per enrollment with ten finished 1 KB results", per_device, "under 24 KiB", per_device < 24)
        (ours,) = side_by_side(effort, lambda: rig.load(rig.pomona_site, 16, effort.seconds, spread=True))
        add_load(figures, "growth", f"Idle, nothing waiting, {name}", ours)
        p99[size] = statistics.median(result["p99_ms"] for result in ours)

        def turns():
            rig.clear_queue()
            rig.backlog(40 * effort.seconds)
            result = rig.load(rig.pomona_site, 16, effort.seconds, "--load-answer", "1000", "--load-turns", spread=True)
            assert set(result["kinds"]) == {"Idle", "Acknowledged"}, result
            return result

        (ours,) = side_by_side(effort, turns)
        add_load(figures, "growth", f"Idle and Acknowledged in turn, {name}", ours)
        rig.clear_queue()
        fan_out(figures, rig, effort, size)
    small, large = sizes(effort)[0], sizes(effort)[-1]
    figures.bar(f"p99 at {large:,} enrollments against {small:,}", p99[large] / p99[small], "at most 1.5", p99[large] <= 1.5 * p99[small])
    rss = figures.add("growth", f"responder's memory, {large:,} enrollments", "MiB", [rig.server.fcgi.peak_kib() / 1024])
    figures.bar(f"resident memory of the responder, {large:,} enrollments, under load", rss, "under 48 MiB", rss < 48)


class Meanwhile:
    """Idles in the background while something else happens."""

    def __init__(self, rig):
        self.rig, self.result, self.process = rig, None, None

    def __enter__(self):
        self.stats = []
        self.thread = threading.Thread(target=self._run)
        self.ended = False
        self.thread.start()
        time.sleep(1.5)
        return self

    def _run(self):
        while not self.ended:
            self.stats.append(self.rig.load(self.rig.pomona_site, 8, 2))

    def __exit__(self, *exc):
        self.ended = True
        self.thread.join()
        self.rps = statistics.median(stats["rps"] for stats in self.stats)


def fan_out(figures, rig, effort, size):
    name = f"{size:,} enrollments"
    if size < 10_000:
        return
    usual = rig.load(rig.pomona_site, 8, effort.seconds)["rps"]
    with Meanwhile(rig) as load:
        began = time.monotonic()
        rig.sqlite("INSERT INTO queue(device, request) SELECT id, 'SecurityInfo' FROM device WHERE kind = 'device';")
        statement = time.monotonic() - began
    figures.add("fan-out", f"one SQL statement, {name}", "s", [statement])
    figures.add("fan-out", f"Idles meanwhile, {name}", "/s", [load.rps])
    note_limits(figures, f"fan-out: Idles meanwhile, {name}", load.stats)
    cancel(rig)
    with Meanwhile(rig) as load_all:
        began = time.monotonic()
        rig.server.pomona("queue", "add", "--all", "SecurityInfo")
        added = time.monotonic() - began
    figures.add("fan-out", f"queue add --all, {name}", "s", [added])
    figures.add("fan-out", f"Idles while queue add --all, {name}", "/s", [load_all.rps])
    note_limits(figures, f"fan-out: Idles while queue add --all, {name}", load_all.stats)
    cancel(rig)
    if size == sizes(effort)[-1]:
        figures.bar(f"a command to {name}: one SQL statement", statement, "under 20 s, Idle answered meanwhile",
                    statement < 20 and load.rps > 0)  # fmt: skip
        figures.bar(f"a command to {name}: queue add --all", added, "under 40 s, devices served at half speed or better",
                    added < 40 and load_all.rps >= usual / 2)  # fmt: skip


def cancel(rig):
    rig.sqlite("DELETE FROM delivery WHERE ended_at IS NULL; DELETE FROM push;")


# ---- 5. pushes ----


def push_rate(rig, url, ca, devices, rounds):
    """Pushes a second to URL: DEVICES are due at once, ROUNDS times."""
    server = rig.server
    conf = server.path("push.conf")
    with open(server.conf) as file:
        lines = [line for line in file if not line.startswith(("apns_url", "apns_ca"))]
    with open(conf, "w") as file:
        for line in lines:
            file.write(line + (f"apns_url = {url}\napns_ca = {ca}\n" if line == "[push]\n" else ""))
    rates = []
    worker = server.start("bench-push", [program("pomona-push"), "--config", conf])
    wait_for(lambda: "msg=ready" in worker.output(), "the worker")
    for _ in range(rounds):
        rig.sqlite(
            "INSERT INTO push (enrollment_no, topic, wanted, due_at) SELECT no, topic, 1, 1 FROM enrollment WHERE true "
            "ON CONFLICT (enrollment_no) DO UPDATE SET wanted = wanted + 1, due_at = 1, failures = 0, under_way = 0;"
        )
        began = time.monotonic()
        wait_for(lambda: rig.sqlite("SELECT count(*) FROM push WHERE served < wanted;").strip() == "0", "the pushes", 120, 0.02)
        rates.append(devices / (time.monotonic() - began))
    server.parts.pop("bench-push").stop()
    return rates


def push(figures, rig, effort):
    devices = 1000 if effort.quick else 10000
    own = Rig(new_directory(), devices)
    try:
        server, pki = own.server, own.pki
        server.apns_port = free_port()
        server.start_apns()
        rates = push_rate(own, f"https://127.0.0.1:{server.apns_port}", pki.apple_ca.certificate, devices, effort.runs)
        figures.add("push", "pomona-push to pomona-sim", "/s", rates)
        port, root = free_port(), server.path("nghttpd-root")
        os.makedirs(os.path.join(root, "3", "device"))
        uris = server.path("uris")
        with open(uris, "w") as file:
            for token in own.sqlite("SELECT lower(hex(push_token)) FROM enrollment;").split():
                with open(os.path.join(root, "3", "device", token), "w"):
                    file.write(f"https://127.0.0.1:{port}/3/device/{token}\n")
        server.start("nghttpd", ["nghttpd", "-d", root, "-n", "1", str(port), pki.apns.key, pki.apns.certificate])
        wait_for(lambda: subprocess.run(["curl", "-sk", f"https://127.0.0.1:{port}/"], capture_output=True, check=False).returncode == 0,
                 "nghttpd")  # fmt: skip
        rates = push_rate(own, f"https://127.0.0.1:{port}", pki.apple_ca.certificate, devices, effort.runs)
        ours = figures.add("push", "pomona-push to nghttpd", "/s", rates)
        body = server.path("body.json")
        with open(body, "w") as file:
            json.dump({"mdm": "00000000-0000-0000-0000-000000000000"}, file)
        theirs = figures.add("push", "h2load to nghttpd", "/s", [h2load(uris, body, devices * 5) for _ in range(effort.runs)])
        figures.bar("pushes/s against h2load on the same server, 100 streams", ours / theirs, "at least 0.25", ours / theirs >= 0.25)
        figures.bar("pushes/s", ours, "at least 10,000/s", ours >= 10000)
        server.parts.pop("nghttpd").kill()
    finally:
        own.close()


def h2load(uris, body, count):
    done = subprocess.run(
        ["h2load", "-n", str(count), "-c", "1", "-m", "100", "-d", body, "-H", "apns-topic: bench", "-H", "apns-push-type: mdm", "-i", uris],
        capture_output=True, check=True,
    )  # fmt: skip
    line = next(line for line in done.stdout.decode().splitlines() if line.startswith("finished in"))
    return float(line.split(",")[1].split()[0])


# ---- 6. identities ----


def issue_by_scep(server, effort):
    """Measures identities over plain HTTP; the requests are made beforehand."""
    url = start_plain_site(server)
    count = 200 * effort.seconds
    secret = server.pomona("scep", "challenge", "--uses", "1000000").strip()
    certs = server.path("scep-certs.pem")
    with open(certs, "wb") as file:
        file.write(ca_certificates(url))

    def measure():
        before = cpu_seconds([server.fcgi.pid])
        argv = [program("bench/scep"), urlsplit(url).port, certs, secret, count, "16"]
        done = subprocess.run([str(word) for word in argv], capture_output=True, check=True)
        return {"rps": count / float(done.stdout), "us": (cpu_seconds([server.fcgi.pid]) - before) / count * 1e6}

    return side_by_side(effort, measure)[0]


def scep(figures, rig, effort):
    own = Rig(new_directory(), 1)
    try:
        own.server.pomona("ca", "roll-over", "--key", "ec")
        own.server.pomona("ca", "roll-over", "--activate")
        for name, server in (("RSA CA", rig.server), ("EC CA", own.server)):
            results = issue_by_scep(server, effort)
            figures.add("scep", f"{name}: identities, 16 connections", "/s", [result["rps"] for result in results])
            figures.add("scep", f"{name}: responder's CPU for one", "us", [result["us"] for result in results])
            core = figures.add("scep", f"{name}: for a core of the responder", "/s", [1e6 / result["us"] for result in results])
            figures.bar(f"identities by SCEP for a core of the responder, {name}", core, "at least 250/s", core >= 250)
    finally:
        own.close()


# ---- 7. commits, 8. memory ----


def commit(figures, rig, effort):
    def rate(threads, how):
        done = subprocess.run([program("bench/commit"), rig.server.db, str(threads), str(effort.seconds), how], capture_output=True, check=True)
        return float(done.stdout)

    single, *grouped = side_by_side(
        effort, lambda: rate(64, "single"), *(lambda n=n: rate(n, "grouped") for n in (1, 8, 32, 64, 128))
    )
    figures.add("commit", "single", "/s", single)
    for threads, rates in zip((1, 8, 32, 64, 128), grouped):
        figures.add("commit", f"grouped, {threads} writers", "/s", rates)
        share = figures.add("commit", f"grouped against single, {threads} writers", "", [a / b for a, b in zip(rates, single)])
        if threads == 64:
            figures.bar("grouped against single commits, 64 writers", share, "at least 7", share >= 7)


def memory(figures, rig, effort):
    own = Rig(new_directory(), DEVICES)
    try:
        figures.add("memory", "idle", "MiB", [own.server.fcgi.resident_kib() / 1024])
        own.backlog(1500)
        own.load(own.pomona_site, 64, effort.seconds, "--load-answer", "1000", "--load-turns")
        figures.add("memory", "at load, 64 connections", "MiB", [own.server.fcgi.peak_kib() / 1024])
    finally:
        own.close()


# ---- 9. checking and building a command ----


def check(figures, rig, effort):
    """One by one, without a store."""
    settings = make_dict(read_catalogue()["Settings"].payload, True)
    commands = {"DeviceLock": ({"Message": "Call IT", "PhoneNumber": "+49 30 1", "PIN": "123456"}, 50), "Settings": (settings, 1000)}
    lines = "".join(f"{name} {json.dumps(args)}\n" for name, (args, _) in commands.items())

    def measure():
        argv = [program("bench/check"), str(500 if effort.quick else 5000)]
        return subprocess.run(argv, input=lines, capture_output=True, text=True, check=True).stdout.split()

    runs = [measure() for _ in range(effort.runs)]
    for number, (name, (_, most)) in enumerate(commands.items()):
        cost = figures.add("check", f"checking and building a {name}", "us", [float(run[number]) for run in runs])
        figures.bar(f"checking and building a {name}", cost, f"under {most} us", cost < most)


# ---- 10. durability ----


def torture(figures, _, effort):
    """The torture tests of the server; each audit appends to a file what it counted."""
    with tempfile.TemporaryDirectory() as folder:
        counts = os.path.join(folder, "counts.jsonl")
        argv = ["/usr/bin/python3", "-m", "pytest", "-q", *([] if effort.quick else ["--long", "-m", "long"]), "test_torture.py"]
        done = subprocess.run(
            argv, cwd=os.path.join(TOP, "tests", "server"), env={**os.environ, "POMONA_TORTURE_COUNTS": counts},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        audits = []
        if os.path.exists(counts):
            with open(counts) as file:
                audits = [json.loads(line) for line in file]
    total = {key: sum(audit[key] for audit in audits) for key in ("messages", "lost", "duplicated", "corrupted")}
    for key, count in total.items():
        figures.add("torture", f"messages{' ' + key if key != 'messages' else ''}", "", [count])
    if done.returncode != 0:
        print(done.stdout[-4000:])
        figures.note(f"torture: the tests failed: {done.stdout.strip().splitlines()[-1]}")
    elif "skipped" in done.stdout:
        figures.note(f"torture: some tests were left out: {done.stdout.strip().splitlines()[-1]}")
    bad, least = total["lost"] + total["duplicated"] + total["corrupted"], 1_000 if effort.quick else 100_000
    figures.bar("torture: messages lost, duplicated, corrupted", bad, f"0 of at least {least:,}",
                done.returncode == 0 and bad == 0 and total["messages"] >= least)  # fmt: skip


PARTS = {
    "floor": floor, "session": session, "growth": growth, "push": push, "check": check, "scep": scep, "commit": commit,
    "memory": memory, "torture": torture,
}  # fmt: skip
OTHER_NAMES = {"fan-out": "growth"}
