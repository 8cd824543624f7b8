"""What only SQLite is told."""

import json

from runline.store.hints import Hints

SQLITE = Hints(
    # Its planner has no statistics here and would walk the primary key, through all of history.
    through=lambda index: f" INDEXED BY {index}",
    # It never changes the order of the tables around this one.
    looked_up="CROSS JOIN",
    among="IN (SELECT value FROM json_each(?))",
    listed=lambda names: json.dumps(sorted(names)),
)
