"""How requests reach the server: settings, what may be repeated, and what an answer means."""
