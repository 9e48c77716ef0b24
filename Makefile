# The commands of the README. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo test lock clean
help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(INSTALLED): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

demo: $(INSTALLED)  ## set everything up and run the main job: fixtures through one gateway into another
	$(BIN)/ecm-gateway demo

test: $(INSTALLED)  ## set everything up and run every check and test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto

LOCK := $(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	--allow-unsafe --strip-extras
lock: $(INSTALLED)  ## write requirements/*.txt anew from pyproject.toml
	$(LOCK) --extra pg --extra dev -o requirements/dev.txt pyproject.toml
	$(LOCK) --extra pg -c requirements/dev.txt -o requirements/run.txt pyproject.toml
	$(LOCK) -c requirements/dev.txt -o requirements/build.txt requirements/build.in

clean:  ## remove what the commands made
	rm -rf $(VENV) var out
