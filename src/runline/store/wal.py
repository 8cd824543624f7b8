"""The write-ahead log, read as the file that it is: whether something durable lies behind a place that does not check.

SQLite takes what it finds up to the first frame that does not check and forgets the rest. After a power cut that is right: the
last transaction may be there in part, in any order, and nobody was told of it. But each transaction is synced before the next
begins. So if more than one whole transaction lies behind that place, it was durable, and what stands before it is damaged.

The format: https://sqlite.org/fileformat.html#walformat
"""

import struct
from pathlib import Path

HEADER = struct.Struct(">8I")
"""Magic, version, page size, checkpoint, two salts, two sums."""

FRAME = struct.Struct(">6I")
"""Page, the database's size after the commit (0: not the last frame of one), two salts, two sums."""

MAGIC = (0x377F0682, 0x377F0683)
"""The last bit: whether the sums are over big-endian words."""

MASK = 0xFFFFFFFF


PAGE_BYTES = 4_096
"""Of a log whose header cannot be read."""


def sums(content: bytes, order: str, before: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """The checksum of a content, going on from what came before. order: of the bytes in its words, < or >."""
    first, second = before
    for one, other in struct.iter_unpack(f"{order}II", content):
        first = (first + one + second) & MASK
        second = (second + other + first) & MASK
    return first, second


class Header:
    """What the log says of itself. salts: of the generation that it holds, None if that cannot be read."""

    def __init__(self, content: bytes) -> None:
        magic, _, page_bytes, _, salt, other, first, second = HEADER.unpack(content)
        self.order = ">" if magic & 1 else "<"
        self.page_bytes = page_bytes
        self.salts: tuple[int, int] | None = (salt, other)
        if magic not in MAGIC or sums(content[:24], self.order) != (first, second):
            self.order, self.page_bytes, self.salts = "<", PAGE_BYTES, None


class WalFrame:
    """One frame. salts: whose generation it is of. sums: the checksum up to here. commits: whether a transaction ends here."""

    def __init__(self, content: bytes) -> None:
        _, size, salt, other, first, second = FRAME.unpack_from(content)
        self.content = content
        self.commits = size != 0
        self.salts = (salt, other)
        self.sums = (first, second)

    def follows(self, before: "WalFrame", order: str) -> bool:
        """Whether it was written after that frame: its checksum goes on from there."""
        covered = self.content[:8] + self.content[FRAME.size :]
        return self.salts == before.salts and sums(covered, order, before.sums) == self.sums


def lost_behind(wal: Path, taken: int) -> bool:
    """Whether something durable lies behind the first `taken` frames, those that SQLite takes: a transaction that has ended,
    and the beginning of a next one."""
    if not wal.is_file():
        return False
    with wal.open("rb") as file:
        content = file.read(HEADER.size)
        if len(content) < HEADER.size:
            return False
        header = Header(content)
        size = FRAME.size + header.page_bytes
        file.seek(HEADER.size + taken * size)
        before: WalFrame | None = None
        while len(content := file.read(size)) == size:
            frame = WalFrame(content)
            if header.salts is not None and frame.salts != header.salts:
                before = None
                continue
            if before is not None and before.commits and frame.follows(before, header.order):
                return True
            before = frame
    return False
