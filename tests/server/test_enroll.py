"""The enrollment page: who gets a profile, what is in it, and what a person is told who gets none."""

import base64
import hashlib
import http.client
import itertools
import json
import os
import plistlib
import re
import ssl
import subprocess
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest

from harness.pki import Identity, openssl
from harness.process import program_path

PROFILE = "application/x-apple-aspen-config"
VOID = {"meta", "path"}


ADDRESSES = (f"127.{n // 250 + 1}.0.{n % 250 + 1}" for n in itertools.count())


class Client:
    """Every test is a client of its own: the web server counts what an address asks for."""

    address = None


@pytest.fixture(autouse=True)
def new_client():
    Client.address = next(ADDRESSES)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.type = response.headers.get("Content-Type", "")

    @property
    def text(self):
        return self.body.decode()


def fetch(server, url, data=None, method=None, source=None, **headers):
    """As a browser without a certificate, which follows no redirection; URL may be a path."""
    connection = http.client.HTTPSConnection(
        "127.0.0.1", server.port, timeout=60, context=ssl.create_default_context(cafile=server.tls_ca),
        source_address=(source or Client.address, 0),
    )  # fmt: skip
    path = url[len(server.url) :] if url.startswith(server.url) else url
    try:
        connection.request(
            method or ("GET" if data is None else "POST"), path, data,
            {name.replace("_", "-"): value for name, value in headers.items()},
        )  # fmt: skip
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Page(HTMLParser):
    """Checks that elements are closed in order, and takes the parts that tests ask for."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.words, self.forms = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "form":
            self.forms.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> is in the wrong place"

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def words_said(self):
        return " ".join(" ".join(self.words).split())

    def has(self, tag):
        return any(name == tag for name, _ in self.tags)


def link(server, *options):
    return server.pomona("enroll", "link", *options).strip()


def open_profile(answer):
    assert answer.status == 200, answer.body
    assert answer.type == PROFILE
    return plistlib.loads(answer.body)


def payload(profile, kind):
    (found,) = [item for item in profile["PayloadContent"] if item["PayloadType"] == kind]
    return found


def download(server, url):
    return fetch(server, url + "/profile.mobileconfig", data=b"")


@pytest.fixture(scope="module")
def server(make_server):
    own = make_server()
    yield own
    own.stop()


# ---- the way of a person ----


@pytest.mark.core
def test_from_the_link_to_the_profile(server):
    url = link(server)
    assert url.startswith(server.url + "/enroll/")
    answer = fetch(server, url)
    assert answer.status == 200 and answer.type == "text/html; charset=utf-8"
    page = Page(answer.text)
    (form,) = page.forms
    assert form["method"] == "post"
    profile = open_profile(fetch(server, urllib.parse.urljoin(url, form["action"]), data=b""))
    mdm = payload(profile, "com.apple.mdm")
    scep = payload(profile, "com.apple.security.scep")
    assert profile["PayloadType"] == "Configuration" and profile["PayloadVersion"] == 1
    assert mdm["ServerURL"] == server.url + "/mdm"
    assert mdm["CheckInURL"] == server.url + "/checkin"
    assert mdm["Topic"] == server.topic
    assert mdm["AccessRights"] == 8191
    assert mdm["CheckOutWhenRemoved"] is True and mdm["SignMessage"] is False
    assert {"com.apple.mdm.bootstraptoken", "com.apple.mdm.token"} <= set(mdm["ServerCapabilities"])
    assert mdm["IdentityCertificateUUID"] == scep["PayloadUUID"]
    assert "UseDevelopmentAPNS" not in mdm
    content = scep["PayloadContent"]
    assert content["URL"] == server.url + "/scep"
    assert content["Key Type"] == "RSA" and content["Keysize"] == 2048
    assert len(content["Challenge"]) == 32
    assert content["Subject"][0] == [["O", "Pomona Tests"]]
    fingerprint = openssl("x509", "-in", server.device_ca, "-noout", "-fingerprint", "-sha1").decode()
    assert content["CAFingerprint"].hex().upper() == fingerprint.split("=")[1].strip().replace(":", "")
    root = payload(profile, "com.apple.security.root")
    assert root["PayloadContent"] == openssl("x509", "-in", server.device_ca, "-outform", "DER")


def test_looking_at_the_page_uses_nothing_up(server):
    url = link(server)
    for method in ("GET", "HEAD", "GET", "GET"):
        assert fetch(server, url, method=method).status == 200
        assert fetch(server, url + "/profile.mobileconfig", method=method).status == 303
    assert server.row(f"SELECT uses_left FROM enroll_link ORDER BY no DESC LIMIT 1") == {"uses_left": 1}
    assert download(server, url).status == 200


def test_a_get_for_the_profile_leads_to_its_page(server):
    url = link(server)
    answer = fetch(server, url + "/profile.mobileconfig")
    assert answer.status == 303
    assert urllib.parse.urljoin(url + "/profile.mobileconfig", answer.headers["Location"]) == url


@pytest.mark.core
def test_the_same_client_gets_the_same_profile_again(server):
    url = link(server)
    first = download(server, url)
    challenges = server.value("SELECT count(*) AS n FROM scep_challenge")
    assert download(server, url).body == first.body
    again = fetch(server, url + "/profile.mobileconfig")
    assert again.status == 200 and again.type == PROFILE and again.body == first.body
    assert server.value("SELECT count(*) AS n FROM scep_challenge") == challenges
    assert server.row("SELECT uses_left FROM enroll_link ORDER BY no DESC LIMIT 1") == {"uses_left": 0}


@pytest.mark.core
def test_somebody_else_gets_nothing_by_a_used_link(server):
    url = link(server)
    assert download(server, url).status == 200
    for answer in (
        fetch(server, url + "/profile.mobileconfig", data=b"", source="127.0.0.2"),
        fetch(server, url),
        fetch(server, url, source="127.0.0.2"),
    ):
        assert answer.status == 410
        assert "This link has been used" in Page(answer.text).words_said
    assert fetch(server, url + "/profile.mobileconfig", source="127.0.0.2").status == 303


def test_the_same_again_under_a_new_master_key(own_server):
    url = link(own_server)
    first = download(own_server, url)
    own_server.pomona("key", "rotate")
    again = download(own_server, url)
    assert again.status == 200 and again.body == first.body


def test_the_repetition_ends_after_minutes(server):
    url = link(server)
    assert download(server, url).status == 200
    server.sql("UPDATE enroll_download SET made_at = made_at - 600000")
    assert download(server, url).status == 410


def test_a_link_for_several(server):
    url = link(server, "--uses", "2")
    bodies = set()
    for source in ("127.0.0.2", "127.0.0.3"):
        bodies.add(fetch(server, url + "/profile.mobileconfig", data=b"", source=source).body)
    assert len({open_challenge(body) for body in bodies}) == 2
    assert fetch(server, url + "/profile.mobileconfig", data=b"", source="127.0.0.4").status == 410


def open_challenge(body):
    return payload(plistlib.loads(body), "com.apple.security.scep")["PayloadContent"]["Challenge"]


def test_a_link_for_one_device(server):
    profile = open_profile(download(server, link(server, "--for", "00008110-000A4D2E1234801E")))
    subject = payload(profile, "com.apple.security.scep")["PayloadContent"]["Subject"]
    assert subject[-1] == [["CN", "00008110-000A4D2E1234801E"]]
    challenge = server.row("SELECT for_id FROM scep_challenge ORDER BY created_at DESC, rowid DESC LIMIT 1")
    assert challenge == {"for_id": "00008110-000A4D2E1234801E"}


@pytest.mark.parametrize(
    "end, said",
    [
        ("UPDATE enroll_link SET expires_at = created_at", "This link has expired"),
        ("UPDATE enroll_link SET revoked_at = created_at", "This link was taken back"),
        ("DELETE FROM enroll_link", "This link is not known"),
    ],
)
def test_links_end(server, end, said):
    url = link(server)
    server.sql(end + " WHERE no = (SELECT max(no) FROM enroll_link)")
    for answer in (fetch(server, url), download(server, url)):
        assert answer.status == (404 if "not known" in said else 410)
        assert answer.type == "text/html; charset=utf-8"
        assert said in Page(answer.text).words_said


def test_a_revoked_link_is_not_repeated(server):
    made = server.pomona_json("enroll", "link")
    assert download(server, made["url"]).status == 200
    server.pomona("enroll", "revoke", str(made["number"]))
    assert download(server, made["url"]).status == 410


@pytest.mark.parametrize(
    "path",
    [
        "/enroll/",
        "/enroll/x",
        "/enroll/" + "0" * 32,
        "/enroll/" + "0" * 31,
        "/enroll/" + "0" * 33,
        "/enroll/" + "A" * 32,
        "/enroll/" + "0" * 32 + "/",
        "/enroll/" + "0" * 32 + "/other",
        "/enroll/%00",
        "/enroll/%3Cscript%3Ealert(1)%3C/script%3E",
        "/enroll/profile.mobileconfig/x",
    ],
)
@pytest.mark.parametrize("data", [None, b""])
def test_paths_that_are_no_links(server, path, data):
    answer = fetch(server, path, data=data)
    assert answer.status in (303, 400, 404)
    assert b"<script" not in answer.body


def test_no_way_leads_from_there_to_a_device_path(server):
    for path in ("/enroll/%2e%2e%2fmdm", "/enroll/../mdm", "/enroll//../../mdm", "/enroll/..%2fcheckin"):
        answer = fetch(server, path, data=b"")
        assert answer.status in (400, 403, 404)


def test_another_servers_link(make_server, server):
    other = make_server()
    try:
        url = link(other)
        assert fetch(server, url[url.index("/enroll") :]).status == 404
        assert download(server, url.replace(other.url, server.url)).status == 404
        assert download(other, url).status == 200
    finally:
        other.stop()


def test_two_at_once_get_one_profile(server):
    """From different addresses: one use is one profile."""
    for _ in range(3):
        url = link(server)
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(
                    lambda n, url=url: fetch(server, url + "/profile.mobileconfig", data=b"", source=f"127.0.0.{n}"),
                    range(10, 18),
                )
            )
        assert sorted(answer.status for answer in answers) == [200] + [410] * 7


@pytest.mark.parametrize("body", [b"x" * 4097, b"x" * 100000])
def test_a_large_form_is_refused(server, body):
    url = link(server)
    assert fetch(server, url + "/profile.mobileconfig", data=body).status == 413
    assert download(server, url).status == 200


def test_other_methods(server):
    url = link(server)
    for method in ("PUT", "DELETE", "PATCH"):
        assert fetch(server, url + "/profile.mobileconfig", data=b"", method=method).status in (403, 405)
    assert fetch(server, "/enroll", data=b"").status == 405
    assert fetch(server, url, data=b"").status == 404
    assert download(server, url).status == 200


@pytest.mark.nginx
def test_who_asks_too_often_waits(server):
    """Apache has no such limit of its own."""
    answers = [fetch(server, "/enroll") for _ in range(40)]
    slowed = [answer for answer in answers if answer.status == 429]
    assert 10 < len(slowed) < 25
    assert int(slowed[0].headers["Retry-After"]) > 0 and slowed[0].type == "text/plain"
    assert fetch(server, "/enroll", source=next(ADDRESSES)).status == 403


# ---- what is said, and to whom ----


@pytest.mark.core
def test_headers(server):
    url = link(server)
    answers = {"page": fetch(server, url), "used": download(server, url), "gone": fetch(server, url)}
    for name, answer in answers.items():
        assert answer.headers["Cache-Control"] == "no-store", name
        assert answer.headers["Referrer-Policy"] == "no-referrer", name
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
    for name in ("page", "gone"):
        policy = answers[name].headers["Content-Security-Policy"]
        style = re.search("<style>(.*)</style>", answers[name].text, re.S).group(1)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in policy
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert "script" not in policy


def test_the_page_needs_nothing_from_elsewhere(server):
    text = fetch(server, link(server)).text
    page = Page(text)
    for tag, attrs in page.tags:
        assert tag not in ("script", "link", "img", "iframe", "object", "base"), tag
        for name in ("src", "href", "style"):
            assert name not in attrs, (tag, attrs)
        assert not any(name.startswith("on") for name in attrs), attrs
    assert "url(" not in text and "@import" not in text


def test_the_page_can_be_read_aloud(server):
    text = fetch(server, link(server)).text
    page = Page(text)
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(headings, headings[1:]))
    assert dict(page.tags)["html"]["lang"] == "en"
    assert dict(page.tags)["svg"]["role"] == "img" and dict(page.tags)["svg"]["aria-label"]
    assert page.has("main") and page.has("title") and page.has("button")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert "user-scalable" not in text and "maximum-scale" not in text


def luminance(color):
    color = color.lstrip("#")
    parts = [int(part, 16) / 255 for part in re.findall("..", color if len(color) == 6 else "".join(c * 2 for c in color))]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_its_colours_can_be_told_apart(server):
    """WCAG 2.2: 4.5 to 1 for text, in light and in dark."""
    style = re.search("<style>(.*)</style>", fetch(server, link(server)).text, re.S).group(1)
    schemes = re.findall(r":root\{([^}]*)\}", style)
    assert len(schemes) == 2
    for scheme in schemes:
        colors = dict(re.findall(r"--([\w-]+):(#\w+)", scheme))
        for front, back in (("text", "back"), ("text", "card"), ("quiet", "back"), ("quiet", "card"), ("on-accent", "accent")):
            light, dark = sorted((luminance(colors[front]), luminance(colors[back])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back, colors)


NASTY = """<script>alert(1)</script>"'>&amp;<img src=x onerror=alert(2)>%s %n"""


