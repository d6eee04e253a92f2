"""A bot for Rooms: it answers "echo: ..." to each message in its rooms, and to each message once.

    pip install websockets
    python3 bot.py http://localhost:8080 bot@example.com "a password"

With --kit it speaks with the conformance kit (docs/conformance.md). The protocol is in docs/protocol.md.
"""

import asyncio
import json
import random
import sys
import urllib.error
import urllib.request
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

MAX_FRAME_ROOMS = 250  # A Resume frame has at most 16 KB.
MAX_SILENCE_SECONDS = 60  # Heads comes every 25 s, so a silent connection is dead.
HTTP_TIMEOUT_SECONDS = 15


class Refused(Exception):
    """Rooms has refused an HTTP request. `retry` says what to do."""

    def __init__(self, answer, retry_after):
        super().__init__(answer.get("code"))
        self.retry = answer.get("retry", "same_ref")  # Without this field, the answer is from a proxy.
        self.retry_after = retry_after


class Command:
    """A command without an outcome. It keeps its ref until it has one."""

    def __init__(self, frame, key):
        self.frame = frame
        self.key = key
        self.connection = None  # The connection that may bring the outcome.
        self.refusals = 0


class Connection:
    """One socket. After GoingAway there are two for some time."""

    def __init__(self, socket):
        self.socket = socket
        self.is_ready = False  # True after the last Welcome.
        self.is_leaving = asyncio.Event()
        self.retry_after = 0

    async def send(self, frame):
        try:
            await self.socket.send(json.dumps(frame))
        except ConnectionClosed:
            pass  # The reader of this connection sees the close too.


