"""The embedded vision-language model: its architecture, tokenizer, grammar, training data and training.

Everything here is for making and reading that one model; drafting with it goes through `vlm.backends` like any other.
"""
