# Two commands on a fresh machine: `make demo` and `make test`. Both call `make setup`.
.PHONY: help setup demo test campaign constraints architecture

help:
	@echo "make demo      set up, prepare the demo pilot, serve it on http://127.0.0.1:8501"
	@echo "make test      set up, then every check (under 15 minutes on 2 cores)"
	@echo "make setup     make .venv with .venv/bin/overread"
	@echo "make campaign  the long checks: kills, corpora, fuzzing, servers"

setup:
	@scripts/setup.sh

demo: setup
	@OMP_WAIT_POLICY=PASSIVE .venv/bin/overread demo

test:
	@scripts/setup.sh dev
	@scripts/check.sh

campaign:
	@scripts/setup.sh dev
	@scripts/campaign.sh

constraints:
	@.venv/bin/python scripts/constraints.py

architecture:
	@.venv/bin/python scripts/architecture.py
