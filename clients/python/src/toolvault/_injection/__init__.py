"""Tools that get their secrets when they are called. This part is common to all frameworks and imports none."""
