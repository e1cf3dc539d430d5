"""What people do with python-socketio's asyncio client: default options, but more patience."""

import asyncio
import os
import random
import unittest

import socketio

URL = os.environ["VOLLEY_URL"]
PATIENCE = 15


class Person:
    """A client, and all that has happened to it by the names of the events."""

    def __init__(self, transports):
        self.client = socketio.AsyncClient(request_timeout=PATIENCE)
        self.transports = transports
        self.happened = {}
        self.client.on("*", self._note)
        for event in ("connect", "connect_error", "disconnect"):
            self.client.on(event, lambda *args, event=event: self._note(event, *args))

    async def connect(self, auth=None, namespaces=None):
        await self.client.connect(
            URL,
            auth=auth,
            transports=self.transports,
            namespaces=namespaces,
            wait_timeout=PATIENCE,
        )
        return self

    async def leave(self):
        # Told to disconnect while a POST is unanswered, this client says no goodbye. The answer to
        # what it has sent may come with a poll, and before that to the POST.
        await self.client.eio.queue.join()
        await self.client.disconnect()

    async def emit(self, event, *args, namespace=None):
        await self.client.emit(event, args, namespace=namespace)

    async def call(self, event, *args, namespace=None):
        return await self.client.call(event, args, namespace=namespace, timeout=PATIENCE)

    async def next(self, event):
        return await asyncio.wait_for(self._queue(event).get(), PATIENCE)

    async def collect(self, event, count):
        return [(await self.next(event))[0] for _ in range(count)]

    def _queue(self, event):
        return self.happened.setdefault(event, asyncio.Queue())

    def _note(self, event, *args):
        self._queue(event).put_nowait(list(args))


