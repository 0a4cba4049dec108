"""The whole way of a device that has nothing: the link, the page, the profile, SCEP, Authenticate, TokenUpdate, a command; and
the renewal of its identity.  The device is pomona-sim."""

import http.server
import itertools
import json
import os
import plistlib
import ssl
import subprocess
import threading

import pytest

from harness.front import program_of
from harness.pki import openssl
from harness.process import SANITIZER, program_path
from harness.scep import start_plain_site

WAY = ["EnrollPage", "EnrollProfile", "GetCACaps", "GetCACert", "PKIOperation", "Authenticate", "TokenUpdate"]
RENEWAL = ["GetCACaps", "GetCACert", "PKIOperation"]

TIME_MOST = "100" if SANITIZER else "60"  # seconds of a run

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(make_server, pki):
    """Its profiles are signed with the certificate of the web server."""
    own = make_server(enroll=signed_by(pki.tls, pki))
    yield own
    own.stop()


@pytest.fixture
def fleet(server):
    return Fleet(server)


class Fleet:
    """Devices of one folder, from one run of pomona-sim to the next."""

    def __init__(self, server):
        self.server = server
        self.name = f"flow{next(numbers)}"
        self.folder = server.path(self.name)
        self.journal_file = server.path(self.name + ".jsonl")
        self.read = 0

    def run(self, *options, status=0):
        """One run to its end; gives the counts."""
        done = self.server.run(
            [program_path("pomona-sim"), "--tls-ca", self.server.tls_ca, "--identities", self.folder, "--journal",
             self.journal_file, "--timeout", TIME_MOST, "--retry-cap", "1", "--stats", *options], check=False,
        )  # fmt: skip
        self.log = done.stderr.decode()
        assert done.returncode == status, self.log
        return json.loads(done.stdout)

    def enroll(self, *links, status=0, options=()):
        urls = itertools.chain.from_iterable(("--enroll", link) for link in links)
        return self.run(*urls, "--enroll-name", self.name, *options, status=status)

    def go_on(self, *options, devices=1, status=0):
        """As the devices they have become."""
        return self.run(
            "--devices", str(devices), "--enrolled", "--url", self.server.url, "--topic", self.server.topic,
            *options, status=status,
        )  # fmt: skip

    def journal(self):
        """What is new in it."""
        with open(self.journal_file) as file:
            lines = [json.loads(line) for line in file]
        fresh, self.read = lines[self.read :], len(lines)
        return fresh

    def steps(self):
        """What was answered; the web server puts off who comes to the page with many others."""
        return [line["message"] for line in self.journal() if "message" in line and line["http_status"] not in (429, 503)]

    def file(self, suffix, number=1):
        return os.path.join(self.folder, f"{self.name}-{number:06}.{suffix}")

    def fingerprint(self, number=1):
        out = openssl("x509", "-in", self.file("pem", number), "-noout", "-fingerprint", "-sha256")
        return out.decode().split("=")[1].strip().replace(":", "").lower()


def link(server, *options):
    return server.pomona("enroll", "link", *options).strip()


def pin_of(server, device):
    return server.value(f"SELECT certificate AS pin FROM enrollment WHERE id = '{device}'")


def only_new_device(server, before):
    (device,) = {row["id"] for row in server.sql("SELECT id FROM device")} - before
    return device


@pytest.fixture
def enrolled(server, fleet):
    """A device that has enrolled by a link."""
    before = {row["id"] for row in server.sql("SELECT id FROM device")}
    fleet.link = link(server)
    fleet.enroll(fleet.link)
    fleet.device = only_new_device(server, before)
    return fleet


# ---- the way ----


@pytest.mark.core
def test_from_the_link_to_a_command(server, enrolled):
    assert enrolled.steps() == WAY
    row = server.row(f"SELECT state, topic FROM device WHERE id = '{enrolled.device}'")
    assert row == {"state": "enrolled", "topic": server.topic}
    assert pin_of(server, enrolled.device) == enrolled.fingerprint()
    subject = openssl("verify", "-CAfile", server.device_ca, enrolled.file("pem"))
    assert subject.strip().endswith(b": OK")
    server.sql(f"INSERT INTO queue(device, request) VALUES ('{enrolled.device}', 'DeviceInformation')")
    counts = enrolled.go_on("--poll", "1")
    assert (counts["answered"], counts["acknowledged"]) == (1, 1)
    result = server.row(f"SELECT request, status, response FROM result WHERE device = '{enrolled.device}'")
    assert (result["request"], result["status"]) == ("DeviceInformation", "Acknowledged")
    assert json.loads(result["response"])["QueryResponses"]["UDID"] == enrolled.device


