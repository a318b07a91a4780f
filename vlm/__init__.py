"""The author: model specs, backends, prompts, drafting, the embedded model. Touches no ledger and no screen."""
