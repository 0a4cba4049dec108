"""DeclarativeManagement and GetToken by HTTP back-ends, through pomona-push; ReturnToService."""

import base64
import json
import plistlib
import threading
import time

import pytest

from harness import free_port, wait_for
from harness.backend import Answer, Backend
from harness.device import CHECKIN, new_uuid
from harness.pki import Identity, openssl
from harness.server import quote

pytestmark = pytest.mark.nginx

THREADS = 24  # half of which may wait for a back-end
BODY_MOST = 4 * 1024 * 1024
TOKENS = {"SyncTokens": {"Timestamp": "2026-11-24T08:15:30Z", "DeclarationsToken": "1"}}
DECLARATIONS = {
    "activations": [{"identifier": "a.one", "active": True, "valid": "valid", "server-token": "t1"}],
    "configurations": [
        {"identifier": "c.one", "active": False, "valid": "invalid", "server-token": "t2", "reasons": [{"code": "Error.X"}]}
    ],
    "assets": [],
    "management": [],
}


@pytest.fixture(scope="module")
def served(make_server, pki):
    server = make_server(push=True, threads=THREADS, relay={"timeout": 25, "ca": pki.tls_ca.certificate})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def device(served):
    enrolled = served.enrolled()
    yield enrolled
    enrolled.close()


@pytest.fixture
def backend(served):
    started = Backend()
    served.pomona("setting", "set", "ddm_url", started.url + "/dm")
    yield started
    started.close()
    served.pomona("setting", "unset", "ddm_url")


def ddm(channel, endpoint, data=None):
    return channel.check_in("DeclarativeManagement", Endpoint=endpoint, Data=data)


def has_to_come_again(reply):
    return reply.status == 503 and int(reply.headers["Retry-After"]) > 0


def events(server, kind):
    return server.sql(f"SELECT device, detail FROM event WHERE kind = {quote(kind)} ORDER BY id")


# ---- declarative management ----


@pytest.mark.parametrize(
    "endpoint, path",
    [
        ("tokens", "tokens"),
        ("declaration-items", "declaration-items"),
        ("declaration/configuration/com.example.a-1", "declaration/configuration/com.example.a-1"),
        ("declaration/asset/Ä b", "declaration/asset/%C3%84%20b"),
        ("declaration/activation/a%20b", "declaration/activation/a%20b"),
    ],
)
def test_a_request_goes_to_the_back_end_and_its_answer_to_the_device(backend, device, endpoint, path):
    backend.answer = Answer(body=json.dumps(TOKENS).encode(), headers={"Content-Type": "application/json"})
    reply = ddm(device, endpoint)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(reply.body) == TOKENS
    (asked,) = backend.take()
    assert (asked.method, asked.path, asked.body) == ("GET", "/dm/" + path, b"")
    assert asked.headers["X-Enrollment-ID"] == device.id
    assert asked.headers["X-Enrollment-Type"] == "Device"
    assert "X-Enrollment-ParentID" not in asked.headers
    assert "Content-Type" not in asked.headers


def test_whose_request_it_is(served, backend, device):
    byod = served.enrolled(user_enrollment=True)
    channels = {
        "User": device.mac_user(),
        "Shared iPad": device.shared_ipad_user("anna@example.com"),
        "User Enrollment (Device)": byod,
        "User Enrollment": byod.enrollment_user(),
    }
    for kind, channel in channels.items():
        if channel is not byod:
            assert channel.token_update().status == 200
        assert ddm(channel, "tokens").status == 200
        (asked,) = backend.take()
        parent = None if channel is byod else channel.device.id
        assert (asked.headers["X-Enrollment-ID"], asked.headers["X-Enrollment-Type"]) == (channel.id, kind)
        assert asked.headers.get("X-Enrollment-ParentID") == parent
    byod.close()


def test_a_url_may_end_in_a_slash(served, backend, device):
    served.pomona("setting", "set", "ddm_url", backend.url + "/")
    assert ddm(device, "tokens").status == 200
    assert backend.take()[0].path == "/tokens"


