"""Acts: what people do in a step, sensible or not, and what becomes of what they hear.

Rule: everybody comes through the same doors. What is sent is a choice among everything that is declared.
"""

from collections.abc import Callable

import msgspec

from runline.domain.messages import HOUSE
from runline.domain.permissions import Permission
from runline.simulate.asking import Asking
from runline.simulate.doors import AT_THE_DOOR, Doors
from runline.simulate.hostile import Strangers
from runline.simulate.knowing import Fields
from runline.simulate.making import made, spoiled
from runline.simulate.network import Answer, Conversation, request
from runline.simulate.nodes import OWNER_NAME
from runline.simulate.people import Errand, Person
from runline.simulate.work import BOOK_WORK, HOUSE_WORK, NODES_WORK, SELDOM
from runline.simulate.world import PASSWORD, World, path_of

ENDED = ("not_signed_in", "signed_out", "revoked", "password_needed")
"""What tells somebody that they have to sign in."""

OWNERS = ("owner", OWNER_NAME)

PEOPLE_MAX = 40
BULK_MAX = 6
DOORS_SEEN = 3
"""Of the bodies that were taken for commands, every which is looked at."""

LATE_S = (0.0, 0.001, 0.5, 30.0)


class Answered(msgspec.Struct):
    """What is looked at in an answer."""

    position: int = 0
    repeated: bool = False
    preview: bool = False
    events: list[msgspec.Raw] = []


decode_answered = msgspec.json.Decoder(Answered).decode


