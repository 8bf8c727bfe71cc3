# The same two commands as in README.md, and the parts of the second one.
VENV := .venv/bin

.PHONY: open test unit ui style

open: .venv/open
	$(VENV)/python app.py

test: .venv/dev
	$(VENV)/python -m tests

unit: .venv/dev
	$(VENV)/python -m pytest -m "not ui and not slow"

ui: .venv/dev
	$(VENV)/python -m pytest -m ui

style: .venv/dev
	$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/mypy

.venv/open: requirements.txt
	python3 -m venv .venv && $(VENV)/pip install -r requirements.txt && touch $@

.venv/dev: requirements.txt requirements-dev.txt
	python3 -m venv .venv && $(VENV)/pip install -r requirements-dev.txt && touch $@
