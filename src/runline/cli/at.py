"""At: the flags of every command that is sent to a server."""

from typing import Annotated

from cyclopts import Parameter

from runline.remote.where import Where

At = Annotated[Where, Parameter(name="*")]