def test_in_one_run_with_pushes(make_server, pki):
    """The stand-in wakes a device that has enrolled meanwhile, beside one that had its identity already."""
    server = make_server(push=True, enroll=signed_by(pki.tls, pki))
    try:
        identities = server.path("fleet")
        server.pomona("identity", "issue", "ready", "--key", "ec", "--out", identities)
        server.parts.pop("apns").stop()
        sim = server.start_apns(
            "--devices", "1", "--url", server.url, "--topic", server.topic, "--tls-ca", server.tls_ca,
            "--identities", identities, "--enroll", link(server), "--exit-when-answered", "1", "--timeout", "100",
        )  # fmt: skip
        assert server.value("SELECT count(*) AS n FROM device WHERE state = 'enrolled'") == 2
        server.sql("INSERT INTO queue(device, request) SELECT id, 'SecurityInfo' FROM device")
        assert sim.wait(100) == 0, sim.output()[-2000:]
        assert server.value("SELECT count(*) AS n FROM result WHERE status = 'Acknowledged'") == 2
        server.parts.pop("apns")
    finally:
        server.stop()


@pytest.mark.core
def test_a_used_link_is_refused(server, enrolled):
    enrolled.journal()
    devices = server.everything("enrollment")
    late = Fleet(server)
    counts = late.enroll(enrolled.link, status=1)
    assert counts["refused"] == 1
    assert "status 410" in late.log
    assert late.steps() == ["EnrollPage"]
    assert not os.path.exists(late.folder)
    assert server.everything("enrollment") == devices


def test_links_for_many(server, fleet):
    """Two links for one device each, and one for three, which have the same address."""
    counts = fleet.enroll(link(server), link(server))
    assert counts["enrolled"] == 2
    fleet.name += "-more"
    assert fleet.enroll(link(server, "--uses", "3"), options=("--enroll-devices", "3"))["enrolled"] == 3
    assert len({fleet.fingerprint(number) for number in (1, 2, 3)}) == 3
    steps = fleet.steps()
    assert [steps.count(step) for step in WAY] == [5] * len(WAY)


def test_an_open_page(server, fleet):
    page = server.url + "/enroll"
    fleet.enroll(page, status=1)
    assert "status 403" in fleet.log
    server.pomona("setting", "set", "enroll_open", "open")
    try:
        assert fleet.enroll(page, options=("--enroll-devices", "4"))["enrolled"] == 4
    finally:
        server.pomona("setting", "set", "enroll_open", "links")


# ---- renewal ----


@pytest.mark.core
def test_a_renewal_moves_the_pin_and_clears_nothing(server, enrolled):
    enrolled.journal()
    where = f"WHERE id = '{enrolled.device}'"
    columns = "SELECT state, enrolled_at, topic FROM device " + where
    old, before = enrolled.fingerprint(), server.row(columns)
    profile = open(enrolled.file("mobileconfig"), "rb").read()
    server.sql(f"INSERT INTO queue(device, request) VALUES ('{enrolled.device}', 'ProfileList')")
    uuid = server.value(f"SELECT uuid FROM queue WHERE device = '{enrolled.device}'")

    counts = enrolled.go_on("--renew", "--poll", "1")

    assert counts["renewed"] == 1 and counts["acknowledged"] == 1
    assert enrolled.steps() == [*RENEWAL, "Idle", "Acknowledged"]
    new = enrolled.fingerprint()
    assert new != old and pin_of(server, enrolled.device) == new
    assert server.row(columns) == before
    assert server.value(f"SELECT state FROM command WHERE uuid = '{uuid}'") == "acknowledged"
    assert open(enrolled.file("mobileconfig"), "rb").read() == profile
    kinds = [row["kind"] for row in server.sql(f"SELECT kind FROM event WHERE device = '{enrolled.device}'")]
    assert kinds.count("authenticate") == 1 and kinds.count("token_update") == 1