def test_what_is_configured_is_text(own_server):
    own_server.pomona("setting", "set", "organization", NASTY)
    own_server.pomona("setting", "set", "enroll_description", NASTY[::-1] + NASTY)
    own_server.pomona("setting", "set", "enroll_open", "open")
    for url in (link(own_server), own_server.url + "/enroll"):
        page = Page(fetch(own_server, url).text)
        assert not page.has("script") and not page.has("img")
        assert page.words_said.count(NASTY) > 2
    profile = open_profile(download(own_server, link(own_server)))
    assert profile["PayloadOrganization"] == NASTY and profile["PayloadDescription"].endswith(NASTY)


def test_the_page_tells_what_the_profile_asks_for(own_server):
    words = Page(fetch(own_server, link(own_server)).text).words_said
    assert "Pomona Tests will be able to do" in words and "Erase all content" in words
    own_server.pomona("setting", "set", "enroll_access_rights", str(8191 - 8 - 4))
    url = link(own_server)
    words = Page(fetch(own_server, url).text).words_said
    assert "Erase all content" not in words and "Lock the device" not in words and "installed apps" in words
    assert payload(open_profile(download(own_server, url)), "com.apple.mdm")["AccessRights"] == 8179


def test_no_secret_is_left_behind(own_server):
    """Neither in the log nor, in the clear, in the store."""
    url = link(own_server)
    secret = url.rsplit("/", 1)[1]
    fetch(own_server, url)
    challenge = open_challenge(download(own_server, url).body)
    fetch(own_server, url, method="DELETE")
    fetch(own_server, url + "/other")
    own_server.stop()
    for folder, _, names in os.walk(own_server.dir):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            assert secret.encode() not in content, name
            assert challenge.encode() not in content, name


