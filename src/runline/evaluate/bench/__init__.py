"""Benches: how fast and how steady, on this machine, with fsync on, beside a floor of the same run."""

from runline.evaluate.bench.run import run_benches

__all__ = ["run_benches"]