class Acts:
    """What people do in a world. table: acts with their weights, the plainest first."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.decisions = world.decisions
        self.vocabulary = vocabulary = world.vocabulary
        self.strangers = Strangers(world)
        self.asking = Asking(self)
        self.doors = Doors(vocabulary)
        self.public = {
            kind: [
                name
                for name, one in sorted(vocabulary.commands.items())
                if one.needs is not None and not one.secret and kind in one.streams
            ]
            for kind in ("house", "book")
        }
        self.queries = {
            kind: [name for name, one in sorted(vocabulary.queries.items()) if kind in one.streams]
            for kind in ("house", "book")
        }
        self.table: list[tuple[int, Callable[[], object]]] = [
            (50, self.somebody_wagers),
            (14, self.the_house_works),
            (12, self.a_book_works),
            (14, self.somebody_commands),
            (8, self.asking.happen),
            (4, self.somebody_sends_again),
            (3, self.somebody_sends_twice),
            (3, self.somebody_sends_many),
            (2, self.somebody_joins),
            (1, self.somebody_hangs_up),
            (2, self.strangers.come),
            (1, self.somebody_and_their_password),
        ]

    # Who

    def somebody(self, *, players: bool = False, stream: str = "", staff: bool = False) -> Person | None:
        """One of the people who wait for nothing. None: whoever it is has to sign in first."""
        people = [one for one in self.world.people if not one.busy] or self.world.people
        if stream:
            people = [one for one in people if one.stream == stream] or people
        some = [one for one in people if one.user.startswith("P") is players] if players or staff else people
        if staff and self.decisions.draw(2):
            some = [one for one in some if one.user in OWNERS] or some
        person = self.decisions.one(some or people)
        if not person.token and self.decisions.draw(8):
            self.signs_in(person)
            return None
        return person

    def who_may(self, person: Person, needs: Permission | None) -> Person:
        """Somebody, or, if they may not do something, mostly another of their stream who may."""
        known = self.world.known(person.stream)
        access = known.state.access if known is not None else None
        if (
            access is None
            or needs is None
            or person.user not in access.users
            or needs in access.allowed[access.users[person.user].role]
        ):
            return person
        able = [
            one
            for one in self.world.people
            if one.stream == person.stream
            and one.token
            and one.user in access.users
            and needs in access.allowed[access.users[one.user].role]
        ]
        return self.decisions.one(able) if able and self.decisions.draw(3) else person

    def signs_in(self, person: Person) -> None:
        """Somebody whose session has ended, or who has none, signs in."""
        self.world.step("request")
        fields = {"stream": person.stream, "user": person.user, "password": person.password, "device": person.device}
        person.post("/v1/sign-in", fields, self.is_signed_in)

    def is_signed_in(self, errand: Errand, answer: Answer | None) -> None:
        if answer is not None and answer.status == 200:
            found = msgspec.json.decode(answer.body)
            errand.person.token, errand.person.device = found["token"], found["device"]
            errand.person.perhaps = []
        elif answer is not None and code_of(answer.body) == "sign_in_failed":
            errand.person.try_another_password()
        self.hears(errand, answer)

    def somebody_and_their_password(self) -> None:
        """Somebody signs out, gives their password again, or another one, or gives a wrong one."""
        person = self.somebody()
        if person is None:
            return
        self.world.step("request")
        what = self.decisions.draw(4)
        if what == 0:
            person.post("/v1/confirm", {"password": person.password}, self.hears)
        elif what == 1:
            fields = {"old": person.password, "new": f"{PASSWORD} {self.decisions.draw(3)}"}
            person.post("/v1/change-password", fields, self.has_changed)
        elif what == 2:
            person.post("/v1/sign-out", None, self.is_gone)
        else:
            fields = {"stream": person.stream, "user": person.user, "password": "a wrong one"}
            person.post("/v1/sign-in", fields, self.hears)

    def has_changed(self, errand: Errand, answer: Answer | None) -> None:
        """Whoever is not told at once does not know which password counts."""
        if answer is not None and answer.status == 200:
            errand.person.password = errand.fields["new"]
        elif errand.tries > 1 or answer is None:
            errand.person.perhaps.append(errand.fields["new"])
        self.hears(errand, answer)

    def is_gone(self, errand: Errand, answer: Answer | None) -> None:
        errand.person.token = ""
        self.hears(errand, answer)

    # What

    def somebody_wagers(self) -> None:
        """A player wagers, mostly on their own account."""
        person = self.somebody(players=True)
        known = self.world.known(person.stream) if person else None
        if person is None or known is None or known.book is None:
            return
        fields = made(known, self.vocabulary.commands["PlaceWager"])
        if person.user in known.book.tree.players and self.decisions.draw(20):
            fields["player"] = person.user
        self.sends(person, "PlaceWager", fields, "/v1/wagers" if self.decisions.draw(8) else "/v1/place-wager")

    def the_house_works(self) -> None:
        """The house's staff does what it does all day."""
        person = self.somebody(stream=HOUSE)
        if person is not None:
            self.commands(person, self.decisions.one(HOUSE_WORK))

    def a_book_works(self) -> None:
        """A book's staff does."""
        person = self.somebody(staff=True)
        if person is not None:
            of_house = (*HOUSE_WORK, *NODES_WORK) if self.world.cluster else HOUSE_WORK
            name = self.decisions.one(of_house if person.stream == HOUSE else BOOK_WORK)
            self.commands(self.who_may(person, self.vocabulary.commands[name].needs), name)

    def somebody_commands(self) -> None:
        """Anybody sends anything that is declared."""
        person = self.somebody()
        if person is None:
            return
        kind = "house" if person.stream == HOUSE else "book"
        if self.decisions.rarely(15):
            kind = "book" if kind == "house" else "house"
        name = self.decisions.one(self.public[kind])
        if name not in SELDOM or self.decisions.rarely(3):
            self.commands(self.who_may(person, self.vocabulary.commands[name].needs), name)

    def commands(self, person: Person, name: str) -> None:
        """Somebody sends a command: to see what would come of it, or as they have looked before, sometimes."""
        known = self.world.known(person.stream)
        if known is None:
            return
        fields = made(known, self.vocabulary.commands[name])
        if self.decisions.rarely(15):
            fields = spoiled(known, fields)
        params = ""
        if self.decisions.rarely(8):
            params = "?preview=true"
        elif self.decisions.rarely(8):
            params = f"?if_position={max(known.state.seq - self.decisions.draw(6), 0)}"
        self.sends(person, name, fields, f"/v1/{path_of(name)}", params)

    def sends(self, person: Person, name: str, fields: Fields, path: str, params: str = "") -> None:
        """Somebody sends a command."""
        self.world.step("request")
        person.command(name, fields, self.world.new_id(), self.hears, path=path, params=params)

    def somebody_sends_again(self) -> None:
        """The same once more, or, under the same id, something else."""
        person = self.somebody()
        last = person.last if person else None
        if person is None or last is None or not last.id:
            return
        self.world.step("request")
        if self.decisions.rarely(4):
            known = self.world.known(person.stream)
            if known is not None:
                fields = made(known, self.vocabulary.commands[last.what])
                path = f"/v1/{path_of(last.what)}"
                person.command(last.what, fields, last.id, self.hears_reused, path=path)
            return
        person.send(Errand(person, last.what, last.fields, last.data, self.hears, last.id))

    def somebody_sends_twice(self) -> None:
        """What somebody has on its way comes once more, by another connection, perhaps much later."""
        people = [one for one in self.world.people if one.errands and one.errands[0].id]
        if not people:
            return
        errand = self.decisions.one(people).errands[0]
        self.world.loop.call_later(self.decisions.one(LATE_S), self.comes_twice, errand)

    def comes_twice(self, errand: Errand) -> None:
        if self.world.over:
            return
        self.world.step("request")
        conversation = Conversation(lambda answer: self.is_heard_twice(errand, answer))
        pipe = self.world.connect(conversation, errand.person.address, errand.person.stream)
        if pipe is not None:
            conversation.join(pipe)
            conversation.ask(errand.data)

    def is_heard_twice(self, errand: Errand, answer: Answer) -> None:
        self.world.step("delivery")
        code = self.outcome_of(errand, answer if answer.status else None)
        self.world.reached(errand.what, code)
        self.world.tell(f"{errand.person.name} {errand.what}, sent twice: {code}")

    def somebody_sends_many(self) -> None:
        """Several commands in one call."""
        person = self.somebody()
        known = self.world.known(person.stream) if person else None
        if person is None or known is None:
            return
        kind = "house" if known.book is None else "book"
        lines = []
        for _ in range(1 + self.decisions.draw(BULK_MAX)):
            name = "PlaceWager" if known.book and self.decisions.draw(3) else self.decisions.one(self.public[kind])
            if name in SELDOM:
                continue
            fields = made(known, self.vocabulary.commands[name])
            lines.append({"type": name, "command": fields, "id": self.world.new_id()})
        if not lines:
            return
        self.world.step("request")
        body = b"\n".join(map(msgspec.json.encode, lines))
        data = request("POST", "/v1/commands", token=person.token, body=body).replace(b"/json", b"/x-ndjson", 1)
        person.send(Errand(person, "commands", lines, data, self.hears_many))

    def somebody_joins(self) -> None:
        """Somebody who has no password gets one from an owner."""
        by = self.somebody(staff=True)
        known = self.world.known(by.stream) if by else None
        if by is None or known is None or len(self.world.people) >= PEOPLE_MAX:
            return
        there = {one.user for one in self.world.people if one.stream == by.stream}
        new = [user.name for user in known.state.access.users.values() if user.active and user.name not in there]
        if not new:
            return
        user = self.decisions.one(new)
        self.world.step("request")
        by.post("/v1/set-password", {"user": user, "password": PASSWORD}, self.has_joined)

    def has_joined(self, errand: Errand, answer: Answer | None) -> None:
        stream, user = errand.person.stream, errand.fields["user"]
        there = any(one.stream == stream and one.user == user for one in self.world.people)
        if answer is not None and answer.status == 200 and not there:
            self.world.person(stream, user)
        self.hears(errand, answer)

    def somebody_hangs_up(self) -> None:
        """A connection is closed by its client, whatever is on its way."""
        self.decisions.one(self.world.people).hang_up()

    # What comes of it

    def hears(self, errand: Errand, answer: Answer | None) -> None:
        """Somebody has an answer, or has given up."""
        self.world.step("delivery")
        code = self.outcome_of(errand, answer)
        if errand.id and (code in AT_THE_DOOR or self.world.steps % DOORS_SEEN == 0):
            self.world.held(self.doors.answered, errand.what, errand.fields, code)
        self.told(errand, code)

    def hears_reused(self, errand: Errand, answer: Answer | None) -> None:
        """The same, to an id that was used before: if it was accepted now, it was not then, or was the same."""
        self.world.step("delivery")
        code = "unheard" if answer is None else "accepted" if answer.status == 200 else code_of(answer.body)
        if code == "command_reused":
            self.world.held(self.world.referee.was_used, errand.person.stream, errand.id)
        errand.person.last = None
        self.told(errand, code)

    def hears_many(self, errand: Errand, answer: Answer | None) -> None:
        """Each line has its outcome."""
        self.world.step("delivery")
        if answer is None or answer.status != 200:
            self.told(errand, self.outcome_of(errand, answer))
            return
        lines = answer.body.splitlines()
        if len(lines) != len(errand.fields):
            self.world.wrong(f"{len(errand.fields)} commands had {len(lines)} outcomes")
            return
        for sent, line in zip(errand.fields, lines, strict=True):
            code = code_of(line) if b'"error":' in line[:9] else "accepted"
            if code == "accepted":
                self.acknowledged(errand.person.stream, sent["id"], line)
            self.world.reached(sent["type"], code)
        self.told(errand, "answered")

    def told(self, errand: Errand, code: str) -> None:
        """It is noted who heard what."""
        if code in ENDED:
            errand.person.token = ""
        self.world.reached(errand.what, code)
        self.world.tell(f"{errand.person.name} {errand.what} {errand.fields}: {code}")

    def outcome_of(self, errand: Errand, answer: Answer | None) -> str:
        """What has come of something: `accepted`, `answered`, the code of a refusal, or `unheard`."""
        if answer is None:
            return "unheard"
        if answer.status != 200:
            if answer.status == 500:
                self.world.wrong(f"{errand.what} was answered {answer.body.decode('utf-8', 'replace')}")
            return code_of(answer.body)
        if not errand.id:
            self.position_held(errand.person.stream, answer.body)
            return "answered"
        return self.acknowledged(errand.person.stream, errand.id, answer.body)

    def position_held(self, stream: str, body: bytes) -> None:
        """No page is of a position that is not durable."""
        if body.startswith(b'{"position":'):
            self.world.held(self.world.referee.told_position, stream, decode_answered(body).position)

    def acknowledged(self, stream: str, command_id: str, body: bytes) -> str:
        """A client was told that a command is executed."""
        world, answered = self.world, decode_answered(body)
        world.held(world.referee.told_position, stream, answered.position)
        if answered.preview:
            return "previewed"
        if answered.events:
            world.held(world.referee.acknowledged, stream, command_id, answered.position, len(answered.events))
        world.held(world.referee.answered, stream, command_id, body.partition(b'"events":')[2], answered.repeated)
        return "repeated" if answered.repeated else "accepted"


def code_of(body: bytes) -> str:
    """The code of a refusal."""
    try:
        return str(msgspec.json.decode(body)["error"]["code"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "unreadable answer"
