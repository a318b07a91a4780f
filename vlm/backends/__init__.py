"""The kinds of backend; with `vlm.embedded` the only place that knows torch and transformers."""
