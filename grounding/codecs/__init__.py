"""One parser ("codec") for each spelling of a grounded answer: text out of a model, phrases with boxes in."""
