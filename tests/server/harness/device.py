"""A device (or one of its user channels) as the server sees it: plists over mutual TLS."""

import hashlib
import http.client
import plistlib
import ssl
import uuid

from .front import is_apache

CHECKIN = "application/x-apple-aspen-mdm-checkin"
REPORT = "application/x-apple-aspen-mdm"
SHARED_IPAD_USER = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"
ALL = object()


def new_uuid():
    return str(uuid.uuid4()).upper()


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def command(self):
        """The envelope of the command that came, or None."""
        return plistlib.loads(self.body) if self.status == 200 and self.body else None

    @property
    def uuid(self):
        return self.command["CommandUUID"] if self.command else None

    @property
    def request(self):
        return self.command["Command"]["RequestType"] if self.command else None

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Channel:
    """What the device channel and the user channels have in common."""

    def __init__(self, device, ids):
        self.device = device
        self.ids = ids
        self.token = hashlib.sha256(repr(sorted(ids.items())).encode()).digest()
        self.magic = new_uuid()

    @property
    def id(self):
        raise NotImplementedError

    def message(self, keys, **more):
        return {key: value for key, value in {**self.ids, **keys, **more}.items() if value is not None}

    def send(self, message, path="/mdm", method="PUT", content_type=REPORT):
        body = message if isinstance(message, bytes) else plistlib.dumps(message)
        headers = {} if content_type is None else {"Content-Type": content_type}
        return self.device.request(method, path, body, headers)

    # ---- check-ins ----

    def token_update(self, **keys):
        usual = {"MessageType": "TokenUpdate", "Topic": self.device.topic, "Token": self.token, "PushMagic": self.magic}
        return self.send(self.message(usual, **keys), path="/checkin", content_type=CHECKIN)

    def check_out(self, **keys):
        usual = {"MessageType": "CheckOut", "Topic": self.device.topic}
        return self.send(self.message(usual, **keys), path="/checkin", content_type=CHECKIN)

    def check_in(self, message_type, **keys):
        return self.send(self.message({"MessageType": message_type}, **keys), path="/checkin", content_type=CHECKIN)

    # ---- reports ----

    def report(self, status, command_uuid=None, **keys):
        return self.send(self.message({"Status": status, "CommandUUID": command_uuid}, **keys))

    def idle(self):
        return self.report("Idle")

    def acknowledge(self, command_uuid, **keys):
        return self.report("Acknowledged", command_uuid, **keys)

    def not_now(self, command_uuid):
        return self.report("NotNow", command_uuid)

    def error(self, command_uuid, *errors):
        chain = [
            {"ErrorCode": code, "ErrorDomain": domain, "LocalizedDescription": text, "USEnglishDescription": text}
            for code, domain, text in errors
        ]
        return self.report("Error", command_uuid, ErrorChain=chain)


class User(Channel):
    """A user channel: USER is what its id adds to the device's."""

    def __init__(self, device, user, ids):
        super().__init__(device, {**device.ids, **ids})
        self.user = user

    @property
    def id(self):
        return f"{self.device.id}:{self.user}"


class Device(Channel):
    """A device with its identity; `user_enrollment` makes it one that tells no UDID."""

    def __init__(self, server, identity, topic, user_enrollment=False, udid=None, serial=None):
        self.server = server
        self.identity = identity
        self.topic = topic
        self.user_enrollment = user_enrollment
        self.udid = udid or new_uuid()
        self.serial = serial or "C" + self.udid.replace("-", "")[:11]
        self.connection = None
        super().__init__(self, {"EnrollmentID" if user_enrollment else "UDID": self.udid})

    @property
    def id(self):
        return self.udid

    # ---- its channels ----

    def mac_user(self, short_name="anna", **ids):
        user = new_uuid()
        return User(self, user, {"UserID": user, "UserShortName": short_name, "UserLongName": short_name.title(), **ids})

    def shared_ipad_user(self, short_name):
        return User(self, short_name, {"UserID": SHARED_IPAD_USER, "UserShortName": short_name})

    def enrollment_user(self):
        user = new_uuid()
        return User(self, user, {"EnrollmentUserID": user})

    # ---- the connection ----

    def context(self, identity=ALL, **options):
        identity = self.identity if identity is ALL else identity
        context = ssl.create_default_context(cafile=self.server.tls_ca)
        for name, value in options.items():
            setattr(context, name, value)
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.key)
        return context

    def open(self, **options):
        return http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.context(**options), timeout=100)

    def request(self, method, path, body=b"", headers=None):
        """Over the kept connection; anew when nginx has closed it since the last reply."""
        for kept in (self.connection is not None, False):
            if not kept:
                self.close()
                self.connection = self.open()
            try:
                self.connection.request(method, path, body, headers or {})
                return Reply(self.connection.getresponse())
            except (ConnectionError, http.client.BadStatusLine, ssl.SSLError, BrokenPipeError):
                if not kept:
                    self.close()
                    raise
        raise AssertionError("not reached")

    def request_as(self, identity, method, path, body=b"", headers=None):
        """The same with another identity (or None), on a connection of its own."""
        connection = self.open(identity=identity)
        try:
            connection.request(method, path, body, headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def turned_away(self, identity, path, body=b"<plist/>"):
        """A certificate that the web server cannot verify: 403 in plain text; Apache ends the handshake."""
        try:
            reply = self.request_as(identity, "PUT", path, body)
        except (ssl.SSLError, ConnectionError) as error:
            assert is_apache(self.server.front), error
            return True
        return reply.status == 403 and reply.headers["Content-Type"].startswith("text/plain")

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    # ---- enrolling ----

    def authenticate(self, **keys):
        usual = {
            "MessageType": "Authenticate",
            "Topic": self.topic,
            "DeviceName": "Anna's iPhone",
            "Model": "MQ4C3",
            "ModelName": "iPhone",
            "ProductName": "iPhone14,7",
            "OSVersion": "17.4.1",
            "BuildVersion": "21E236",
        }
        if not self.user_enrollment:
            usual["SerialNumber"] = self.serial
        return self.send(self.message(usual, **keys), path="/checkin", content_type=CHECKIN)

    def enroll(self, **token_keys):
        assert self.authenticate().status == 200
        assert self.token_update(**token_keys).status == 200
        return self
