# The portal's commands. `make run` needs Python 3.11+, make and git; the rest says what it lacks.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
PY = $(VENV)/bin/python
export PORT

.PHONY: run test test-quick check bench messages lock backup restore

run: $(VENV)/.run
	@DEMO=1 $(PY) manage.py compile_catalogues
	@DEMO=1 exec $(PY) manage.py run

test: $(VENV)/.dev
	@$(PY) -m tests.needs
	@DEMO=1 $(PY) manage.py compile_catalogues
	$(PY) -m pytest -q -n 2 --dist loadgroup tests -m "not faults"
	DATABASE=postgresql $(PY) -m pytest -q -n 2 --dist loadgroup tests -m "not browser and not faults and not once"
	DATABASE=postgresql $(PY) -m pytest -q -n 4 tests -m faults  # they wait more than they work

test-quick: $(VENV)/.dev
	@DEMO=1 $(PY) manage.py compile_catalogues
	$(PY) -m pytest -q -n 2 tests -m "not browser and not servers and not thorough"

check: $(VENV)/.dev
	@$(PY) -m tests.needs gettext
	@DEMO=1 $(PY) manage.py compile_catalogues
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/djlint --lint --quiet templates
	$(VENV)/bin/lint-imports
	DEMO=1 $(PY) manage.py makemigrations --check --dry-run
	DEMO=1 $(PY) manage.py check_catalogues
	$(PY) -m tests.production check --deploy --fail-level WARNING

bench: $(VENV)/.dev
	@$(PY) -m tests.needs
	@$(PY) -m tests.needs wrk
	@DEMO=1 $(PY) manage.py compile_catalogues
	$(PY) -m benchmarks

backup: $(VENV)/.run  ## the whole database into one new file in var/backups
	@$(PY) manage.py backup

restore: $(VENV)/.run  ## FILE=var/backups/…; YES=1 replaces what the database holds now
	@test -n "$(FILE)" || { echo "Which back-up? make restore FILE=var/backups/…"; exit 1; }
	@$(PY) manage.py restore "$(FILE)" $(if $(YES),--yes)

messages: $(VENV)/.dev  ## bring new strings into all catalogues
	DEMO=1 $(PY) manage.py extract_messages

lock: $(VENV)/.dev  ## pin what pyproject.toml asks for, with hashes and without any host
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
