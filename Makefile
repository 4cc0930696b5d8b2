# The two main commands are make run and make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REFERENCE_DATA ?= ../shared/data

.PHONY: setup run demo test check contract client examples bench lines messages mutants resolve fresh attack \
	chaos chaos-long fuzz lanes writers database-away recovery exam

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
	$(BIN)/python -m pytest -n 3
	# Again on PostgreSQL, except tests of the embedded mode, which uses SQLite, of the browser, and
	# those that do not depend on the database.
	TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 3 -m "(django_db or stack) and not any_database" \
		--ignore tests/embedded --ignore tests/browser --ignore tests/long

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/docstrings.py
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --fail-on-warn --validate --file /dev/null
	PRODUCTION=true SECRET_KEY=$$(head -c 40 /dev/urandom | base64 -w0) ALLOWED_HOSTS=localhost \
	DATABASE_URL=postgres://localhost/unused REDIS_URL=redis://localhost/0 \
	$(BIN)/python manage.py check --deploy --fail-level WARNING

# Every operation of the API, called against the schema, on an application with PostgreSQL; the seed is fixed.
contract: $(VENV)/dev.stamp
	$(BIN)/python tests/contract/check.py

# Generate a client from the schema and use it, in an environment of its own.
client: $(VENV)/dev.stamp
	$(BIN)/python tests/contract/client.py

# Record the examples of the schema from the responses of the API in tests.
examples: $(VENV)/dev.stamp
	rm -f creativefilter/api/*/examples.json
	RECORD_EXAMPLES=1 $(BIN)/python -m pytest -q tests/api/test_api_examples.py

# Benchmarks of the model and of imports of spend; the last two need REFERENCE_DATA.
BENCH := demonstration recognition screen_text pictures fusion bundle
bench bench-%: export REFERENCE_DATA := $(abspath $(REFERENCE_DATA))
bench: $(VENV)/dev.stamp
	for name in $(BENCH); do $(BIN)/python benchmarks/$$name.py || exit 1; done
	@if [ -f $(REFERENCE_DATA)/transcripts_dev.csv ]; then \
		$(BIN)/python benchmarks/text_model.py --mix $(REFERENCE_DATA)/train_segments.csv && \
		$(BIN)/python benchmarks/spend_import.py; \
	else echo "text_model.py and spend_import.py are left out: no reference data in $(REFERENCE_DATA)"; fi

# One benchmark of docs/testing.md: make bench-doctor ARGS="--creatives 200000"
bench-%: $(VENV)/dev.stamp
	$(BIN)/python benchmarks/$*.py $(ARGS)

# Check whether the pinned requirements can be resolved from the public index alone.
resolve: $(VENV)/bin/python
	$(BIN)/python tools/resolve.py

# Run the README's commands on a fresh Debian 12; PACKAGES names optional packages to install.
fresh:
	tools/fresh.sh $(PACKAGES)

# Inject every fault into a running site, then check that nothing is lost: about 5 minutes each for
# embedded and PostgreSQL. SEED=3, SEED=1-20; SITE=embedded or postgresql. Needs root.
SEED ?= 1
SITE ?= both
chaos: $(VENV)/dev.stamp
	$(BIN)/python -m tests.long.chaos --seeds $(SEED) --site $(SITE)

chaos-long: $(VENV)/dev.stamp
	$(BIN)/python -m tests.long.chaos --seeds $(SEED) --site $(SITE) --creatives 300 --rounds 4

# Random tables, archives and JSON bodies, SECONDS for each; TARGET is sheets, archives or json.
TARGET ?= *
fuzz: SECONDS ?= 600
fuzz: $(VENV)/dev.stamp
	FUZZ_SECONDS=$(SECONDS) FUZZ_SEED=$(SEED) $(BIN)/python -m pytest -q -s --timeout 0 \
		-p no:cacheprovider --show-capture=no tests/fuzz/test_fuzz_$(TARGET).py

# 1,000 random arrivals, links and deletions: is no version judged on a family that it learned?
exam: $(VENV)/dev.stamp
	EXAM_ARRIVALS=1000 $(BIN)/python -m pytest -q -s --timeout 0 -p no:cacheprovider tests/training/test_exam.py

# Long checks on the running application; docs/testing.md says what they show. ARGS are their options.
lanes writers recovery: $(VENV)/dev.stamp
	$(BIN)/python tests/long/$@.py $(ARGS)

database-away: $(VENV)/dev.stamp
	$(BIN)/python tests/long/database_away.py $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

# Hostile, slow and persistent clients against a running application.
MINUTES ?= 5
attack: $(VENV)/dev.stamp
	$(BIN)/python tests/long/attack.py --minutes $(MINUTES)

# Small changes of the code that its tests must notice: a seeded sample for each area, about 20 minutes.
mutants: $(VENV)/dev.stamp
	$(BIN)/python tools/mutants.py --seed $(SEED) $(ARGS)

# Lines of code by folder, without tests, benchmarks, migrations, comments and docstrings.
lines: $(VENV)/dev.stamp
	$(BIN)/python tools/code_lines.py

# Update the translations after a change of texts (needs Debian's gettext).
messages:
	$(BIN)/python manage.py makemessages --locale ru --no-location --no-obsolete --ignore .venv \
	--ignore data --ignore build --ignore tests
	$(BIN)/python manage.py compilemessages --locale ru --ignore .venv
