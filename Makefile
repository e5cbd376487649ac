# Commands for development and operation. `make run` needs Python 3.11+, make and git; others name what is missing.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
PY = $(VENV)/bin/python
export PORT

.PHONY: run test test-quick check format migrations bench messages lock backup restore

run: $(VENV)/.run
	@DEMO=1 $(PY) manage.py compile_catalogues
	@DEMO=1 exec $(PY) manage.py run

test: $(VENV)/.dev
	@$(PY) -m tests.support.needs
	@DEMO=1 $(PY) manage.py compile_catalogues
	@$(PY) -m tests.support.parts

test-quick: $(VENV)/.dev
	@DEMO=1 $(PY) manage.py compile_catalogues
	@$(PY) -m tests.support.parts quick

check: $(VENV)/.dev
	@$(PY) -m tests.support.needs gettext
	@DEMO=1 $(PY) manage.py compile_catalogues
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/djlint --lint --quiet templates
	$(VENV)/bin/lint-imports
	DEMO=1 $(PY) manage.py makemigrations --check --dry-run
	DEMO=1 $(PY) manage.py check_catalogues
	$(PY) -m tests.support.production check --deploy --fail-level WARNING

format: $(VENV)/.dev  ## put the code into the form that `make check` asks for
	$(VENV)/bin/ruff check --fix --exit-zero .
	$(VENV)/bin/ruff format .

migrations: $(VENV)/.dev  ## NAME=what_changes: write and format a migration for changed models
	@test -n "$(NAME)" || { echo "What changes? make migrations NAME=add_rooms"; exit 1; }
	DEMO=1 $(PY) manage.py makemigrations -n "$(NAME)"
	$(VENV)/bin/ruff check --fix --quiet */migrations services/*/migrations
	$(VENV)/bin/ruff format --quiet */migrations services/*/migrations

bench: $(VENV)/.dev
	@$(PY) -m tests.support.needs postgresql redis chromium git wrk || true  # the report names parts that cannot be measured
	@DEMO=1 $(PY) manage.py compile_catalogues
	$(PY) -m benchmarks

backup: $(VENV)/.run  ## save the whole database in a new file in var/backups
	@$(PY) manage.py backup

restore: $(VENV)/.run  ## FILE=var/backups/…: restore a backup; YES=1 replaces existing data
	@test -n "$(FILE)" || { echo "Which backup? make restore FILE=var/backups/…"; exit 1; }
	@$(PY) manage.py restore "$(FILE)" $(if $(YES),--yes)

messages: $(VENV)/.dev  ## extract new strings into all catalogues
	DEMO=1 $(PY) manage.py extract_messages

lock: $(VENV)/.dev  ## pin the dependencies of pyproject.toml with hashes, independent of any package index
	$(VENV)/bin/pip install -q uv
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header -o requirements/run.txt pyproject.toml
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra dev -c requirements/run.txt -o requirements/dev.txt pyproject.toml

$(VENV)/.run: requirements/run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The portal needs Python 3.11 or newer: make PYTHON=python3.12 run")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
