"""iointel: tool objects that hold references, and the files in which workflows are kept."""
