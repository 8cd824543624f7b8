"""The cluster: which processes are there, and who of them owns which stream."""
