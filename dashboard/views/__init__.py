"""The pages: each a script of at most 80 lines that loads, decides and shows."""
