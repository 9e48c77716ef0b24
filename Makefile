# The commands of the README. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo test check lock clean
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

lock: $(INSTALLED)  ## write requirements/*.txt anew from pyproject.toml
	$(BIN)/pip-compile -q --extra pg --extra dev --generate-hashes --no-emit-index-url --no-emit-trusted-host \
	  --no-emit-find-links --allow-unsafe --strip-extras -o requirements/dev.txt pyproject.toml
	$(BIN)/pip-compile -q --extra pg --generate-hashes --no-emit-index-url --no-emit-trusted-host \
	  --no-emit-find-links --allow-unsafe --strip-extras -c requirements/dev.txt -o requirements/run.txt pyproject.toml

clean:  ## remove what the commands made
	rm -rf $(VENV) var out
