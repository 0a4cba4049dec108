"""Fixtures of the whole-server tests: `server` is shared by a session, `own_server` is a test's own."""

import os
import shutil
import subprocess
import tempfile

import pytest

from harness import Pki, Server
from harness.front import FRONT, is_plain_cgi
from harness.process import SANITIZER, Programs, wait_for


def pytest_configure(config):
    config.addinivalue_line("markers", "measured: measures time or memory; means nothing in a sanitizer's build")
    config.addinivalue_line("markers", "long: takes minutes")
    config.addinivalue_line("markers", "nginx: behind nginx alone; the web server does not matter to it, or must be nginx")
    config.addinivalue_line("markers", "core: also where pomona-fcgi is a plain CGI program")
    config.addinivalue_line("markers", "resident: asks pomona-fcgi's process, which plain CGI has not")


def pytest_report_header():
    return f"the web server: {FRONT}"


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the tests that take minutes as well")


def pytest_collection_modifyitems(config, items):
    left_out = {"measured"} if SANITIZER else set()
    if not config.getoption("--long"):
        left_out.add("long")
    if FRONT != "nginx":
        left_out.add("nginx")
    if is_plain_cgi(FRONT):
        left_out.add("resident")
    out = [
        item for item in items
        if any(item.get_closest_marker(name) for name in left_out)
        or (is_plain_cgi(FRONT) and not item.get_closest_marker("core"))
    ]  # fmt: skip
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session")
def root():
    """A folder with a short name (the path of a socket has 107 bytes), gone at the end."""
    directory = tempfile.mkdtemp(prefix="pomona-test-", dir="/tmp")
    yield directory
    if os.environ.get("POMONA_KEEP"):
        print(f"\nkept: {directory}")
    else:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def programs(root):
    started = Programs(root)
    yield started
    # The children of a program that was killed may take a moment longer to die than it.
    try:
        wait_for(lambda: not started.leftovers(), "the programs to end", 10)
    except AssertionError:
        raise AssertionError(f"left behind: {started.leftovers()}") from None
    reports = started.sanitizer_reports()
    assert not reports, reports


@pytest.fixture(scope="session")
def pki(root):
    return Pki(os.path.join(root, "pki"))


@pytest.fixture(scope="session")
def make_server(programs, pki, root):
    return lambda **options: Server(programs, pki, root, **options)


@pytest.fixture(scope="session")
def server(make_server):
    shared = make_server()
    yield shared
    shared.stop()


@pytest.fixture
def own_server(make_server):
    own = make_server()
    yield own
    own.stop()


@pytest.fixture(scope="module")
def push_server(make_server):
    """With pomona-push and the APNs stand-in."""
    own = make_server(push=True)
    yield own
    own.stop()


@pytest.fixture
def small_disk(root, request):
    """A file system of 6 MB, or as many as the test says."""
    place, size = os.path.join(root, "small-disk"), getattr(request, "param", "6m")
    os.makedirs(place)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True, check=False)
    if done.returncode != 0:
        os.rmdir(place)
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", place], check=True)
    os.rmdir(place)


@pytest.fixture
def device(server):
    enrolled = server.enrolled()
    yield enrolled
    enrolled.close()


@pytest.fixture
def unknown_device(server):
    """It has an identity but has not enrolled."""
    new = server.new_device()
    yield new
    new.close()


@pytest.fixture(autouse=True)
def no_sanitizer_report(programs):
    yield
    reports = programs.sanitizer_reports()
    assert not reports, reports


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """The end of the server's log, beside a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "teardown" or not report.failed:
        return
    for name, value in item.funcargs.items():
        if isinstance(value, Server):
            report.sections.append((f"log of {name}", value.logs()[-4000:]))
