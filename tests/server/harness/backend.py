"""An HTTP back-end on loopback: it answers as a test says, and tells what it was asked."""

import http.server
import ssl
import threading
from dataclasses import dataclass, field


@dataclass
class Asked:
    method: str
    path: str
    headers: dict
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict = field(default_factory=dict)
    cut: int = 0  # so many bytes of the body are promised and do not come


class Backend:
    def __init__(self, identity=None):
        """With IDENTITY: over TLS."""
        self.scheme = "http" if identity is None else "https"
        self.asked = []
        self.answer = Answer()
        self.go_on = threading.Event()  # cleared: nobody gets an answer
        self.go_on.set()
        self.hanging = threading.Semaphore(0)  # one for each request that has come
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.httpd.daemon_threads = True
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity.certificate, identity.key)
            self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.httpd.server_port}"

    def _handler(self):
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                backend._serve(self)

            do_PUT = do_POST = do_GET

        return Handler

    def _serve(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        asked = Asked(request.command, request.path, dict(request.headers), request.rfile.read(length))
        self.asked.append(asked)
        answer = self.answer
        self.hanging.release()
        self.go_on.wait()
        try:
            request.send_response(answer.status)
            request.send_header("Content-Length", str(len(answer.body) + answer.cut))
            for name, value in answer.headers.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(answer.body)
        except ConnectionError:
            pass  # pomona-push has had enough
        if answer.cut:
            request.close_connection = True

    def take(self):
        """What has been asked since the last time."""
        asked, self.asked = self.asked, []
        return asked

    def hang(self):
        while self.hanging.acquire(blocking=False):
            pass
        self.go_on.clear()

    def close(self):
        self.go_on.set()
        self.httpd.shutdown()
        self.thread.join()
        self.httpd.server_close()
