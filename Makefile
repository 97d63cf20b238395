# The suite's commands. Thin: every target calls CMake or a script in ci/, and what it does is told by the sentence beside it.
#
# Variables:
#   VARIANT=dev    make, test: dev release asan tsan msan gcov (fuzz, afl build only); test also takes all
#   TIME=60        fuzz, nightly: seconds for the whole campaign
#   TARGET=name    fuzz: only this one, or a room (rooms: all)    ENGINE=name   fuzz: libfuzzer, afl or ensemble
#   TESTS=quick    fuzz: the coverage that is shown at the end is of quick tests and corpora alone
#   JOBS=n         how many things at once (processors)       MUTANTS=n     prove: n seeded mutants instead of the board
#   PREFIX=/usr/local DESTDIR=   install: where to
VARIANT ?= dev
JOBS    ?=
TIME    ?= 60
TARGET  ?=
ENGINE  ?=
TESTS   ?=
MUTANTS ?=
PREFIX  ?= /usr/local
DESTDIR ?=
# Scripts read these from the environment; empty means their own default.
export CUPEL_JOBS := $(or $(JOBS),$(CUPEL_JOBS))
export TIME TARGET ENGINE TESTS PREFIX DESTDIR

.PHONY: all test fuzz coverage check valgrind prove bench install amalgamation doctor nightly clean help
all: ## Builds one variant into build/VARIANT; binaries are in build/VARIANT/bin.
	@ci/build $(VARIANT)

test: ## Runs all tests of one variant (VARIANT=all: of every variant that tests); five minutes at most by default.
	@ci/test $(VARIANT)

fuzz: ## Fuzzes every target for TIME seconds in all, then shows coverage; finds are kept under fuzz/regressions.
	@ci/fuzz

coverage: ## Runs tests, corpora and sweeps with counters, writes build/coverage and holds it against coverage/gates.conf.
	@ci/bootstrap build test coverage
	@ci/coverage

check: ## Format, lints, docs and quick tests on what changed since origin; under a minute once built.
	@ci/check

valgrind: ## Runs the test programs of the dev variant under memcheck.
	@ci/valgrind

prove: ## Plants known bugs one by one and shows that each is caught (MUTANTS=n: n seeded mutants instead).
	@ci/prove $(if $(MUTANTS),--mutants $(MUTANTS))

bench: ## Builds release, runs every benchmark beside its rival and prints one table (build/reports/bench.md).
	@ci/bench

install: ## Installs libraries, headers, tools, manuals and package files under DESTDIR/PREFIX.
	@ci/install

amalgamation: ## Makes the pair cupel.c and cupel.h, the harness in two files, in build/amalgamation.
	@[ -e build/dev/amalgamation.txt ] || cmake --preset dev >/dev/null
	@ci/amalgamate

doctor: ## Says what this machine can and cannot do, each lack with the command that mends it.
	@ci/doctor

nightly: ## Everything, for hours: long campaigns, all sweeps, benches; prints what it ran.
	@NIGHTLY_TIME=$(if $(filter command line environment,$(origin TIME)),$(TIME)) ci/nightly

clean: ## Removes build/ (corpora and regressions are kept: they are not in it).
	@rm -rf build compile_commands.json

help: ## Prints each target with a sentence, and the variables.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | awk -F'\t' '{ printf "%-14s %s\n", $$1, $$2 }'
	@sed -n 's/^# Variables:/\nVariables:/p; s/^#   /  /p' Makefile
