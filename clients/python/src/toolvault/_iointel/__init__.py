"""iointel: tool objects that hold references, and files of workflows."""