# ---- QR codes ----


def write_pbm(path, rows):
    scale = 4
    with open(path, "w") as file:
        file.write(f"P1\n{len(rows[0]) * scale} {len(rows) * scale}\n")
        for row in rows:
            line = " ".join("1" if dark else "0" for dark in row for _ in range(scale))
            file.write((line + "\n") * scale)


def read_code(path):
    done = subprocess.run(["zbarimg", "--quiet", "--raw", path], capture_output=True, check=False, timeout=60)
    return done.stdout.decode().strip()


def test_the_code_in_the_page(server):
    url = link(server)
    svg = re.search(r"<svg.*?</svg>", fetch(server, url).text, re.S).group()
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', svg).group(1))
    rows = [[False] * size for _ in range(size)]
    for column, row, length in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg):
        for i in range(int(length)):
            rows[int(row)][int(column) + i] = True
    path = server.path("page.pbm")
    write_pbm(path, rows)
    assert read_code(path) == url


def test_the_code_in_the_terminal(server):
    url, *lines = link(server, "--qr").splitlines()
    halves = {"█": (False, False), "▀": (False, True), "▄": (True, False), " ": (True, True)}
    width = max(len(line) for line in lines)
    rows = []
    for line in lines:
        for half in (0, 1):
            rows.append([halves[character][half] for character in line.ljust(width)])
    path = server.path("terminal.pbm")
    write_pbm(path, [[False] * (width + 8)] * 4 + [[False] * 4 + row + [False] * 4 for row in rows] + [[False] * (width + 8)] * 4)
    assert read_code(path) == url


