"""Tools that get their secrets at the call. What frameworks have in common; none of them is imported here."""
