"""A vault without a server: the rules of resolving, and the operations on secrets."""
