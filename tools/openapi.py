"""Write the OpenAPI document of this source to a file: the console's types are generated from it.

python tools/openapi.py FILE
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec

from runline.bootstrap import open_store, outside, running_engine
from runline.config import StoreSettings
from runline.gateway.app import every_operation
from runline.gateway.openapi import make_document
from runline.gateway.server import make_server


async def document_of_this() -> bytes:
    """The document, as JSON."""
    with tempfile.TemporaryDirectory() as temporary:
        database = Path(temporary) / "runline.db"
        async with running_engine(open_store(StoreSettings(database, "inline"))) as (engine, bus):
            gateway = make_server(bus, outside(engine.clock)).gateway
            document = make_document(gateway.door.vocabulary, every_operation(gateway))
            await gateway.close()
    return msgspec.json.format(msgspec.json.encode(document))


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(asyncio.run(document_of_this()))
