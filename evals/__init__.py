"""The referee: what a draft is worth, in figures that carry their denominator, interval, seed and model.

Not here: anything that changes a draft or a review, or shows a screen.
"""