# ---- the other doors ----


def test_without_a_link(own_server):
    for path, data in (("/enroll", None), ("/enroll/profile.mobileconfig", b""), ("/enroll/profile.mobileconfig", None)):
        answer = fetch(own_server, path, data=data)
        assert answer.status == 403 and "You need an invitation" in Page(answer.text).words_said


@pytest.mark.core
def test_open(own_server):
    own_server.pomona("setting", "set", "enroll_open", "open")
    page = Page(fetch(own_server, "/enroll").text)
    action = urllib.parse.urljoin(own_server.url + "/enroll", page.forms[0]["action"])
    answers = [fetch(own_server, action, data=b"") for _ in range(2)]
    challenges = {open_challenge(answer.body) for answer in answers}
    assert len(challenges) == 2, "each download is a device's own"
    answer = fetch(own_server, action)
    assert answer.status == 303
    assert urllib.parse.urljoin(action, answer.headers["Location"]) == own_server.url + "/enroll"
    detail = own_server.value("SELECT detail FROM event WHERE kind = 'enrollment_profile' ORDER BY id DESC LIMIT 1")
    assert json.loads(detail) == {"by": "open", "ota": False}


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


SPOOFS = [
    {},
    {"Authorization": basic("anna", "x")},
    {"Remote_User": "anna"},
    {"REMOTE-USER": "anna"},
    {"X_Remote_User": "anna"},
    {"X_Forwarded_User": "anna"},
]


@pytest.mark.core
@pytest.mark.parametrize("headers", SPOOFS)
def test_nobody_says_by_a_header_who_he_is(own_server, headers):
    own_server.pomona("setting", "set", "enroll_open", "person")
    assert fetch(own_server, "/enroll", **headers).status == 403
    assert fetch(own_server, "/enroll/profile.mobileconfig", data=b"", **headers).status == 403


def sign_in_lines(server):
    """The lines of the site file that an administrator takes the comment from."""
    users = server.path("htpasswd")
    with open(users, "w") as file:
        file.write("anna:" + openssl("passwd", "-apr1", "secret").decode())
    os.chmod(users, 0o644)
    if server.front.startswith("apache"):
        lines = ["AuthType     Basic", 'AuthName     "Enrollment"', "AuthUserFile /etc/apache2/pomona.htpasswd",
                 "Require      valid-user"]  # fmt: skip
    else:
        lines = ['auth_basic           "Enrollment";', "auth_basic_user_file /etc/nginx/pomona.htpasswd;",
                 "set $pomona_person   $remote_user;"]  # fmt: skip
    return {"# " + line: re.sub(r"/etc/\w+/pomona.htpasswd", users, line) for line in lines}


@pytest.mark.core
def test_a_person_the_web_server_has_authenticated(own_server):
    own_server.pomona("setting", "set", "enroll_open", "person")
    own_server.restart_front(edit=sign_in_lines(own_server))
    assert fetch(own_server, "/enroll").status == 401
    assert fetch(own_server, "/enroll", Authorization=basic("anna", "wrong")).status == 401
    anna = {"Authorization": basic("anna", "secret")}
    assert fetch(own_server, "/enroll", **anna).status == 200
    assert open_profile(fetch(own_server, "/enroll/profile.mobileconfig", data=b"", **anna))
    detail = own_server.value("SELECT detail FROM event WHERE kind = 'enrollment_profile' ORDER BY id DESC LIMIT 1")
    assert json.loads(detail) == {"by": "person", "person": "anna", "ota": False}


