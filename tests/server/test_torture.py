"""Durability: whatever is done to the programs, the disk and the lock, the store agrees with the devices' own journal.

What is random follows from a seed, which is printed; POMONA_SEED=n sets it.  (Moments are counted in messages, so that
the same seed strikes at the same messages only as far as the machine keeps the same pace.)"""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import wait_for
from harness.fleet import Audit, Feeder, Fleet
from harness.process import SANITIZER, Shell
from harness.server import quote

pytestmark = pytest.mark.nginx

SEED = int(os.environ.get("POMONA_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
DEVICES = 20 if SANITIZER else 50
KILLS = 5 if SANITIZER else 15
LONG_KILLS = 400
LONG_MESSAGES = 100_000
JOURNAL_LINE = 330  # bytes, about


@pytest.fixture
def fleet(make_server):
    """Not started; with a worker that soon sends again what a dead one had under way."""
    print(f"POMONA_SEED={SEED}")
    server = make_server(push=True, lease=2)
    yield Fleet(server, DEVICES, SEED)
    server.stop()


# ---- SIGKILL ----


class Killer:
    """Kills the responder, the worker or both at random moments, and starts them again."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.server = fleet.server
        self.random = random.Random(SEED + 1)
        self.kills = 0

    def look_at_log(self, name):
        """A 500 is a bug.  The log begins anew, or starting would read more and more of it."""
        path = self.server.path(name + ".log")
        with open(path) as log:
            bad = [line for line in log if " status=500" in line]
        assert not bad, bad[:5]
        os.truncate(path, 0)

    def strike(self, most, unless=lambda: False):
        """After up to MOST further messages of the devices."""
        goal = self.fleet.journal_size() + self.random.randrange(most * JOURNAL_LINE)
        wait_for(lambda: self.fleet.journal_size() >= goal or unless(), "messages", every=0.001)
        victims = self.random.choice((["pomona-fcgi"], ["pomona-fcgi"], ["pomona-push"], ["pomona-fcgi", "pomona-push"]))
        for name in victims:
            self.server.parts.pop(name).kill()
            self.kills += 1
        for name in victims:
            self.look_at_log(name)
            self.server.start_fcgi() if name == "pomona-fcgi" else self.server.start_push()


def enroll_under_fire(fleet, killer):
    with ThreadPoolExecutor(1) as pool:
        enrolling = pool.submit(fleet.start)
        while not enrolling.done():
            killer.strike(fleet.count, enrolling.done)
        enrolling.result()


def pushes_survive_the_worker(fleet, killer):
    """All devices sleep, and the worker is dead when commands come: it has to push every one of them, killed or not."""
    server = fleet.server
    server.parts.pop("pomona-push").kill()
    known = len(server.pushes())
    fleet.queue(fleet.steady, "ProfileList")
    server.apns_answers({"token": "*", "delay_ms": 50})
    for _ in range(3):
        server.start_push()
        goal = len(server.pushes()) + killer.random.randrange(len(fleet.steady) // 4)
        wait_for(lambda: len(server.pushes()) >= goal or fleet.has_settled(), "pushes", every=0.001)  # noqa: B023
        server.parts.pop("pomona-push").kill()
        killer.kills += 1
    server.start_push()
    fleet.settle()
    rows = server.sql("SELECT id, lower(hex(push_token)) AS token FROM enrollment")
    taken = {push["token"] for push in server.pushes()[known:] if push["status"] == 200}
    assert {row["token"] for row in rows if row["id"] in fleet.steady} <= taken


@pytest.mark.parametrize(
    ("kills", "messages"),
    [pytest.param(KILLS, 0, id="short"), pytest.param(LONG_KILLS, LONG_MESSAGES, id="long", marks=pytest.mark.long)],
)
def test_sigkill_loses_nothing(fleet, kills, messages):
    """Under continuous load, from the first check-in on."""
    killer = Killer(fleet)
    enroll_under_fire(fleet, killer)
    with Feeder(fleet):
        while killer.kills < kills // 2 or fleet.journal_size() < messages * JOURNAL_LINE // 2:
            killer.strike(400)
        snapshot = Audit(fleet).results
        while killer.kills < kills or fleet.journal_size() < messages * JOURNAL_LINE:
            killer.strike(400)
    fleet.settle()
    pushes_survive_the_worker(fleet, killer)
    audit = Audit(fleet, snapshot)
    print(f"{killer.kills} kills, {audit.summary()}")
    assert len(audit.messages) >= messages
    audit.check()


# ---- a full disk ----


def fill(place):
    path = os.path.join(place, "filler")
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096):
            with pytest.raises(OSError):
                while True:
                    file.write(b"x" * size)
    return path


def does_not_spin(program):
    """Processor time, of which a loaded machine takes nothing away or adds."""
    cpu, began = program.cpu_seconds(), time.monotonic()
    wait_for(lambda: time.monotonic() - began > 3, "three seconds to pass", every=0.5)
    share = (program.cpu_seconds() - cpu) / (time.monotonic() - began)
    print(f"the worker takes {share:.1%} of a core while the disk is full")
    assert SANITIZER or share < 0.2


def full_for_a_while(fleet, device, place):
    """Nothing but 200 and 503 is answered, and the worker waits."""
    server = fleet.server
    told = server.push.output().count("the store cannot be written now")
    # A wish that becomes due while nothing can be written.
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    fleet.queue(fleet.steady, "ProfileList", not_before=quote(later))
    filler = fill(place)
    offset = fleet.journal_size()
    wait_for(lambda: fleet.statuses_since(offset)[503] > 20, "devices to be sent away", 60, every=0.05)
    wait_for(lambda: server.push.output().count("the store cannot be written now") > told, "the worker to notice", 60)
    reply = device.token_update(Padding=b"x" * 20_000)
    assert reply.status == 503 and int(reply.headers["Retry-After"]) > 0
    assert server.get("/healthz") == b"ok\n"
    does_not_spin(server.push)
    os.unlink(filler)
    assert set(fleet.statuses_since(offset)) <= {200, 503}
    wait_for(lambda: device.token_update().status == 200, "space to be noticed", 60)


@pytest.mark.parametrize("small_disk", ["128m"], indirect=True)
@pytest.mark.parametrize("times", [pytest.param(1, id="short"), pytest.param(10, id="long", marks=pytest.mark.long)])
def test_a_full_disk_loses_nothing(make_server, small_disk, times):
    """Under load; everything goes on by itself when there is space again."""
    print(f"POMONA_SEED={SEED}")
    server = make_server(push=True, lease=2, store=small_disk)
    try:
        fleet = Fleet(server, DEVICES, SEED)
        fleet.start()
        device = server.enrolled()
        push = server.push
        with Feeder(fleet, may_fail=("full", "disk I/O error")):
            for _ in range(times):
                size = fleet.journal_size() + 500 * JOURNAL_LINE
                wait_for(lambda: fleet.journal_size() > size, "the load to go on", 60)  # noqa: B023
                full_for_a_while(fleet, device, small_disk)
        device.close()
        assert server.push is push and push.alive()
        fleet.settle()
        audit = Audit(fleet)
        print(audit.summary())
        audit.check()
    finally:
        server.stop()


# ---- the write lock in somebody else's hands ----


def locked_for(seconds, server, reader, writer):
    """Reads go on and writers are sent away, all the time; gives how many were."""
    reads = writes = 0
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(writer.token_update)
        while time.monotonic() - began < seconds or writing is not None:
            assert reader.idle().status == 200
            assert server.get("/healthz") == b"ok\n"
            reads += 1
            if writing is not None and writing.done():
                reply = writing.result()
                assert reply.status == 503 and int(reply.headers["Retry-After"]) > 0
                writes += 1
                goes_on = time.monotonic() - began < seconds / 2
                writing = pool.submit(writer.token_update) if goes_on else None
    # Not one after the other: a writer waits for seconds before it is sent away, and nobody waits with it.
    assert reads > 2 * writes
    return f"{reads} reads and {writes} writers meanwhile"


@pytest.mark.parametrize("seconds", [pytest.param(8, id="short"), pytest.param(60, id="long", marks=pytest.mark.long)])
def test_a_store_locked_for_long_loses_nothing(fleet, seconds):
    """An operator's shell holds the write lock under load."""
    server = fleet.server
    fleet.start()
    reader, writer = server.enrolled(), server.enrolled()
    assert reader.idle().body == b""
    with Feeder(fleet, may_fail=("locked",)):
        goal = fleet.journal_size() + 500 * JOURNAL_LINE
        wait_for(lambda: fleet.journal_size() > goal, "the load to begin", 60)
        shell = Shell(server)
        shell.type(".timeout 20000\nBEGIN IMMEDIATE;")
        offset = fleet.journal_size()
        meanwhile = locked_for(seconds, server, reader, writer)
        statuses = fleet.statuses_since(offset)
        shell.type("ROLLBACK;")
        shell.leave()
        assert set(statuses) <= {200, 503}, statuses
        wait_for(lambda: writer.token_update().status == 200, "the lock to be free")
        goal = fleet.journal_size() + 500 * JOURNAL_LINE
        wait_for(lambda: fleet.journal_size() > goal, "the load to go on", 60)
    for device in (reader, writer):
        device.close()
    fleet.settle()
    audit = Audit(fleet)
    print(f"{meanwhile}; {audit.summary()}")
    audit.check()
