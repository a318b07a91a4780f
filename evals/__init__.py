"""The referee: measures drafts, reviews and pilots. Changes neither a draft nor a review."""
