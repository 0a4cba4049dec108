"""Programs under test: started in a session of their own, stopped, and asked how it was."""

import glob
import os
import signal
import socket
import subprocess
import time

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BIN = os.path.abspath(os.environ.get("POMONA_BIN", os.path.join(REPOSITORY, "build", "release")))
SANITIZER = os.environ.get("POMONA_SANITIZER", "")

# A sanitizer's build is many times slower; conditions are waited for accordingly.
PATIENCE = 120 if SANITIZER else 60


def wait_for(condition, what="a condition", timeout=None, every=0.01):
    """The first true value CONDITION gives; fails when there is none in time."""
    timeout = PATIENCE if timeout is None else timeout
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(every)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def program_path(name):
    path = os.path.join(BIN, name)
    assert os.access(path, os.X_OK), f"{path} is not there: set POMONA_BIN to the build folder"
    return path


class Programs:
    """Everything a test session has started."""

    def __init__(self, directory):
        self.directory = directory
        self.sanitizer_logs = os.path.join(directory, "sanitizer")
        self.sessions = {}  # number: the program that leads it
        os.makedirs(self.sanitizer_logs)

    def environment(self, extra=None):
        log = os.path.join(self.sanitizer_logs, "report")
        env = {key: value for key, value in os.environ.items() if not key.startswith("POMONA_")}
        env.update(
            LC_ALL="C.UTF-8",
            ASAN_OPTIONS=f"log_path={log}:exitcode=99:detect_leaks=1:detect_stack_use_after_return=1",
            UBSAN_OPTIONS=f"log_path={log}:print_stacktrace=1",
            TSAN_OPTIONS=f"log_path={log}:exitcode=99:second_deadlock_stack=1",
        )
        env.update(extra or {})
        return env

    def sanitizer_reports(self):
        text = ""
        for path in glob.glob(os.path.join(self.sanitizer_logs, "*")):
            with open(path, errors="replace") as report:
                text += report.read()
            os.unlink(path)
        return text

    def is_taken_over(self, session):
        """Its leader has been waited for, and there is one of that number: another run's, which has got the number since."""
        return self.sessions[session].process.returncode is not None and os.path.exists(f"/proc/{session}")

    def leftovers(self):
        """Processes that are still there, of any session that was started here."""
        found = []
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(stat) as file:
                    text = file.read()
            except OSError:
                continue
            name, rest = text[text.index("(") + 1 :].rsplit(")", 1)
            state, _, _, session = rest.split()[:4]
            if state != "Z" and int(session) in self.sessions and not self.is_taken_over(int(session)):
                found.append(f"{name} (pid {text.split()[0]})")
        return found


class Program:
    """A process; its output is in the file `log`."""

    def __init__(self, programs, name, argv, directory, env=None, **popen):
        self.name = name
        self.log = os.path.join(directory, name + ".log")
        with open(self.log, "ab") as log:
            popen.setdefault("stdin", subprocess.DEVNULL)
            popen.setdefault("stdout", log)
            self.process = subprocess.Popen(
                argv, stderr=log, cwd=directory, env=programs.environment(env), start_new_session=True, **popen
            )
        self.pid = self.process.pid
        programs.sessions[self.pid] = self

    def alive(self):
        return self.process.poll() is None

    def output(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def wait(self, timeout=None):
        return self.process.wait(timeout or PATIENCE)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends it as an administrator would; it has to end well."""
        if self.alive():
            self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop\n{self.output()[-3000:]}") from None
        assert status == 0, f"{self.name} ended with {status}\n{self.output()[-3000:]}"

    def kill(self):
        if self.alive():
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    # ---- what it takes ----

    def _status(self, key):
        with open(f"/proc/{self.pid}/status") as status:
            for line in status:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
        raise AssertionError(f"no {key}")

    def resident_kib(self):
        return self._status("VmRSS")

    def peak_kib(self):
        return self._status("VmHWM")

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Shell(Program):
    """A sqlite3 shell in which somebody types."""

    def __init__(self, server):
        self.read_end, write_end = os.pipe()
        super().__init__(server.programs, "shell", ["sqlite3", "-bail", server.db], server.dir, stdin=-1, stdout=write_end)
        os.close(write_end)

    def type(self, text):
        self.process.stdin.write(text.encode() + b"\n.print done\n")
        self.process.stdin.flush()
        answer = b""
        while not answer.endswith(b"done\n"):
            piece = os.read(self.read_end, 4096)
            assert piece, self.output()
            answer += piece

    def leave(self):
        self.process.stdin.close()
        assert self.wait() == 0
        os.close(self.read_end)
