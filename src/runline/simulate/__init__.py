"""Simulate: the whole of Runline on one thread, in a time that is made, under every fault, from one seed."""
