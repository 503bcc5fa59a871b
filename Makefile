# The commands of the project. Longer than a line lives in scripts/.
PYTHON ?= python3
BIN := .venv/bin
SECONDS_EACH ?= 60
ROUNDS ?= 200
SOAK ?= $(addprefix tests/whole/test_,kill.py sessions.py messages.py wills.py)

.PHONY: serve test install install-dev check fmt bench fuzz soak docs

serve: install ## Run the whole server as a demo
	$(BIN)/folkmoot serve --demo

test: install-dev .venv/js/package-lock.json ## Run everything, on SQLite and on PostgreSQL
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/test

install: .venv/runtime ## Make .venv with what the server needs
install-dev: .venv/dev

.venv/runtime: requirements/runtime.txt pyproject.toml
	PYTHON=$(PYTHON) scripts/install runtime

.venv/dev: requirements/dev.txt pyproject.toml
	PYTHON=$(PYTHON) scripts/install dev

.venv/js/package-lock.json: tests/clients/js/package-lock.json .venv/dev
	scripts/install-js

check: install-dev ## Lint, types, import law
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_tree.py

fmt: install-dev ## Format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install-dev ## Measure the hot paths and print a table
	$(BIN)/python -m bench

fuzz: install-dev ## Run every fuzz target for SECONDS_EACH seconds
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS_EACH)

soak: install-dev .venv/js/package-lock.json ## The kill tests, ROUNDS rounds of each (200)
	FOLKMOOT_TEST_ROUNDS=$(ROUNDS) scripts/test $(SOAK)

docs: ## Where to read
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile
