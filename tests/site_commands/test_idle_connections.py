"""Browsers keep connections open while their users read: the served county answers everybody else meanwhile."""

import socket

from tests.served import Site

ASKED = b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"
BROWSERS, EACH_KEEPS = 10, 6


def test_idle_browsers_shut_nobody_out():
    site = Site()
    site.manage('from django.core.management import call_command\ncall_command("migrate", verbosity=0)')
    site.start(workers=1)
    held = []
    try:
        for _ in range(BROWSERS * EACH_KEEPS):
            held.append(socket.create_connection(("127.0.0.1", site.port), timeout=60))
            held[-1].sendall(ASKED)
            assert held[-1].recv(64).startswith(b"HTTP/1.1 200")
    finally:
        for one in held:
            one.close()
        site.end()
