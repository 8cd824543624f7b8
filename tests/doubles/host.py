"""A host whose clocks are set."""

SECOND_NS = 10**9
HOUR_NS = 3_600 * SECOND_NS
NOON_NS = 1_467_374_400 * SECOND_NS


class SetHost:
    """A host whose clocks stand until time passes."""

    def __init__(self, wall_ns=NOON_NS):
        self.wall = wall_ns
        self.boot = 5 * HOUR_NS
        self.life = "first"
        self.synchronised = False

    def wall_ns(self):
        return self.wall

    def boot_ns(self):
        return self.boot

    def boot_id(self):
        return self.life

    def is_synchronised(self):
        return self.synchronised

    def pass_time(self, passed_ns, drift_ppm=0):
        self.boot += passed_ns
        self.wall += passed_ns + passed_ns * drift_ppm // 1_000_000

    def restart(self):
        """The machine is started again."""
        self.life, self.boot = self.life + "+", 60 * SECOND_NS
