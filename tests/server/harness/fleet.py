"""A fleet of pomona-sim's devices under load: who feeds it, what the devices say of it, and whether the store agrees."""

import json
import os
import random
import threading
from collections import Counter, defaultdict
from datetime import datetime

from .process import wait_for
from .server import SqlError, quote

# Every persona answers these with Acknowledged; to CERTIFICATES the rule below makes it answer twice.
REPEATED = "CertificateList"
REQUESTS = ("ProfileList", "DeviceInformation", "SecurityInfo", REPEATED)
ERASED_SHARE = 10  # one device in so many is given nothing but EraseDevice, and enrolls anew each time
OPEN_MOST = 12  # commands a device has waiting, on the average


def milliseconds(iso):
    return round(datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp() * 1000)


class Fleet:
    """The stand-in and N devices in one process, in the place of the server's stand-in."""

    def __init__(self, server, devices, seed):
        self.server = server
        self.count = devices
        self.random = random.Random(seed)
        self.journal_path = server.path("journal.jsonl")
        self.identities = server.path("fleet")
        self.ids = []
        self.queued = Counter()  # (device, request): how often
        server.pomona("identity", "issue", "fleet", "--count", str(devices), "--key", "ec", "--out", self.identities)

    def start(self):
        """Until all have enrolled, whatever happens meanwhile."""
        rules = self.server.path("device-rules.json")
        with open(rules, "w") as file:
            json.dump([{"request": REPEATED, "answer": "repeat"}], file)
        self.server.parts.pop("apns").stop()
        self.server.start_apns(
            "--devices", str(self.count), "--url", self.server.url, "--tls-ca", self.server.tls_ca, "--identities",
            self.identities, "--topic", self.server.topic, "--journal", self.journal_path, "--device-rules", rules,
            "--retry-cap", "0.2", "--answer-timeout", "20", "--reenroll-after-erase", "--apns-max-streams", "4",
        )  # fmt: skip
        self.ids = sorted({line["device"] for line in self.journal()})
        assert len(self.ids) == self.count

    @property
    def erased(self):
        return self.ids[::ERASED_SHARE]

    @property
    def steady(self):
        return [device for device in self.ids if device not in set(self.erased)]

    # ---- the journal ----

    def journal(self):
        """Its whole lines."""
        if not os.path.exists(self.journal_path):
            return []
        with open(self.journal_path) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def journal_size(self):
        return os.path.getsize(self.journal_path) if os.path.exists(self.journal_path) else 0

    def statuses_since(self, offset):
        """How often each HTTP status came, behind this end of a line in the journal."""
        found = Counter()
        with open(self.journal_path, "rb") as file:
            file.seek(offset)
            for line in file.read().rpartition(b"\n")[0].splitlines():
                entry = json.loads(line)
                if "message" in entry:
                    found[entry["http_status"]] += 1
        return found

    def messages(self):
        return [line for line in self.journal() if "message" in line]

    # ---- the load ----

    def queue(self, devices, request, **columns):
        """One statement of an operator (the columns are SQL); gives how many commands are open then."""
        names = "".join(f", {name}" for name in columns)
        values = "".join(f", {value}" for value in columns.values())
        ids = ", ".join(quote(device) for device in devices)
        rows = self.server.sql(
            f"INSERT INTO queue(device, request{names}) SELECT id, {quote(request)}{values} FROM device WHERE id IN ({ids});"
            "SELECT count(*) AS n FROM delivery WHERE ended_at IS NULL;"
        )
        self.queued.update((device, request) for device in devices)
        return rows[0]["n"]

    def queue_some(self):
        batch = self.random.sample(self.steady, self.random.randint(1, len(self.steady)))
        return self.queue(batch, self.random.choice(REQUESTS))

    def queue_erase(self):
        busy = {row["device"] for row in self.server.sql("SELECT DISTINCT device FROM queue WHERE request = 'EraseDevice'")}
        free = [device for device in self.erased if device not in busy]
        if free:
            self.queue(free, "EraseDevice", args="json_object('confirm', id)")

    def rest(self):
        """What is not at its end: commands, wishes for a push, devices that are enrolling; a few of each."""
        return [
            self.server.sql(statement + " LIMIT 3")
            for statement in (
                "SELECT d.*, q.*, p.request FROM delivery d JOIN payload p ON p.no = d.payload_no"
                " LEFT JOIN push q USING (enrollment_no) WHERE d.ended_at IS NULL",
                "SELECT * FROM push WHERE under_way = 1 OR due_at IS NOT NULL OR served < wanted",
                "SELECT * FROM device WHERE state <> 'enrolled'",
            )
        ]

    def has_settled(self):
        return not any(self.rest())

    def settle(self):
        """Every command has come to its end, every wish for a push is answered, and all devices are enrolled."""
        try:
            wait_for(self.has_settled, "all to settle", 90, every=0.1)
        except AssertionError:
            raise AssertionError(f"it does not settle: {self.rest()}") from None


class Feeder:
    """Queues commands in many small batches, in a thread, as long as not too many wait; `with` starts and ends it."""

    def __init__(self, fleet, may_fail=()):
        self.fleet = fleet
        self.may_fail = may_fail  # words in what the shell may say
        self.failed = 0
        self.error = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _feed(self):
        waiting = self.fleet.queue_some()
        if self.fleet.random.random() < 0.2:
            self.fleet.queue_erase()
        if waiting > OPEN_MOST * self.fleet.count:
            self.stopping.wait(0.02)

    def _run(self):
        while not self.stopping.is_set():
            try:
                self._feed()
            except SqlError as error:
                if not any(word in str(error) for word in self.may_fail):
                    self.error = error
                    return
                self.failed += 1
                self.stopping.wait(0.1)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        assert self.error is None, f"an operator could not queue: {self.error}"