class Client:
    """A client that misses no message and sends each command until it has its outcome."""

    def __init__(self, url, email, password, on_message, on_outcome, on_loaded):
        self.url, self.email, self.password = url, email, password
        self.on_message, self.on_outcome, self.on_loaded = on_message, on_outcome, on_loaded
        self.token = None
        self.user_id = None
        self.epoch = None
        self.positions = {}  # For each room, the seq of the last message that is handled.
        self.filling = set()  # Rooms for which a Resume is on its way.
        self.held = {}  # Messages that wait until the history of their room is loaded.
        self.must_load = False  # True after the close code 4001, and in another epoch.
        self.pending = {}  # The commands without an outcome, by ref, in their order.
        self.current = None  # The connection for new commands.
        self.failures = 0
        self.tasks = set()

    async def run(self):
        """Stays connected. Returns when only a person can remove the cause of the last close."""
        while True:
            wait = 0
            try:
                connection = await self.open()
                end = self.start(self.receive(connection))
                leave = self.start(connection.is_leaving.wait())
                await asyncio.wait({end, leave}, return_when=asyncio.FIRST_COMPLETED)
                if end.done():
                    wait = self.after_close(connection)
                leave.cancel()
            except Refused as refused:
                if refused.retry == "no":
                    raise
                wait = refused.retry_after
            except InvalidStatus as refused:
                wait = float(refused.response.headers.get("Retry-After", 0))
            except (OSError, InvalidHandshake, TimeoutError):
                pass  # No gateway answers.
            if wait is None:
                return
            # A random time, so that the clients of a gateway do not all come back together.
            await asyncio.sleep(wait + random.uniform(0, min(30, 2 * 2**self.failures)))
            self.failures += 1

    async def send(self, room_id, text, key=None, ref=None):
        frame = {"command": "CreateMessage", "roomId": room_id, "text": text, "ref": ref or str(uuid.uuid4())}
        self.pending.setdefault(frame["ref"], Command(frame, key))
        await self.send_pending()

    async def open(self):
        if self.token is None:
            answer, _ = await self.request("POST", "/api/users/login", {"email": self.email, "password": self.password})
            self.token = answer["token"]
        socket = await connect(
            self.url.replace("http", "ws", 1) + "/api/ws?resume=true",
            additional_headers={"Authorization": "Bearer " + self.token},
            subprotocols=["rooms.v1"],
            max_size=None,
            close_timeout=1,
        )
        connection = Connection(socket)
        for frame in self.resume_frames():
            await connection.send(frame)
        return connection

    def resume_frames(self):
        rooms = list(self.positions.items())
        parts = [rooms[start : start + MAX_FRAME_ROOMS] for start in range(0, len(rooms), MAX_FRAME_ROOMS)] or [[]]
        for number, part in enumerate(parts, 1):
            frame = {"command": "Resume", "rooms": dict(part)}
            if self.epoch:
                frame["epoch"] = self.epoch
            if number < len(parts):
                frame["more"] = True
            yield frame

    async def receive(self, connection):
        """Handles the frames of one connection until it ends."""
        try:
            while True:
                async with asyncio.timeout(MAX_SILENCE_SECONDS):
                    data = await connection.socket.recv()
                await self.handle(json.loads(data), connection)
        except (ConnectionClosed, TimeoutError):
            connection.socket.transport.abort()
        for command in self.pending.values():
            if command.connection is connection:
                command.connection = None
        if self.current is connection:
            self.current = None
        await self.send_pending()

    def after_close(self, connection):
        """Returns the seconds to wait before the next connection, or None if there must be none."""
        code = connection.socket.close_code or 1006
        if code == 4001:
            self.epoch, self.must_load = None, True
            self.positions.clear()
        if code == 4401:
            self.token = None
        elif 4400 <= code < 4500:
            return None
        return max(connection.retry_after, 1.5) if 4100 <= code < 4200 else 0

    async def handle(self, frame, connection):
        command = frame.get("command")
        if command == "Welcome":
            await self.welcome(frame, connection)
        elif command == "Ack":
            await self.finish(frame, connection)
        elif command == "Error":
            await self.refuse(frame, connection)
        elif command == "GoingAway":
            connection.is_leaving.set()
        elif command == "Resync":
            self.load(frame["roomId"], frame["seq"])
        elif command == "Left":
            self.positions.pop(frame["roomId"], None)
        elif command == "Heads":
            for room_id, head in frame["rooms"].items():
                if head > self.positions.get(room_id, head):
                    await self.fill(room_id, connection)
        elif command == "Resumed":
            self.filling.clear()
            self.failures = 0
        elif "userId" in frame and "seq" in frame:
            await self.take(frame, connection)

    async def welcome(self, frame, connection):
        self.user_id = frame["user"]["id"]
        is_new_epoch = frame["epoch"] != self.epoch
        self.must_load = self.must_load or (is_new_epoch and self.epoch is not None)
        for room in frame["rooms"]:
            if is_new_epoch or room["id"] not in self.positions:
                # A room that the user joined meanwhile begins with the AddUser message.
                starts_at_head = is_new_epoch or room["since"] == 0
                self.positions[room["id"]] = room["seq"] if starts_at_head else room["since"] - 1
            if self.must_load:
                self.load(room["id"], room["seq"])
        if frame.get("more"):
            return
        self.epoch = frame["epoch"]
        self.must_load = False
        self.filling.clear()
        old, self.current = self.current, connection
        connection.is_ready = True
        await self.send_pending()
        await self.close_if_done(old)

    async def take(self, message, connection):
        room_id, seq = message["roomId"], message["seq"]
        position = self.positions.get(room_id)
        if position is not None and seq <= position:
            return  # A copy.
        is_own = self.user_id == (message["userId"] if message["command"] == "CreateRoom" else message["targetId"])
        is_start = is_own and message["command"] in ("AddUser", "CreateRoom")
        if not is_start and seq != (position or 0) + 1:
            return await self.fill(room_id, connection)
        if message["command"] == "DeleteRoom" or (is_own and message["command"] == "RemoveUser"):
            self.positions.pop(room_id, None)
        else:
            self.positions[room_id] = seq
        if room_id in self.held:
            self.held[room_id].append(message)
        else:
            await self.on_message(message)

    async def fill(self, room_id, connection):
        """Asks for the messages after the position, once."""
        if room_id in self.filling or room_id not in self.positions:
            return
        self.filling.add(room_id)
        rooms = {room_id: self.positions[room_id]}
        await connection.send({"command": "Resume", "epoch": self.epoch, "rooms": rooms})

    async def fill_again(self, connection):
        """A Resume on an open socket may be refused. The Error has no ref then."""
        rooms = list(self.filling)
        await asyncio.sleep(connection.retry_after)
        self.filling.clear()
        for room_id in rooms:
            await self.fill(room_id, connection)

    def load(self, room_id, seq):
        """Loads the history of a room. Its messages wait meanwhile."""
        self.positions[room_id] = seq
        self.filling.discard(room_id)
        self.held[room_id] = held = []
        self.start(self.load_history(room_id, seq, held))

    async def load_history(self, room_id, seq, held):
        page_seq = -1
        while page_seq < seq:
            try:
                messages, headers = await self.request("GET", f"/api/messages/{room_id}?size=100")
                page_seq = int(headers["Rooms-Seq"])
            except Refused as refused:
                if refused.retry == "no":
                    break  # The user has left the room.
                await asyncio.sleep(refused.retry_after + 0.5)
            except OSError:
                await asyncio.sleep(1)
        if self.held.get(room_id) is not held:
            return  # Another load of this room has begun.
        del self.held[room_id]
        if page_seq >= 0:
            await self.on_loaded(room_id, page_seq, messages)
            if room_id in self.positions:
                self.positions[room_id] = max(page_seq, self.positions[room_id])
        for message in held:
            if message["seq"] > page_seq:
                await self.on_message(message)

    async def send_pending(self):
        if self.current is None or self.current.is_leaving.is_set():
            return
        for command in list(self.pending.values()):
            if command.connection is None:
                command.connection = self.current
                await self.current.send(command.frame)

    async def finish(self, ack, connection):
        command = self.pending.pop(ack.get("ref"), None)
        if command:
            await self.on_outcome(command, {"outcome": "committed", "seq": ack["seq"]})
        await self.close_if_done(connection)

    async def refuse(self, error, connection):
        command = self.pending.get(error.get("ref"))
        if command is None:
            connection.retry_after = error.get("retryAfter", 0)
            self.start(self.fill_again(connection))
        elif error.get("retry") in ("no", "new_ref"):
            del self.pending[error["ref"]]
            await self.on_outcome(command, {"outcome": "refused", "code": error["code"]})
        elif error.get("retry") == "after_login":
            self.token = None
            await connection.socket.close()  # The next connection has a new token, and sends the command again.
        else:
            self.start(self.send_again(command, error.get("retryAfter", 0)))
        await self.close_if_done(connection)

    async def send_again(self, command, retry_after):
        wait = max(retry_after, min(4, 0.5 * 2**command.refusals))
        command.refusals += 1
        await asyncio.sleep(wait)
        command.connection = None
        await self.send_pending()

    async def close_if_done(self, connection):
        """The old connection stays until each of its commands has an outcome."""
        if connection in (None, self.current) or not connection.is_ready:
            return
        if not any(command.connection is connection for command in self.pending.values()):
            await connection.socket.close()

    async def request(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)

        def send():
            with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_SECONDS) as response:
                return json.load(response), response.headers

        try:
            return await asyncio.to_thread(send)
        except urllib.error.HTTPError as error:
            if error.code == 401:
                self.token = None
            try:
                answer = json.load(error)
            except ValueError:
                answer = {}
            raise Refused(answer, float(error.headers.get("Retry-After", 0))) from None

    def start(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)  # asyncio forgets tasks that nobody keeps.
        task.add_done_callback(self.tasks.discard)
        return task


