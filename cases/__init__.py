"""The record: studies and notes in, drafts and reviews kept, an append-only ledger, result objects out.

Knows no model and no screen.
"""
