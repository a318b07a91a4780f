"""The grammar of grounded reports: boxes, placements, sentences, codecs, checks.

Pure functions and frozen types. No input or output, no model, no screen.
"""