async def echo(url, email, password):
    """Answers each message of others. The ref depends on the message, so no message gets two answers."""

    async def on_message(message):
        if message["command"] != "CreateMessage" or message["userId"] == client.user_id or not message["text"]:
            return
        ref = str(uuid.uuid5(uuid.UUID(message["id"]), "echo"))
        await client.send(message["roomId"], ("echo: " + message["text"])[:500], ref=ref)

    async def on_outcome(command, outcome):
        print(command.frame["text"], outcome, flush=True)

    async def on_loaded(room_id, seq, _messages):
        print(f"the messages of the room {room_id} up to {seq} are not answered", flush=True)

    client = Client(url, email, password, on_message, on_outcome, on_loaded)
    await client.run()


async def kit():
    """Reads what to do from standard input, and writes what happened to standard output."""

    def write(line):
        print(json.dumps(line), flush=True)

    async def on_message(message):
        write({"message": message})

    async def on_outcome(command, outcome):
        write({**outcome, "key": command.key})

    async def on_loaded(room_id, seq, _messages):
        write({"loaded": room_id, "seq": seq})

    client = running = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        if order["do"] == "start":
            client = Client(order["url"], order["email"], order["password"], on_message, on_outcome, on_loaded)
            running = asyncio.create_task(client.run())
        else:
            await client.send(order["roomId"], order["text"], key=order["key"])
    running.cancel()


if __name__ == "__main__":
    asyncio.run(kit() if sys.argv[1:] == ["--kit"] else echo(*sys.argv[1:4]))