# ---- settings, files ----


def test_settings_of_the_profile(own_server):
    for name, value in {
        "scep_url": "http://scep.example.com/scep",
        "enroll_sign_message": "on",
        "enroll_apns": "development",
        "enroll_consent": "You agree.",
        "enroll_description": "For the orchard",
    }.items():
        own_server.pomona("setting", "set", name, value)
    profile = open_profile(download(own_server, link(own_server)))
    mdm = payload(profile, "com.apple.mdm")
    assert mdm["SignMessage"] is True and mdm["UseDevelopmentAPNS"] is True
    assert payload(profile, "com.apple.security.scep")["PayloadContent"]["URL"] == "http://scep.example.com/scep"
    assert profile["ConsentText"] == {"default": "You agree."}
    assert profile["PayloadDescription"] == "For the orchard"
    own_server.pomona("setting", "set", "server_url", "https://mdm.example.com:8443/pomona")
    url = link(own_server)
    assert url.startswith("https://mdm.example.com:8443/pomona/enroll/")
    profile = open_profile(fetch(own_server, "/enroll/" + url.rsplit("/", 1)[1] + "/profile.mobileconfig", data=b""))
    assert profile["PayloadIdentifier"] == "com.example.mdm.enroll"
    assert payload(profile, "com.apple.mdm")["ServerURL"] == "https://mdm.example.com:8443/pomona/mdm"


def test_several_topics(own_server):
    other = own_server.topic[:-1] + ("0" if own_server.topic[-1] != "0" else "1")
    own_server.pomona("push-cert", "import", own_server.push_certificate(other).both)
    url = link(own_server)
    answer = download(own_server, url)
    assert answer.status == 503 and "Not ready yet" in Page(answer.text).words_said
    assert "enroll_topic" not in answer.text
    assert "enroll_topic" in own_server.fcgi.output()
    own_server.pomona("setting", "set", "enroll_topic", other)
    profile = open_profile(download(own_server, url))
    assert payload(profile, "com.apple.mdm")["Topic"] == other


def test_identifiers_stay_and_uuids_of_certificates(server):
    profiles = [open_profile(download(server, link(server))) for _ in range(2)]
    first, second = ({item["PayloadIdentifier"]: item["PayloadUUID"] for item in one["PayloadContent"]} for one in profiles)
    assert first.keys() == second.keys() and len(first) == 3
    same = {identifier for identifier in first if first[identifier] == second[identifier]}
    assert len(same) == 1 and all(".certificate." in identifier for identifier in same)
    assert profiles[0]["PayloadIdentifier"] == profiles[1]["PayloadIdentifier"]
    assert profiles[0]["PayloadUUID"] != profiles[1]["PayloadUUID"]
    every = [profiles[0]["PayloadUUID"], *first.values()]
    assert len(set(every)) == len(every)
    assert all(re.fullmatch("[0-9A-F]{8}-([0-9A-F]{4}-){3}[0-9A-F]{12}", uuid) for uuid in every)


@pytest.fixture(scope="module")
def signing(make_server, pki):
    """Profiles are signed, and bring the CA of the TLS certificate."""
    root = pki.make_ca("sign-root")
    middle = pki.issue(root, "sign-middle", "/CN=sign-middle", "basicConstraints=critical,CA:TRUE")
    leaf = pki.issue(middle, "sign-leaf", "/CN=mdm.example.com", "extendedKeyUsage=serverAuth")
    chain = pki.path("sign-chain.pem")
    with open(chain, "w") as out:
        for identity in (leaf, middle):
            with open(identity.certificate) as part:
                out.write(part.read())
    own = make_server(
        enroll={"sign_certificate": chain, "sign_key": leaf.key, "trust": pki.path("tls-and-middle.pem")}
    )  # fmt: skip
    with open(pki.path("tls-and-middle.pem"), "w") as out:
        for identity in (pki.tls_ca, middle):
            with open(identity.certificate) as part:
                out.write(part.read())
    own.root, own.middle, own.leaf = root, middle, leaf
    yield own
    own.stop()


def verified(signed, ca):
    """The content, by the openssl command."""
    return openssl("cms", "-verify", "-inform", "DER", "-CAfile", ca, "-purpose", "any", "-binary", input=signed)


def test_signed(signing):
    answer = download(signing, link(signing))
    assert answer.status == 200 and answer.type == PROFILE
    profile = plistlib.loads(verified(answer.body, signing.root.certificate))
    assert payload(profile, "com.apple.mdm")["Topic"] == signing.topic
    text = openssl("cms", "-cmsout", "-print", "-inform", "DER", "-noout", input=answer.body).decode()
    assert "sha256" in text


def test_trust(signing):
    """A root in DER, what is none in PEM."""
    profile = plistlib.loads(verified(download(signing, link(signing)).body, signing.root.certificate))
    roots = [item for item in profile["PayloadContent"] if item["PayloadType"] == "com.apple.security.root"]
    assert [item["PayloadContent"] for item in roots][-1] == signing.pki.tls_ca.der()
    pem = payload(profile, "com.apple.security.pem")
    assert openssl("x509", "-outform", "DER", input=pem["PayloadContent"]) == signing.middle.der()


