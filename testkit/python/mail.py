"""A mail server that takes what it is sent, from whoever knows the password, and prints each mail as a line of JSON."""

import json
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


def say(value):
    print(json.dumps(value), flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        say({
            "login": getattr(session, "auth_data", None) is not None and session.authenticated,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "replace"),
        })
        return "250 taken as 42"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me", b"planted-password")
    # Not handled: the answer to the client is the server's.
    return AuthResult(success=good, handled=False, auth_data=data if good else None)


controller = Controller(
    Handler(), hostname="127.0.0.1", port=int(sys.argv[1]), authenticator=authenticate, auth_require_tls=False, auth_required=True,
)
controller.start()
say({"ready": True})
while sys.stdin.readline():
    time.sleep(0.01)
controller.stop()
