"""Requests to the server: settings, retries, and the meaning of answers."""