def test_a_file_that_is_missing(make_server, pki):
    own = make_server(enroll={"sign_certificate": "/nowhere/sign.pem"})
    try:
        url = link(own)
        answer = download(own, url)
        assert answer.status == 503 and "/nowhere" not in answer.text
        assert "/nowhere/sign.pem" in own.logs()
        assert own.row("SELECT uses_left FROM enroll_link") == {"uses_left": 1}
    finally:
        own.stop()


# ---- the command line ----


def test_links_on_the_command_line(own_server):
    made = own_server.pomona_json("enroll", "link", "--uses", "3", "--for", "X1", "--expires", "+2h")
    assert made["uses"] == 3 and made["for"] == "X1" and made["number"] == 1
    assert download(own_server, made["url"]).status == 200
    used = link(own_server)
    assert download(own_server, used).status == 200
    link(own_server)
    assert own_server.pomona("enroll", "revoke", "3") == "link 3 revoked\n"
    rows = own_server.pomona_json("enroll", "links")
    assert [row["state"] for row in rows] == ["open", "used", "revoked"]
    assert [row["used"] for row in rows] == [1, 1, 0]
    assert own_server.pomona("enroll", "revoke", "9", check=False).returncode == 1
    assert own_server.pomona("enroll", "revoke", "x", check=False).returncode == 2
    for wrong in (["--uses", "0"], ["--expires", "yesterday"], ["--expires", "2001-01-01T00:00:00Z"]):
        assert own_server.pomona("enroll", "link", *wrong, check=False).returncode == 2
    assert own_server.pomona("enroll", "link", "--for", "x" * 65, check=False).returncode == 1


def test_profile_enroll(signing):
    path = signing.path("enroll.mobileconfig")
    signing.pomona("profile", "enroll", "--out", path, "--for", "X2")
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, "rb") as file:
        profile = plistlib.loads(verified(file.read(), signing.root.certificate))
    assert payload(profile, "com.apple.security.scep")["PayloadContent"]["Subject"][-1] == [["CN", "X2"]]
    assert signing.pomona("profile", "enroll", "--out", path, check=False).returncode == 1, "nothing is overwritten"
    done = signing.pomona("profile", "enroll", "--unsigned", check=False)
    assert done.returncode == 0 and done.stderr == b""
    assert payload(plistlib.loads(done.stdout), "com.apple.mdm")["Topic"] == signing.topic


def test_profile_enroll_unsigned_for_want_of_a_certificate(server):
    done = server.pomona("profile", "enroll", check=False)
    assert done.returncode == 0 and b"not signed" in done.stderr
    assert plistlib.loads(done.stdout)


def test_profile_with_its_identity(server):
    """It is on record, and a device enrolls with it."""
    profile = plistlib.loads(server.pomona("profile", "enroll", "--p12", "alice", "--unsigned").encode())
    p12 = payload(profile, "com.apple.security.pkcs12")
    assert payload(profile, "com.apple.mdm")["IdentityCertificateUUID"] == p12["PayloadUUID"]
    openssl_p12 = ["pkcs12", "-legacy", "-passin", f"pass:{p12['Password']}", "-nodes"]
    identity = Identity(server.path("alice.pem"), server.path("alice.key"))
    openssl(*openssl_p12, "-nokeys", "-out", identity.certificate, input=p12["PayloadContent"])
    openssl(*openssl_p12, "-nocerts", "-out", identity.key, input=p12["PayloadContent"])
    sha256 = hashlib.sha256(identity.der()).hexdigest()
    assert server.value(f"SELECT origin FROM issued_identity WHERE sha256 = '{sha256}'") == "p12"
    device = server.new_device(identity=identity).enroll()
    assert device.idle().status == 200
    device.close()
    assert server.pomona("profile", "enroll", "--p12", "bob", "--for", "X", check=False).returncode == 2