def test_a_status_report_goes_there_and_is_kept(served, backend, device):
    backend.answer = Answer(status=204, body=b"")
    full = {"StatusItems": {"management": {"declarations": DECLARATIONS}}, "Errors": [], "FullReport": True}
    for report in (full, {"StatusItems": {"device": {"model": {"family": "Mac"}}}, "Errors": []}):
        data = json.dumps(report).encode()
        reply = ddm(device, "status", data)
        assert (reply.status, reply.body) == (200, b"")
        (asked,) = backend.take()
        assert (asked.method, asked.path, asked.body) == ("PUT", "/dm/status", data)
        assert asked.headers["Content-Type"] == "application/json"
        row = served.row(f"SELECT * FROM declaration_status WHERE device = {quote(device.id)}")
        assert json.loads(row["report"]) == report
    rows = served.sql(f"SELECT * FROM declaration WHERE device = {quote(device.id)} ORDER BY identifier")
    assert [(row["kind"], row["identifier"], row["active"], row["valid"], row["server_token"]) for row in rows] == [
        ("activation", "a.one", 1, "valid", "t1"),
        ("configuration", "c.one", 0, "invalid", "t2"),
    ]
    assert json.loads(rows[1]["reasons"]) == [{"code": "Error.X"}]


def test_a_report_that_cannot_be_kept_goes_there_all_the_same(served, backend):
    device = served.enrolled()
    for data in (b"{", b'{"a":null}', b"[1]", b"\xff"):
        assert ddm(device, "status", data).status == 200
        assert backend.take()[0].body == data
    assert served.sql(f"SELECT * FROM declaration_status WHERE device = {quote(device.id)}") == []
    device.close()


def test_an_enrollment_that_ends_takes_its_status_with_it(served, backend):
    device = served.enrolled()
    assert ddm(device, "status", b"{}").status == 200
    assert served.sql(f"SELECT * FROM declaration_status WHERE device = {quote(device.id)}")
    device.enroll()
    assert served.sql(f"SELECT * FROM declaration_status WHERE device = {quote(device.id)}") == []
    device.close()


@pytest.mark.parametrize(
    "status, told",
    [(200, 200), (201, 200), (204, 200), (302, 503), (400, 400), (401, 503), (403, 503), (404, 404), (410, 404),
     (413, 413), (422, 400), (429, 503), (500, 503), (502, 503), (503, 503)],
)  # fmt: skip
def test_what_the_back_ends_status_means_to_a_device(backend, device, status, told):
    backend.answer = Answer(status=status, body=b"", headers={"Location": "http://127.0.0.1:1/"} if status == 302 else {})
    reply = ddm(device, "declaration/asset/x")
    assert reply.status == told
    assert ("Retry-After" in reply.headers) == (told == 503)
    assert len(backend.take()) == 1


# A few of those of tests/unit/mdm/test_ddm.c.
@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"Endpoint": ""},
        {"Endpoint": 7},
        {"Endpoint": "../tokens"},
        {"Endpoint": "declaration/asset/../../secret"},
        {"Endpoint": "declaration/asset/%2e%2e/x"},
        {"Endpoint": "tokens?x=1"},
        {"Endpoint": "tokens\r\nX-Enrollment-ID: other"},
        {"Endpoint": "http://127.0.0.1/"},
        {"Endpoint": "status"},
        {"Endpoint": "status", "Data": b""},
        {"Endpoint": "status", "Data": "text"},
    ],
)
def test_a_malformed_request_never_gets_there(backend, device, keys):
    assert device.check_in("DeclarativeManagement", **keys).status == 400
    assert backend.take() == []


def test_nobody_asks_for_another_device(served, backend, device):
    body = plistlib.dumps(device.message({"MessageType": "DeclarativeManagement", "Endpoint": "tokens"}))
    assert device.request_as(served.issue(), "PUT", "/checkin", body, {"Content-Type": CHECKIN}).status == 403
    stranger = served.new_device()
    assert ddm(stranger, "tokens").status == 403
    assert backend.take() == []
    stranger.close()


def test_a_renewed_identity_takes_over_with_it(served, backend):
    """It mostly only reads; here it has to write, and is started over."""
    device = served.enrolled()
    (old,) = served.pomona_json("identity", "list", "--device", device.id)
    served.pomona("identity", "issue", "renewed", "--renew", old["sha256"], "--out", served.path("renewed"))
    device.close()
    device.identity = Identity(served.path("renewed/renewed.pem"), served.path("renewed/renewed.key"))
    assert ddm(device, "tokens").status == 200
    assert len(backend.take()) == 1
    assert events(served, "identity_renewed")[-1]["device"] == device.id
    device.close()


