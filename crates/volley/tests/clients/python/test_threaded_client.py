"""What people do with python-socketio's threaded client: default options, but more patience."""

import os
import queue
import unittest

import socketio

URL = os.environ["VOLLEY_URL"]
PATIENCE = 15


class Scenarios:
    """One list of scenarios, run once for each way of travelling."""

    transports = None

    def setUp(self):
        self.happened = queue.SimpleQueue()
        self.alice = socketio.Client(request_timeout=PATIENCE)
        self.alice.on("*", lambda event, *args: self.happened.put((event, *args)))
        self.alice.on("question", lambda question: (question, b"\x05\x06"))

    def tearDown(self):
        self.alice.shutdown()

    def connect(self, auth=None):
        self.alice.connect(
            URL, auth=auth, transports=self.transports, wait_timeout=PATIENCE
        )

    def next(self):
        return self.happened.get(timeout=PATIENCE)

    def test_events_and_bytes_come_back_and_both_sides_acknowledge(self):
        self.connect({"name": "alice"})
        self.assertEqual(self.next(), ("welcome", {"name": "alice"}))
        self.alice.emit("echo", ("text", {"picture": b"\x01\x02"}))
        self.assertEqual(self.next(), ("echo", "text", {"picture": b"\x01\x02"}))
        self.assertEqual(self.alice.call("sum", (20, 22), timeout=PATIENCE), 42)
        self.alice.emit("ask-me", "ready?")
        self.assertEqual(self.next(), ("answered", "ready?", b"\x05\x06"))

    def test_a_refused_client_is_told_so(self):
        with self.assertRaises(socketio.exceptions.ConnectionError):
            self.connect({"token": "stolen"})

    def test_a_client_that_left_may_come_back(self):
        for _ in range(2):
            self.connect()
            self.assertEqual(self.next(), ("welcome", {}))
            self.alice.disconnect()


class PollingThenUpgrade(Scenarios, unittest.TestCase):
    pass


class WebSocketOnly(Scenarios, unittest.TestCase):
    transports = ["websocket"]


class PollingOnly(Scenarios, unittest.TestCase):
    transports = ["polling"]