def test_sign_verify_show(signing, pki, root):
    leaf, chain = signing.leaf, pki.path("sign-chain.pem")
    plain, signed = signing.path("plain.mobileconfig"), signing.path("signed.mobileconfig")
    signing.pomona("profile", "enroll", "--unsigned", "--out", plain)
    signing.pomona("profile", "sign", plain, "--identity", chain, "--key", leaf.key, "--out", signed)
    with open(plain, "rb") as one, open(signed, "rb") as other:
        assert verified(other.read(), signing.root.certificate) == one.read()
    shown = signing.pomona_json("profile", "verify", signed, "--ca", signing.root.certificate)
    assert shown["signer"] == "CN=mdm.example.com"
    assert shown["sha256"] == hashlib.sha256(leaf.der()).hexdigest()
    for wrong, ca in ((plain, signing.root.certificate), (signed, pki.tls_ca.certificate), (signed, None)):
        options = [] if ca is None else ["--ca", ca]
        assert signing.pomona("profile", "verify", wrong, *options, check=False).returncode == 1
    with open(signed, "rb") as file:
        broken = bytearray(file.read())
    at = broken.index(b"com.apple.mdm")
    broken[at : at + 3] = b"org"
    with open(signed + ".broken", "wb") as file:
        file.write(broken)
    done = signing.pomona("profile", "verify", signed + ".broken", "--ca", signing.root.certificate, check=False)
    assert done.returncode == 1 and b"signature" in done.stderr
    shown = signing.pomona_json("profile", "show", signed)
    assert shown["profile"]["kind"] == "configuration" and shown["signature"]["trusted"] is False
    assert {item["type"] for item in shown["payloads"]} >= {"com.apple.mdm", "com.apple.security.scep"}
    text = signing.pomona("profile", "show", signed)
    assert "com.apple.mdm" in text and "Challenge" not in text
    assert "signature" not in signing.pomona_json("profile", "show", plain)
    resigned = signing.run([program_path("pomona"), "profile", "sign", signed, "--identity", chain, "--key", leaf.key]).stdout
    with open(plain, "rb") as file:
        assert verified(resigned, signing.root.certificate) == file.read(), "the old signature is replaced"


# ---- over the air ----


@pytest.fixture(scope="module")
def apple(pki):
    """Apple's CA of devices, whose own certificate has expired long ago, as it has."""
    root = pki.make_ca("device-root")
    return pki.issue(root, "apple-device-ca", "/CN=iPhone Device CA", "basicConstraints=critical,CA:TRUE", days=-1)


@pytest.fixture(scope="module")
def air(make_server, pki, apple):
    own = make_server(enroll={"apple_ca": apple.certificate})
    own.pomona("setting", "set", "enroll_ota", "on")
    own.apples_device = pki.issue(apple, "iphone", "/CN=E1B2C3D4/OU=iPhone")
    yield own
    own.stop()


def sign_attributes(identity, *options, **attributes):
    keys = {key: value for key, value in attributes.items() if value is not None}
    return openssl(
        "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-signer", identity.certificate,
        "-inkey", identity.key, *options, input=plistlib.dumps(keys),
    )  # fmt: skip


def post(server, message):
    return fetch(server, "/ota", data=message, Content_Type="application/pkcs7-signature")


def begin(server, *options):
    """The profile service's profile, and its challenge."""
    profile = open_profile(download(server, link(server, *options)))
    assert profile["PayloadType"] == "Profile Service"
    assert profile["PayloadContent"]["URL"] == server.url + "/ota"
    assert {"UDID", "VERSION", "PRODUCT", "SERIAL"} == set(profile["PayloadContent"]["DeviceAttributes"])
    return profile["PayloadContent"]["Challenge"]


udids = (f"00008110-{n:016X}" for n in itertools.count(0xA4D2E12348))


def tell(challenge, udid, **more):
    return {"UDID": udid, "SERIAL": "C" + str(udid)[-11:], "PRODUCT": "iPhone14,7", "VERSION": "21E236", "CHALLENGE": challenge, **more}


@pytest.mark.core
def test_over_the_air(air):
    """Three phases; the identity, as SCEP would issue it for that challenge, comes from the command line."""
    challenge, udid = begin(air), next(udids)
    profile = open_profile(post(air, sign_attributes(air.apples_device, **tell(challenge, udid))))
    assert [item["PayloadType"] for item in profile["PayloadContent"]] == ["com.apple.security.scep"]
    scep = profile["PayloadContent"][0]["PayloadContent"]
    assert scep["URL"] == air.url + "/scep" and scep["Subject"][-1] == [["CN", udid]]
    assert scep["Challenge"] != challenge
    assert air.row("SELECT for_id FROM scep_challenge ORDER BY rowid DESC LIMIT 1") == {"for_id": udid}
    profile = open_profile(post(air, sign_attributes(air.issue(udid), **tell(challenge, udid))))
    mdm = payload(profile, "com.apple.mdm")
    identity = payload(profile, "com.apple.security.scep")
    assert mdm["IdentityCertificateUUID"] == identity["PayloadUUID"] and mdm["Topic"] == air.topic
    assert identity["PayloadContent"]["Subject"][-1] == [["CN", udid]]


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_digests_of_devices(air, digest):
    message = sign_attributes(air.apples_device, "-md", digest, **tell(begin(air), next(udids)))
    assert post(air, message).status == 200


def test_a_lost_reply_over_the_air(air):
    """The same device may come with its challenge again, another one may not."""
    challenge, udid = begin(air), next(udids)
    for _ in range(2):
        assert post(air, sign_attributes(air.apples_device, **tell(challenge, udid))).status == 200
    answer = post(air, sign_attributes(air.apples_device, **tell(challenge, next(udids))))
    assert answer.status == 403 and b"another device's" in answer.body


def test_a_link_for_one_device_over_the_air(air):
    udid = next(udids)
    challenge = begin(air, "--for", udid)
    assert post(air, sign_attributes(air.apples_device, **tell(challenge, next(udids)))).status == 403
    assert post(air, sign_attributes(air.apples_device, **tell(challenge, udid))).status == 200


