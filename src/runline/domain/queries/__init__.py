"""Queries: what can be asked, declared once, and how it is read where the state is.

Routes, parameters and documentation follow from these declarations. A query of the moment is read from memory (`moment.py`), one
of history from a snapshot of what is stored (`history.py`), and what concerns the process alone is declared in `process.py`. What
only Runline itself asks has declarations of its own (`inside.py`).
"""