def test_over_tls_its_certificate_is_verified(served, pki, device):
    for identity, trusted in ((pki.tls, True), (pki.apns, False)):
        backend = Backend(identity)
        served.pomona("setting", "set", "ddm_url", backend.url)
        reply = ddm(device, "tokens")
        backend.close()
        served.pomona("setting", "unset", "ddm_url")
        assert reply.status == (200 if trusted else 503), reply
        assert len(backend.take()) == trusted


def test_without_a_back_end(device):
    assert ddm(device, "tokens").status == 404
    assert ddm(device, "status", b"{}").status == 404


# ---- a back-end that does not behave ----


def test_an_answer_that_is_too_large_or_cut(backend, device):
    backend.answer = Answer(body=b" " * BODY_MOST)
    assert len(ddm(device, "tokens").body) == BODY_MOST
    for answer in (Answer(body=b" " * (BODY_MOST + 1)), Answer(cut=10)):
        backend.answer = answer
        assert has_to_come_again(ddm(device, "tokens"))
    backend.answer = Answer()
    assert ddm(device, "tokens").status == 200


def test_a_back_end_that_is_down_is_told_of_once(served, device):
    before = len(events(served, "relay_failed"))
    served.fcgi.stop()
    served.start_fcgi()  # it tells once in ten minutes
    served.pomona("setting", "set", "ddm_url", f"http://127.0.0.1:{free_port()}")
    for _ in range(3):
        assert has_to_come_again(ddm(device, "tokens"))
    told = events(served, "relay_failed")[before:]
    assert [row["device"] for row in told] == [device.id]
    assert json.loads(told[0]["detail"])["service"] == "ddm"
    served.pomona("setting", "unset", "ddm_url")


