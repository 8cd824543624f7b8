"""People: those who sit at the clients. They sign in, send commands and questions, and send again what was not answered.

Rule: what is sent again is the same, under the same id. Whoever hears nothing does not know what has become of it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from runline.engine.ids import uuid7
from runline.simulate.network import Answer, Conversation, Pipe, request

PAUSE_S = 0.05
TRIES_MAX = 12

AGAIN = (0, 429, 503)
"""What is sent again after: no answer, and what says that it may be sent again."""

Connect = Callable[[Conversation, str], Pipe | None]
"""How a client is connected, from an address; None if nobody is there."""


Step = Callable[[str], None]
"""Who is told that a step is done, and of which kind."""


class Errand:
    """A request, until it is answered. what: the command or query. id: of a command. then: told of the answer; None: given up."""

    __slots__ = ("alone", "data", "fields", "id", "person", "then", "tries", "what")

    def __init__(
        self,
        person: "Person",
        what: str,
        fields: Any,
        data: bytes,
        then: Callable[["Errand", Answer | None], None],
        command_id: str = "",
        *,
        alone: bool = False,
    ) -> None:
        self.person = person
        self.what = what
        self.fields = fields
        self.data = data
        self.then = then
        self.id = command_id
        self.alone = alone
        self.tries = 0


class Person:
    """Somebody, or a program. stream, user: who they are. token: of their session, "" as long as they have none. perhaps: other
    passwords that may count, for nobody has said. step: told of what is sent once more, and of what it is sent again after."""

    def __init__(
        self, stream: str, user: str, password: str, address: str, loop: Any, connect: Connect, step: Step
    ) -> None:
        self.stream = stream
        self.user = user
        self.password = password
        self.perhaps: list[str] = []
        self.address = address
        self.loop = loop
        self.connect = connect
        self.step = step
        self.token = ""
        self.device = ""
        self.conversation: Conversation | None = None
        self.errands: list[Errand] = []
        self.busy = False
        self.last: Errand | None = None

    @property
    def name(self) -> str:
        """Who it is, in a story."""
        return f"{self.user}@{self.stream}"

    def try_another_password(self) -> None:
        """The one that counted is refused: perhaps another does."""
        if self.perhaps:
            self.perhaps.append(self.password)
            self.password = self.perhaps.pop(0)

    def command(
        self,
        name: str,
        fields: Any,
        command_id: str,
        then: Callable[[Errand, Answer | None], None],
        *,
        path: str,
        params: str = "",
    ) -> Errand:
        """Send a command."""
        body = msgspec.json.encode(fields)
        data = request("POST", path + params, f"idempotency-key: {command_id}", token=self.token, body=body)
        return self.send(Errand(self, name, fields, data, then, command_id))

    def query(self, name: str, params: str, then: Callable[[Errand, Answer | None], None]) -> Errand:
        """Ask something."""
        return self.send(Errand(self, name, params, request("GET", f"/v1/{name}{params}", token=self.token), then))

    def post(self, path: str, fields: Any, then: Callable[[Errand, Answer | None], None]) -> Errand:
        """Send something to a route that is not a command's."""
        data = request("POST", path, token=self.token, body=msgspec.json.encode(fields))
        return self.send(Errand(self, path, fields, data, then))

    def send(self, errand: Errand) -> Errand:
        """Send something, when what was sent before it is answered."""
        self.errands.append(errand)
        if not self.busy:
            self.go_on()
        return errand

    def go_on(self) -> None:
        """Send what is next."""
        if self.busy or not self.errands:
            return
        errand = self.errands[0]
        errand.tries += 1
        conversation = self.conversation
        if conversation is None or not conversation.open:
            conversation = self.conversation = Conversation(self.hear)
            pipe = self.connect(conversation, self.address)
            if pipe is None:
                self.busy = True
                self.again(errand, Answer(0, b""))
                return
            conversation.join(pipe)
        self.busy = True
        if errand.tries > 1:
            self.step("request")
        conversation.ask(errand.data)

    def hear(self, answer: Answer) -> None:
        """What has come of the request that is on its way."""
        errand = self.errands[0]
        if answer.status in AGAIN and not errand.alone:
            if answer.status:
                self.step("delivery")
            self.again(errand, answer)
            return
        self.done(errand, answer if answer.status else None)

    def again(self, errand: Errand, answer: Answer) -> None:
        """Send the same again after a while, unless it was tried often enough."""
        if errand.tries >= TRIES_MAX:
            self.done(errand, answer if answer.status else None)
            return
        self.loop.call_later(PAUSE_S * min(2**errand.tries, 40), self.try_again)

    def try_again(self) -> None:
        self.busy = False
        self.go_on()

    def done(self, errand: Errand, answer: Answer | None) -> None:
        """It is answered, or given up."""
        self.busy = False
        self.errands.pop(0)
        self.last = errand
        errand.then(errand, answer)
        self.go_on()

    def hang_up(self) -> None:
        """They hang up, whatever is on its way."""
        conversation, self.conversation = self.conversation, None
        if conversation is None:
            return
        waiting = conversation.waiting
        conversation.close()
        if waiting:
            self.hear(Answer(0, b""))


def new_id(now_ns: int, entropy: Callable[[int], bytes]) -> str:
    """A command's id."""
    return uuid7(max(now_ns, 0), entropy)
