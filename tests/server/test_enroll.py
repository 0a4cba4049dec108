"""The enrollment page: who gets a profile, what is in it, and what a person is told who gets none."""

import os
import plistlib
import re
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from html.parser import HTMLParser

import pytest

from harness.pki import openssl

PROFILE = "application/x-apple-aspen-config"
VOID = {"meta", "path"}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.type = response.headers.get("Content-Type", "")

    @property
    def text(self):
        return self.body.decode()


def fetch(server, url, data=None, **headers):
    """As a browser without a certificate; URL may be a path."""
    context = ssl.create_default_context(cafile=server.tls_ca)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), NoRedirect)
    request = urllib.request.Request(
        url if url.startswith("https:") else server.url + url,
        data=data,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    try:
        return Answer(opener.open(request, timeout=60))
    except urllib.error.HTTPError as refused:
        return Answer(refused)


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
    assert "com.apple.mdm.bootstraptoken" in mdm["ServerCapabilities"]
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