class Askers:
    """Many requests of one device at once, each on a connection of its own."""

    def __init__(self, device, count):
        self.replies = []
        self.body = plistlib.dumps(device.message({"MessageType": "DeclarativeManagement", "Endpoint": "tokens"}))
        self.threads = [threading.Thread(target=self._ask, args=[device]) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _ask(self, device):
        self.replies.append(device.request_as(device.identity, "PUT", "/checkin", self.body, {"Content-Type": CHECKIN}))

    def join(self):
        for thread in self.threads:
            thread.join()


def test_a_back_end_that_hangs_stops_nothing_else(served, backend, device):
    backend.hang()
    more = 3
    askers = Askers(device, THREADS // 2 + more)
    try:
        # Half of the threads wait; who comes now is turned away at once.
        wait_for(lambda: len(askers.replies) == more, "those who find no place")
        assert all(has_to_come_again(reply) for reply in askers.replies)
        for _ in range(THREADS // 2):
            backend.hanging.acquire()
        # No transaction is open meanwhile: the log can be taken into the database to its end.
        assert served.row("PRAGMA wal_checkpoint(TRUNCATE)")["busy"] == 0
        # The loop goes on: a push goes out, the device comes, is given its command, answers.
        pushes = len(served.pushes(device))
        uuid = served.queue(device, "ProfileList")
        wait_for(lambda: len(served.pushes(device)) > pushes, "the push")
        assert device.idle().uuid == uuid
        assert device.acknowledge(uuid, ProfileList=[]).status == 200
        assert served.state(device, uuid) == "acknowledged"
    finally:
        backend.go_on.set()
        askers.join()
    assert sorted(reply.status for reply in askers.replies) == [200] * (THREADS // 2) + [503] * more


# ---- the worker comes and goes ----


def test_the_worker_comes_and_goes(served, backend, device):
    served.push.stop()
    assert has_to_come_again(ddm(device, "tokens"))
    served.start_push()
    assert ddm(device, "tokens").status == 200
    served.push.kill()  # it leaves its socket behind
    assert has_to_come_again(ddm(device, "tokens"))
    served.start_push()
    assert ddm(device, "tokens").status == 200


def test_a_worker_that_dies_meanwhile(served, backend, device):
    backend.hang()
    asker = Askers(device, 1)
    backend.hanging.acquire()
    served.push.kill()
    asker.join()
    assert has_to_come_again(asker.replies[0])
    backend.go_on.set()
    served.start_push()
    assert ddm(device, "tokens").status == 200


def test_a_call_has_its_time(served, backend, device):
    served.push.stop()
    served.write_conf(THREADS, relay={"timeout": 1, "ca": served.tls_ca})
    served.start_push()
    backend.hang()
    began = time.monotonic()
    assert has_to_come_again(ddm(device, "tokens"))
    assert time.monotonic() - began >= 1
    backend.go_on.set()
    served.push.stop()
    served.write_conf(THREADS, relay={"timeout": 25, "ca": served.tls_ca})
    served.start_push()
    assert ddm(device, "tokens").status == 200


# ---- GetToken ----


def get_token(channel, service, **keys):
    return channel.check_in("GetToken", TokenServiceType=service, **keys)


def unpadded(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


@pytest.fixture(scope="module")
def maid(served):
    """The MDM server's key pair, and its server_uuid."""
    key, public, uuid = served.path("maid.key"), served.path("maid.pub"), new_uuid().lower()
    openssl("genrsa", "-out", key, "2048")
    openssl("rsa", "-in", key, "-pubout", "-out", public)
    served.pomona("token-service", "maid", "--key", key, "--issuer", uuid)
    return public, uuid


def test_a_token_for_a_managed_account(served, device, maid):
    public, uuid = maid
    tokens = []
    for channel in (device, device.mac_user()):
        if channel is not device:
            assert channel.token_update().status == 200
        reply = get_token(channel, "com.apple.maid")
        assert (reply.status, reply.headers["Content-Type"]) == (200, "application/xml")
        tokens.append(plistlib.loads(reply.body)["TokenData"])
    for token in tokens:
        head, claims, signature = token.split(b".")
        with open(served.path("signed"), "wb") as file:
            file.write(head + b"." + claims)
        with open(served.path("signature"), "wb") as file:
            file.write(unpadded(signature))
        openssl("dgst", "-sha256", "-verify", public, "-signature", served.path("signature"), served.path("signed"))
        assert json.loads(unpadded(head)) == {"alg": "RS256", "typ": "JWT"}
        said = json.loads(unpadded(claims))
        assert set(said) == {"iss", "iat", "jti", "service_type"}
        assert (said["iss"], said["service_type"]) == (uuid, "com.apple.maid")
        assert abs(said["iat"] - time.time()) < 60
    assert len({json.loads(unpadded(token.split(b".")[1]))["jti"] for token in tokens}) == 2
    assert json.loads(events(served, "get_token")[-1]["detail"]) == {"TokenServiceType": "com.apple.maid"}
    assert b"PRIVATE KEY" not in served.run(["sqlite3", served.db, ".dump"]).stdout


WATCH = {"SecurityToken": "s", "PhoneUDID": "p", "WatchUDID": "w"}


def test_a_token_by_a_hook(served, backend, device):
    served.pomona("token-service", "hook", "com.apple.watch.pairing", backend.url + "/watch")
    backend.answer = Answer(body=b"\x00\xfftoken")
    reply = get_token(device, "com.apple.watch.pairing", TokenParameters=WATCH)
    assert plistlib.loads(reply.body) == {"TokenData": b"\x00\xfftoken"}
    (asked,) = backend.take()
    assert (asked.method, asked.path) == ("POST", "/watch")
    assert json.loads(asked.body) == {"service_type": "com.apple.watch.pairing", "parameters": WATCH}
    assert asked.headers["X-Enrollment-ID"] == device.id
    backend.answer = Answer(body=b"")
    assert has_to_come_again(get_token(device, "com.apple.watch.pairing", TokenParameters=WATCH))
    backend.answer = Answer(status=401)
    assert has_to_come_again(get_token(device, "com.apple.watch.pairing", TokenParameters=WATCH))
    backend.take()
    for missing in WATCH:
        some = {key: value for key, value in WATCH.items() if key != missing}
        assert get_token(device, "com.apple.watch.pairing", TokenParameters=some).status == 400
    assert backend.take() == []
    served.pomona("token-service", "remove", "com.apple.watch.pairing")
    assert get_token(device, "com.apple.watch.pairing", TokenParameters=WATCH).status == 400


def test_a_service_that_is_not_known(device):
    assert get_token(device, "com.example.unknown").status == 400
    assert device.check_in("GetToken").status == 400


def test_what_the_operator_may_set(served, maid):
    def refused(*words):
        done = served.pomona("token-service", *words, check=False)
        assert done.returncode == 1
        return done.stderr.decode()

    weak, ec = served.path("weak.key"), served.path("ec.key")
    openssl("genrsa", "-out", weak, "1024")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", ec)
    assert "1024 bits" in refused("maid", "--key", weak, "--issuer", maid[1])
    assert "not an RSA key" in refused("maid", "--key", ec, "--issuer", maid[1])
    assert "no private key" in refused("maid", "--key", served.tls_ca, "--issuer", maid[1])
    assert "server_uuid" in refused("maid", "--key", served.path("maid.key"), "--issuer", "me")
    assert "http://" in refused("hook", "com.example.x", "http://user:secret@127.0.0.1/")
    assert "service type" in refused("hook", "com example", "http://127.0.0.1/")
    assert "no token service" in refused("remove", "com.example.x")
    (row,) = served.pomona_json("token-service", "list")
    assert (row["type"], row["method"], row["issuer"], row["url"]) == ("com.apple.maid", "maid", maid[1], None)
    assert served.row("SELECT type, method, issuer FROM token_service")["issuer"] == maid[1]


# ---- ReturnToService ----


def return_to_service(device):
    reply = device.check_in("ReturnToService")
    assert reply.status == 200, reply
    return plistlib.loads(reply.body)


def test_return_to_service(served, device):
    wifi = plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": [{"Password": "wlan-secret"}]})
    with open(served.path("wifi.mobileconfig"), "wb") as file:
        file.write(wifi)
    assert return_to_service(device) == {"ReturnToService": {"Enabled": False}}
    assert device.check_in("SetBootstrapToken", BootstrapToken=b"boot").status == 200
    served.pomona("return-to-service", "set", "wifi", served.path("wifi.mobileconfig"))
    served.pomona("setting", "set", "return_to_service", "erase")
    plan = {"Enabled": True, "WiFiProfileData": wifi}
    assert return_to_service(device) == {"ReturnToService": plan}
    served.pomona("setting", "set", "return_to_service", "keep_apps")
    served.pomona("setting", "set", "return_to_service_plan", "on")
    served.pomona("setting", "set", "return_to_service_retry", "on")
    served.pomona("return-to-service", "set", "mdm", served.path("wifi.mobileconfig"))
    plan.update(BootstrapToken=b"boot", ShouldRetryEnrollment=True, MDMProfileData=wifi)
    assert return_to_service(device) == {"PreserveDataPlan": True, "ReturnToService": plan}
    assert [row["kind"] for row in served.pomona_json("return-to-service", "list")] == ["mdm", "wifi"]
    assert b"wlan-secret" not in served.run(["sqlite3", served.db, ".dump"]).stdout
    served.pomona("return-to-service", "remove", "wifi")
    assert "WiFiProfileData" not in return_to_service(device)["ReturnToService"]
    assert events(served, "return_to_service")[-1]["device"] == device.id


def test_return_to_service_is_for_devices(served, device):
    user = device.mac_user()
    assert user.token_update().status == 200
    assert user.check_in("ReturnToService").status == 400
    with open(served.path("none.plist"), "wb") as file:
        file.write(plistlib.dumps({"PayloadType": "else"}))
    assert served.pomona("return-to-service", "set", "wifi", served.path("none.plist"), check=False).returncode == 1
    assert served.pomona("return-to-service", "set", "lan", served.path("none.plist"), check=False).returncode == 2


# ---- pomona doctor ----


def test_doctor_asks_back_ends(served, backend):
    def finding():
        done = served.pomona("doctor", "--json", "--ca", served.tls_ca, check=False)
        return [(line["state"], line["finding"]) for line in json.loads(done.stdout) if line["check"] == "back-ends"]

    backend.answer = Answer(status=400)
    ((state, text),) = finding()
    assert (state, text) == ("ok", f"ddm: {backend.url}/dm/tokens answers (400)")
    assert "X-Enrollment-ID" not in backend.take()[0].headers
    served.pomona("setting", "set", "ddm_url", f"http://127.0.0.1:{free_port()}")
    ((state, text),) = finding()
    assert state == "problem" and "cannot be asked" in text