class Scenarios:
    """One list of scenarios, run once for each way of travelling."""

    transports = None
    settles_on = "websocket"

    async def asyncSetUp(self):
        self.people = []

    async def asyncTearDown(self):
        for person in self.people:
            await person.client.shutdown()

    def person(self):
        self.people.append(Person(self.transports))
        return self.people[-1]

    async def enter(self, auth=None, namespaces=None):
        return await self.person().connect(auth, namespaces)

    async def test_a_client_is_welcomed_with_the_auth_it_came_with(self):
        auth = {"name": "alice", "languages": ["de", "日本語"]}
        alice = await self.enter(auth)
        self.assertEqual(await alice.next("welcome"), [auth])

    async def test_a_client_settles_on_the_transport_it_is_meant_for(self):
        alice = await self.enter()
        self.assertEqual(alice.client.transport(), self.settles_on)
        self.assertEqual(await alice.call("sum", 1, 2), 3)

    async def test_a_refused_client_is_told_why(self):
        mallory = self.person()
        with self.assertRaises(socketio.exceptions.ConnectionError):
            await mallory.connect({"token": "stolen"})
        refusal = {"message": "That token is not known here."}
        self.assertEqual(await mallory.next("connect_error"), [refusal])

    async def test_an_unknown_namespace_is_refused(self):
        with self.assertRaises(socketio.exceptions.ConnectionError) as refused:
            await self.enter(namespaces=["/nowhere"])
        self.assertIn("/nowhere", str(refused.exception))

    async def test_an_event_comes_back_with_every_kind_of_argument(self):
        alice = await self.enter()
        for args in (
            [],
            ["text", 1, -0.5, True, None],
            [{"nested": [{"deeply": [[]]}], "empty": {}}],
            ['\u001e separator, " quote, \\ backslash, \n newline, 👩‍👩‍👧 family'],
            ["long " * 10_000],
        ):
            await alice.emit("echo", *args)
            self.assertEqual(await alice.next("echo"), args)

    async def test_bytes_come_back_as_they_were_wherever_they_stand(self):
        alice = await self.enter()
        for args in (
            [b"\x01\x02\x03\x04"],
            [b""],
            [{"picture": b"\x00\xff", "thumbnails": [b"\x07", b"\x08"]}, "caption", b"\x09"],
            [random.randbytes(50_000)],
        ):
            await alice.emit("echo", *args)
            self.assertEqual(await alice.next("echo"), args)

    async def test_the_server_acknowledges_with_bytes_too(self):
        alice = await self.enter()
        self.assertEqual(await alice.call("sum", 20, 22), 42)
        self.assertEqual(await alice.call("echo", b"\x01\x02"), b"\x01\x02")
        sums = await asyncio.gather(*(alice.call("sum", n, n) for n in range(100)))
        self.assertEqual(sums, [2 * n for n in range(100)])

    async def test_the_client_acknowledges_with_bytes_too(self):
        alice = self.person()
        alice.client.on("question", lambda question: (question, b"\x05\x06"))
        await alice.connect()
        for question in ("ready?", "steady?"):
            await alice.emit("ask-me", question)
            self.assertEqual(await alice.next("answered"), [question, b"\x05\x06"])

    async def test_a_client_that_does_not_acknowledge_in_time_is_given_up_on(self):
        alice = self.person()

        async def hesitate(question):
            await asyncio.Event().wait()

        alice.client.on("question", hesitate)
        await alice.connect()
        await alice.emit("ask-me-briefly", "anybody?")
        self.assertEqual(await alice.next("unanswered"), [])

    async def test_an_event_sent_right_after_connecting_is_answered(self):
        alice = self.person()

        async def hurry():
            await alice.emit("echo", "on connect")

        alice.client.on("connect", hurry)
        await alice.connect()
        self.assertEqual(await alice.next("echo"), ["on connect"])

    async def test_many_events_keep_their_order_in_both_directions(self):
        alice = await self.enter()
        await alice.emit("count", 1_000)
        for value in range(1_000):
            await alice.emit("note", value)
        await alice.emit("count", 1_000)
        self.assertEqual(await alice.call("notes"), list(range(1_000)))
        self.assertEqual(await alice.collect("number", 2_000), 2 * list(range(1_000)))

    async def test_text_and_bytes_keep_their_order(self):
        alice = await self.enter()
        sent = [bytes([n]) if n % 2 else n for n in range(100)]
        for value in sent:
            await alice.emit("echo", value)
        self.assertEqual(await alice.collect("echo", len(sent)), sent)

    async def test_two_namespaces_share_one_connection_and_end_apart(self):
        alice = await self.enter(namespaces=["/", "/members"])
        self.assertEqual(await alice.call("where", namespace="/members"), "/members")
        self.assertEqual(await alice.call("where"), "/")

    async def test_a_room_hears_everything_said_in_it(self):
        alice, bob = await self.enter(), await self.enter()
        room = f"room {random.random()}"
        for person in (alice, bob):
            await person.call("join", room)
        await alice.emit("say", room, "hello")
        await alice.emit("say", room, b"\x01\x02\x03")
        for person in (alice, bob):
            self.assertEqual(await person.collect("said", 2), ["hello", b"\x01\x02\x03"])

    async def test_a_client_that_leaves_is_seen_leaving(self):
        name = f"bob {random.random()}"
        alice, bob = await self.enter(), await self.enter({"name": name})
        await bob.leave()
        # With a WebSocket this client says goodbye in WebSocket's own terms.
        reasons = ("client_disconnect", "transport_closed")
        self.assertIn(await alice.call("departure", name), reasons)

    async def test_a_client_shown_out_stays_out_until_it_chooses_to_come_back(self):
        alice = await self.enter()
        await alice.emit("show-me-out")
        self.assertEqual(await alice.next("disconnect"), ["server disconnect"])
        await alice.client.wait()
        await alice.connect()
        self.assertEqual(await alice.call("sum", 2, 2), 4)

    async def test_a_client_whose_connection_ends_comes_back_by_itself(self):
        alice = await self.enter()
        await alice.next("connect")
        before = alice.client.get_sid()
        await alice.emit("cut-me-off")
        await alice.next("disconnect")
        await alice.next("connect")
        self.assertNotEqual(alice.client.get_sid(), before)
        self.assertEqual(await alice.call("echo", "back again"), "back again")

    async def test_an_idle_client_stays_connected_from_ping_to_ping(self):
        alice = await self.enter()
        before = alice.client.get_sid()
        await asyncio.sleep(1)
        self.assertEqual(await alice.call("echo", "still here"), "still here")
        self.assertEqual(alice.client.get_sid(), before)


class PollingThenUpgrade(Scenarios, unittest.IsolatedAsyncioTestCase):
    pass


class WebSocketOnly(Scenarios, unittest.IsolatedAsyncioTestCase):
    transports = ["websocket"]


class PollingOnly(Scenarios, unittest.IsolatedAsyncioTestCase):
    transports = ["polling"]
    settles_on = "polling"

    # Told of a close while it polls, this client takes it as meant and stays away.
    test_a_client_whose_connection_ends_comes_back_by_itself = None