def refused(server, message, status, said):
    challenges = server.value("SELECT count(*) AS n FROM scep_challenge")
    answer = post(server, message)
    assert answer.status == status, answer.body
    assert said in answer.text
    assert server.value("SELECT count(*) AS n FROM scep_challenge") == challenges


@pytest.mark.core
def test_refused_over_the_air(air, pki):
    challenge, udid, apples = begin(air), next(udids), air.apples_device
    good = tell(challenge, udid)
    stranger = pki.issue(pki.tls_ca, "stranger", "/CN=stranger")
    refused(air, sign_attributes(stranger, **good), 403, "not trusted")
    refused(air, sign_attributes(apples, **tell("0" * 32, udid)), 403, "not known")
    refused(air, sign_attributes(apples, **tell(None, udid)), 403, "missing")
    refused(air, sign_attributes(apples, **tell(link(air).rsplit("/", 1)[1], udid)), 403, "not known")
    refused(air, sign_attributes(apples, **tell(challenge, None)), 400, "UDID")
    refused(air, sign_attributes(apples, **tell(challenge, "x" * 65)), 400, "UDID")
    refused(air, sign_attributes(apples, "-nocerts", **good), 403, "without its signer's certificate")
    refused(air, sign_attributes(apples, "-md", "sha224", **good), 403, "digest")
    refused(air, plistlib.dumps(good), 400, "no signed message")
    refused(air, b"", 400, "no signed message")
    whole = sign_attributes(apples, **good)
    refused(air, whole[:-40], 400, "no signed message")
    refused(air, whole.replace(udid.encode(), next(udids).encode()), 403, "not one of this content")
    detached = openssl("cms", "-sign", "-binary", "-outform", "DER", "-signer", apples.certificate, "-inkey", apples.key,
                       input=plistlib.dumps(good))  # fmt: skip
    refused(air, detached, 400, "detached")
    two = sign_attributes(apples, "-signer", stranger.certificate, "-inkey", stranger.key, **good)
    refused(air, two, 403, "one signer")
    assert post(air, b"x" * 70000).status == 413
    assert fetch(air, "/ota").status == 405
    assert post(air, whole).status == 200, "nothing of this has used the challenge up"


def test_an_expired_challenge_over_the_air(air):
    challenge, udid = begin(air), next(udids)
    air.sql("UPDATE enroll_link SET expires_at = created_at WHERE no = (SELECT max(no) FROM enroll_link)")
    refused(air, sign_attributes(air.apples_device, **tell(challenge, udid)), 403, "expired")


def test_a_blocked_device_over_the_air(air):
    challenge, udid = begin(air), next(udids)
    air.pomona("admission", "add", "udid", udid, "block")
    refused(air, sign_attributes(air.apples_device, **tell(challenge, udid)), 403, "blocked")


def test_identities_that_open_nothing_over_the_air(air):
    """An identity speaks for the device in whose name it is, and not when it is revoked."""
    udid, other = next(udids), next(udids)
    identity = air.issue(udid)
    refused(air, sign_attributes(identity, **tell(None, other)), 403, "another device's name")
    sha256 = hashlib.sha256(identity.der()).hexdigest()
    assert post(air, sign_attributes(identity, **tell(None, udid))).status == 200
    air.sql(f"UPDATE issued_identity SET revoked_at = issued_at WHERE sha256 = '{sha256}'")
    refused(air, sign_attributes(identity, **tell(None, udid)), 403, "revoked")
    # A valid challenge does not help it either.
    refused(air, sign_attributes(identity, **tell(begin(air), udid)), 403, "revoked")


def test_an_identity_that_was_replaced_opens_nothing_over_the_air(air):
    """It could not come with Authenticate either."""
    udid = next(udids)
    old = air.issue(udid)
    device = air.new_device(identity=old, udid=udid).enroll()
    assert post(air, sign_attributes(old, **tell(None, udid))).status == 200
    device.identity = air.issue()
    device.close()
    device.enroll()
    device.close()
    refused(air, sign_attributes(old, **tell(None, udid)), 403, "replaced by a newer one")


def test_without_apples_ca_the_challenge_counts(server, pki):
    server.pomona("setting", "set", "enroll_ota", "on")
    try:
        challenge, udid = begin(server), next(udids)
    finally:
        server.pomona("setting", "set", "enroll_ota", "off")
    anybody = pki.make_ca("anybody")
    refused(server, sign_attributes(anybody, **tell("1" * 32, udid)), 403, "not known")
    assert post(server, sign_attributes(anybody, **tell(challenge, udid))).status == 200


def test_signed_over_the_air(signing, pki):
    signing.pomona("setting", "set", "enroll_ota", "on")
    try:
        answer = download(signing, link(signing))
    finally:
        signing.pomona("setting", "set", "enroll_ota", "off")
    service = plistlib.loads(verified(answer.body, signing.root.certificate))
    device, udid = pki.make_ca("some-device"), next(udids)
    answer = post(signing, sign_attributes(device, **tell(service["PayloadContent"]["Challenge"], udid)))
    assert answer.status == 200
    assert plistlib.loads(verified(answer.body, signing.root.certificate))["PayloadType"] == "Configuration"
