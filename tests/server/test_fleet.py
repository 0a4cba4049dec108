"""A fleet of simulated devices through nginx with mutual TLS: none lost, none twice, in little memory."""

import json
import os

import pytest

from harness import wait_for
from harness.process import SANITIZER

pytestmark = pytest.mark.nginx

# With EC keys, which are made at once: 2,000 RSA keys take minutes.
DEVICES = 100 if SANITIZER else 2000
MEMORY_KIB = 40 * 1024


def start_fleet(server, devices, identities, journal):
    """The stand-in and the devices, in one process; the devices enroll at once."""
    server.parts.pop("apns").stop()
    return server.start_apns(
        "--devices", str(devices), "--url", server.url, "--tls-ca", server.tls_ca, "--identities", identities,
        "--topic", server.topic, "--journal", journal, "--exit-when-answered", "1", "--timeout", "280", "--stats",
    )  # fmt: skip


def read_journal(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def test_a_fleet_enrolls_and_answers(make_server):
    server = make_server(push=True)
    try:
        identities, journal = server.path("fleet"), server.path("journal.jsonl")
        server.pomona("identity", "issue", "fleet", "--count", str(DEVICES), "--key", "ec", "--out", identities)
        assert len([name for name in os.listdir(identities) if name.endswith(".pem")]) == DEVICES
        sim = start_fleet(server, DEVICES, identities, journal)
        assert server.value("SELECT count(*) AS n FROM device WHERE state = 'enrolled'") == DEVICES

        server.sqlite("INSERT INTO queue(device, request) SELECT id, 'DeviceInformation' FROM device;")
        assert sim.wait(280) == 0, sim.output()[-2000:]

        assert server.value("SELECT count(*) AS n FROM queue") == 0
        assert server.value("SELECT count(*) AS n FROM result WHERE status = 'Acknowledged'") == DEVICES
        assert server.value("SELECT count(DISTINCT device) AS n FROM result") == DEVICES
        assert server.value("SELECT count(DISTINCT uuid) AS n FROM result") == 1
        # None twice: each device was given its command once and answered it once.
        answers = [line for line in read_journal(journal) if line.get("message") == "Acknowledged"]
        assert len(answers) == DEVICES
        assert {line["http_status"] for line in answers} == {200}
        assert server.fcgi.output().count(" status=5") == 0
        if not SANITIZER:
            peak = server.fcgi.peak_kib()
            print(f"the responder took {peak / 1024:.1f} MiB at most")
            assert peak < MEMORY_KIB
        server.parts.pop("apns")
    finally:
        server.stop()


@pytest.mark.parametrize("trouble", ["NotNow", "Error", "CommandFormatError", "repeat", "drop"])
def test_devices_that_behave_otherwise(make_server, trouble):
    """As told by a rules file; whatever they do, every command comes to its end, once."""
    server = make_server(push=True, retry=1)
    try:
        identities, rules = server.path("fleet"), server.path("device-rules.json")
        with open(rules, "w") as file:
            json.dump([{"request": "ProfileList", "answer": trouble, "times": 10}], file)
        server.pomona("identity", "issue", "fleet", "--count", "10", "--out", identities)
        server.parts.pop("apns").stop()
        server.start_apns(
            "--devices", "10", "--url", server.url, "--tls-ca", server.tls_ca, "--identities", identities,
            "--topic", server.topic, "--device-rules", rules, "--not-now-retry", "0.2",
        )  # fmt: skip
        server.sql("INSERT INTO queue(device, request) SELECT id, 'ProfileList' FROM device")
        server.sql("INSERT INTO queue(device, request) SELECT id, 'SecurityInfo' FROM device")
        wait_for(lambda: server.value("SELECT count(*) AS n FROM queue") == 0, "all commands to end", 90)
        ends = {row["state"]: row["n"] for row in server.sql("SELECT state, count(*) AS n FROM command GROUP BY state")}
        wanted = {"Error": {"acknowledged": 10, "error": 10}, "CommandFormatError": {"acknowledged": 10, "format_error": 10}}
        assert ends == wanted.get(trouble, {"acknowledged": 20})
        assert server.value("SELECT count(*) AS n FROM result") == 20
        if trouble == "NotNow":
            assert server.value("SELECT sum(not_now_count) AS n FROM command") == 10
    finally:
        server.stop()