# ---- the store against the journal ----


class Audit:
    """What the devices were told, compared with what is stored.  Look at it when all has settled."""

    def __init__(self, fleet, snapshot=None):
        self.fleet = fleet
        self.server = fleet.server
        self.messages = fleet.messages()
        self.accepted = [message for message in self.messages if message["http_status"] == 200]
        self.answers = defaultdict(list)  # (device, uuid): the answers that got their 200, in order
        for message in self.accepted:
            if message["command_uuid"]:
                self.answers[message["device"], message["command_uuid"]].append(message)
        self.results = {(row["device"], row["uuid"]): row for row in self.server.sql("SELECT * FROM result")}
        self.snapshot = snapshot or {}

    def counts(self):
        """How much of what was sent is not as it should be; check() says what."""
        missing = [key for key in self.answers if key not in self.results]
        commands = self.server.sql("SELECT device, request FROM command")
        vanished = self.fleet.queued - Counter((row["device"], row["request"]) for row in commands)
        twice = [key for key, answers in self.answers.items() if len(answers) > (2 if answers[0]["request_type"] == REPEATED else 1)]
        wrong = [
            key for key, row in self.results.items()
            if {(answer["message"], answer["request_type"]) for answer in self.answers.get(key, ())} != {(row["status"], row["request"])}
        ]  # fmt: skip
        changed = [key for key, row in self.snapshot.items() if self.results.get(key) != row]
        whole = self.server.value("PRAGMA integrity_check") == "ok"
        return {
            "messages": len(self.messages),
            "lost": len(missing) + sum(vanished.values()),
            "duplicated": len(twice),
            "corrupted": len(wrong) + len(changed) + (not whole),
        }

    def write_counts(self):
        """For the benchmark: a line of JSON, if it wants one."""
        path = os.environ.get("POMONA_TORTURE_COUNTS")
        if path:
            with open(path, "a") as file:
                file.write(json.dumps(self.counts()) + "\n")

    def check(self):
        self.write_counts()
        assert self.server.value("PRAGMA integrity_check") == "ok"
        statuses = {message["http_status"] for message in self.messages}
        assert statuses <= {200, 503, None}, statuses
        self.check_answers()
        self.check_commands()
        self.check_repeats()
        self.check_check_ins()
        self.check_pushes()

    def check_answers(self):
        """What was answered 200 is there, and nothing that no device has sent."""
        lost = [key for key in self.answers if key not in self.results]
        assert not lost, f"{len(lost)} of {len(self.answers)} answers are lost: {lost[:3]}"
        invented = [key for key in self.results if key not in self.answers]
        assert not invented, f"{len(invented)} results of nobody: {invented[:3]}"
        assert self.answers, "nothing was answered"
        for key, answers in self.answers.items():
            row = self.results[key]
            assert {answer["message"] for answer in answers} == {row["status"]}, key
            assert {answer["request_type"] for answer in answers} == {row["request"]}, key

    def check_commands(self):
        """Every command that an operator has queued ended acknowledged; those before an erasure may be cleared by it."""
        commands = self.server.sql("SELECT device, request, uuid, state FROM command")
        assert Counter((row["device"], row["request"]) for row in commands) == self.fleet.queued
        for row in commands:
            key = row["device"], row["uuid"]
            cleared = row["state"] == "cleared" and row["device"] in self.fleet.erased
            assert row["state"] == "acknowledged" or cleared, row
            assert (key in self.results) == (not cleared), row

    def check_repeats(self):
        """No device was made to answer a command twice, and what it repeated by itself changed nothing."""
        for key, answers in self.answers.items():
            wanted = 2 if answers[0]["request_type"] == REPEATED else 1
            assert len(answers) == wanted, f"{key} was answered {len(answers)} times"
            assert milliseconds(self.results[key]["received_at"]) <= milliseconds(answers[0]["time"]), key
        changed = [key for key, row in self.snapshot.items() if self.results.get(key) != row]
        assert not changed, f"{len(changed)} stored results were changed: {changed[:3]}"

    def check_check_ins(self):
        """Every check-in that was answered 200 is an event; a repeat after a lost reply may be one more."""
        told = Counter((message["device"], message["message"]) for message in self.accepted)
        rows = self.server.sql("SELECT device, kind, count(*) AS n FROM event GROUP BY device, kind")
        stored = {(row["device"], row["kind"]): row["n"] for row in rows}
        for kind, name in (("authenticate", "Authenticate"), ("token_update", "TokenUpdate")):
            for device in self.fleet.ids:
                assert told[device, name] > 0
                assert stored.get((device, kind), 0) >= told[device, name], (device, kind)

    def check_pushes(self):
        """Every device that was queued for was pushed: it does not come by itself."""
        taken = Counter(push["token"] for push in self.server.pushes() if push["status"] == 200)
        rows = self.server.sql("SELECT id, lower(hex(push_token)) AS token FROM enrollment")
        tokens = {row["id"]: row["token"] for row in rows}
        missed = [device for device, _ in self.fleet.queued if taken[tokens[device]] == 0]
        assert not missed, missed

    def summary(self):
        kinds = Counter(message["message"] for message in self.messages)
        repeats = sum(1 for message in self.messages if message["attempt"] > 1)
        return (
            f"{len(self.messages)} messages ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}), "
            f"{repeats} sent again, {sum(self.fleet.queued.values())} commands, {len(self.server.pushes())} pushes"
        )
