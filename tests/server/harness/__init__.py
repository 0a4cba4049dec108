"""What the whole-server tests are made of: programs, certificates, a server, devices."""

from .device import Device
from .pki import Pki
from .process import Program, free_port, wait_for
from .server import Server

__all__ = ["Device", "Pki", "Program", "Server", "free_port", "wait_for"]
