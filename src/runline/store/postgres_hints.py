"""What only PostgreSQL is told."""

from runline.store.hints import Hints

POSTGRESQL = Hints(
    # Its planner has statistics.
    through=lambda index: "",
    looked_up="JOIN",
    among="= ANY(?)",
    listed=sorted,
    by_bytes=' COLLATE "C"',
)