def test_the_old_identity_after_a_renewal(server, enrolled):
    """It is refused, and renews nothing either."""
    kept = {suffix: open(enrolled.file(suffix), "rb").read() for suffix in ("pem", "key")}
    enrolled.go_on("--renew", "--poll", "1")
    pin = pin_of(server, enrolled.device)
    for suffix, content in kept.items():
        with open(enrolled.file(suffix), "wb") as file:
            file.write(content)
    enrolled.journal()
    assert enrolled.go_on("--poll", "1", status=1)["refused"] == 1
    assert enrolled.steps() == ["Idle"]
    assert enrolled.go_on("--renew", status=1)["renewed"] == 0
    assert enrolled.steps() == RENEWAL
    assert "failInfo" in enrolled.log
    assert pin_of(server, enrolled.device) == pin


def test_enrolled_and_renewed_in_one_run(server, fleet):
    counts = fleet.enroll(link(server), options=("--renew", "--poll", "1"))
    assert (counts["enrolled"], counts["renewed"]) == (1, 1)
    assert fleet.steps() == [*WAY, *RENEWAL, "Idle"]
    pinned = f"SELECT count(*) AS n FROM enrollment WHERE certificate = '{fleet.fingerprint()}'"
    assert server.value(pinned) == 1


# ---- what a device refuses ----


def signed_by(identity, pki):
    os.chmod(identity.key, 0o644)  # a CGI program is not root
    return {"sign_certificate": identity.certificate, "sign_key": identity.key, "trust": pki.tls_ca.certificate}


@pytest.mark.parametrize("trouble", ["a stranger's", "none"])
def test_a_signature_that_is_not_right(make_server, pki, trouble):
    stranger = signed_by(pki.issue(pki.make_ca("stranger-ca"), "stranger", "/CN=localhost"), pki) if trouble != "none" else {}
    server = make_server(enroll=stranger)
    try:
        fleet = Fleet(server)
        page = link(server)
        fleet.enroll(page, status=1)
        assert fleet.steps() == ["EnrollPage", "EnrollProfile"]
        assert ("not signed" if trouble == "none" else "signature") in fleet.log
        assert server.sql("SELECT * FROM device") == []
        if trouble == "none":
            assert fleet.enroll(link(server), options=["--enroll-unsigned"])["enrolled"] == 1
    finally:
        server.stop()


