# Two commands do everything: make run, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REFERENCE_DATA ?= ../shared/data

.PHONY: setup run demo test check contract client bench lines messages resolve fresh attack

setup: $(VENV)/runtime.stamp

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { echo "On a bare Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/runtime.stamp: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/runtime.stamp
	$(BIN)/pip install --disable-pip-version-check -r requirements-dev.txt
	touch $@

run: setup
	exec $(BIN)/python manage.py run $(if $(PORT),--port $(PORT))

demo: setup
	$(BIN)/python manage.py run --demo

# The whole suite on SQLite, then everything that touches the database again on PostgreSQL.
test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2
	# Again on PostgreSQL, but for the embedded mode, which is SQLite's, and the browser.
	TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 2 -m "django_db or stack" \
		--ignore tests/embedded --ignore tests/browser

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --fail-on-warn --validate --file /dev/null
	PRODUCTION=true SECRET_KEY=$$(head -c 40 /dev/urandom | base64 -w0) ALLOWED_HOSTS=localhost \
	DATABASE_URL=postgres://localhost/unused REDIS_URL=redis://localhost/0 \
	$(BIN)/python manage.py check --deploy --fail-level WARNING

# The API against its own schema, on a running application with PostgreSQL; the seed is fixed.
contract: $(VENV)/dev.stamp
	$(BIN)/python tests/contract/check.py

# A client generated from the schema works in an environment of its own.
client: $(VENV)/dev.stamp
	$(BIN)/python tests/contract/client.py

# What the schema shows as examples is recorded from what the API answers in tests.
examples: $(VENV)/dev.stamp
	rm -f creativefilter/api/*/examples.json
	RECORD_EXAMPLES=1 $(BIN)/python -m pytest -q tests/api/test_api_examples.py

bench: $(VENV)/dev.stamp
	for name in demonstration recognition screen_text pictures fusion bundle; do \
		$(BIN)/python benchmarks/$$name.py || exit 1; done
	@if [ -f $(REFERENCE_DATA)/transcripts_dev.csv ]; then \
		$(BIN)/python benchmarks/text_model.py --transcripts $(REFERENCE_DATA)/transcripts_dev.csv \
			--mix $(REFERENCE_DATA)/train_segments.csv && \
		$(BIN)/python benchmarks/adaptive.py --transcripts $(REFERENCE_DATA)/transcripts_dev.csv && \
		REFERENCE_DATA=$(REFERENCE_DATA) $(BIN)/python benchmarks/spend_import.py; \
	else echo "text_model.py, adaptive.py and spend_import.py are left out: no reference data in $(REFERENCE_DATA)"; fi

# Whether the pinned requirements can be resolved from the public index alone.
resolve: $(VENV)/bin/python
	$(BIN)/python tools/resolve.py

# The README's commands on a fresh Debian 12; PACKAGES adds the optional ones.
fresh:
	tools/fresh.sh $(PACKAGES)

# Hostile, slow and persistent clients against a running application.
MINUTES ?= 5
attack: $(VENV)/dev.stamp
	$(BIN)/python tests/long/attack.py --minutes $(MINUTES)

# Lines of code by folder, without tests, benchmarks, migrations, comments and docstrings.
lines: $(VENV)/dev.stamp
	$(BIN)/python tools/code_lines.py

# After a change of texts (needs Debian's gettext).
messages:
	$(BIN)/python manage.py makemessages --locale ru --no-location --no-obsolete --ignore .venv \
	--ignore data --ignore build --ignore tests
	$(BIN)/python manage.py compilemessages --locale ru --ignore .venv
