"""How anyone checks Runline's claims: through public doors."""