class Site(http.server.BaseHTTPRequestHandler):
    """A page that is not Pomona's."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(*self.server.page)

    def do_POST(self):
        self.answer(*self.server.profile)

    def answer(self, content_type, body, status=200):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(pki):
    own = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.tls.certificate, pki.tls.key)
    own.socket = context.wrap_socket(own.socket, server_side=True)
    own.url = f"https://127.0.0.1:{own.server_address[1]}"
    thread = threading.Thread(target=own.serve_forever)
    thread.start()
    yield own
    own.shutdown()
    thread.join()
    own.server_close()


PAGE = ("text/html; charset=utf-8", b"<form method=post action=/x.mobileconfig><button>Go</button></form>")


def signed(pki, profile):
    body = openssl(
        "cms", "-sign", "-signer", pki.tls.certificate, "-inkey", pki.tls.key, "-outform", "DER", "-nodetach", "-binary",
        input=plistlib.dumps(profile),
    )  # fmt: skip
    return "application/x-apple-aspen-config", body


def payload(profile, kind):
    (found,) = [item for item in profile["PayloadContent"] if item["PayloadType"] == kind]
    return found


def other_ca(profile):
    payload(profile, "com.apple.security.scep")["PayloadContent"]["CAFingerprint"] = bytes(20)


def wrong_challenge(profile):
    payload(profile, "com.apple.security.scep")["PayloadContent"]["Challenge"] = "0" * 32


def plain_server(profile):
    payload(profile, "com.apple.mdm")["ServerURL"] = "http://127.0.0.1/mdm"


def far_server(profile):
    payload(profile, "com.apple.mdm")["ServerURL"] = "https://192.0.2.1/mdm"


def no_mdm(profile):
    profile["PayloadContent"].remove(payload(profile, "com.apple.mdm"))


@pytest.mark.parametrize(
    "change, words, last",
    [
        (other_ca, "CAFingerprint", "GetCACert"),
        (wrong_challenge, "failInfo", "PKIOperation"),
        (plain_server, "not https", "EnrollProfile"),
        (far_server, "this machine only", "EnrollProfile"),
        (no_mdm, "com.apple.mdm", "EnrollProfile"),
    ],
)
def test_a_profile_that_is_not_right(server, site, pki, fleet, change, words, last):
    profile = plistlib.loads(server.pomona("profile", "enroll", "--unsigned").encode())
    devices = server.everything("enrollment")
    change(profile)
    site.page, site.profile = PAGE, signed(pki, profile)
    fleet.enroll(site.url + "/page", status=1)
    assert words in fleet.log
    assert fleet.steps()[-1] == last
    assert not os.path.exists(fleet.folder)
    assert server.everything("enrollment") == devices


@pytest.mark.parametrize(
    "page, profile, words",
    [
        (("text/plain", b"<a href=x.mobileconfig>x</a>"), PAGE, "text/plain"),
        (("text/html", b"<p>Nothing here."), PAGE, ".mobileconfig"),
        (("text/html", b"<a href=http://127.0.0.1/x.mobileconfig>x</a>"), PAGE, "not https"),
        (PAGE, PAGE, "application/x-apple-aspen-config"),
        (PAGE, ("application/x-apple-aspen-config", b"0"), "signature"),
        (PAGE, ("text/html", b"no", 404), "status 404"),
    ],
)
def test_a_page_that_is_not_right(site, fleet, page, profile, words):
    site.page, site.profile = page, profile
    fleet.enroll(site.url + "/page", status=1)
    assert words in fleet.log


def test_a_profile_that_brings_its_identity(server, site, pki, fleet):
    """PKCS#12 in place of SCEP."""
    made = server.run(
        [program_path("pomona"), "profile", "enroll", "--unsigned", "--p12", "brought"], stdin=subprocess.DEVNULL
    ).stdout
    site.page, site.profile = PAGE, signed(pki, plistlib.loads(made))
    assert fleet.enroll(site.url + "/page")["enrolled"] == 1
    assert fleet.steps() == ["EnrollPage", "EnrollProfile", "Authenticate", "TokenUpdate"]
    assert fleet.go_on("--renew", status=1)["renewed"] == 0
    assert "did not come by SCEP" in fleet.log


# ---- as settings have it ----


def test_scep_over_plain_http(server, fleet):
    """As is usual: its messages protect themselves.  Everything else stays in TLS."""
    server.pomona("setting", "set", "scep_url", start_plain_site(server))
    try:
        assert fleet.enroll(link(server), options=("--renew",))["renewed"] == 1
    finally:
        server.pomona("setting", "set", "scep_url", server.url + "/scep")
    assert fleet.steps() == [*WAY, *RENEWAL]
    profile = openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", fleet.file("mobileconfig"))
    assert payload(plistlib.loads(profile), "com.apple.security.scep")["PayloadContent"]["URL"].startswith("http://")


def test_an_authority_with_an_ec_key(make_server, pki):
    """Its registration authority has the RSA key that SCEP needs; the profile pins the CA."""
    server = make_server(enroll=signed_by(pki.tls, pki), init=("--ca-key", "ec"))
    try:
        fleet = Fleet(server)
        assert fleet.enroll(link(server), options=("--renew", "--poll", "1"))["renewed"] == 1
        assert fleet.steps() == [*WAY, *RENEWAL, "Idle"]
    finally:
        server.stop()


def test_messages_that_are_signed(make_server, pki):
    """Setting enroll_sign_message: the device is known by its signature where TLS asks for no certificate."""
    server = make_server(enroll=signed_by(pki.tls, pki))
    try:
        server.pomona("setting", "set", "enroll_sign_message", "on")
        ask, ask_not = {
            "nginx": ("ssl_verify_client      optional", "ssl_verify_client      off"),
            "apache": ("SSLVerifyClient      optional", "SSLVerifyClient      none"),
        }[program_of(server.front)]
        server.restart_front({ask: ask_not})
        fleet = Fleet(server)
        assert fleet.enroll(link(server), options=("--poll", "1"))["enrolled"] == 1
        assert fleet.steps() == [*WAY, "Idle"]
        # Without it he is nobody.
        assert fleet.go_on("--poll", "1", status=1)["refused"] == 1
    finally:
        server.stop()
