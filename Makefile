# The front door. `make help` says what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build run test faults fuzz check bench compat docs clean packages-build packages-test packages-check packages-faults

# Tests: knobs of `make test`, see tests/run_all.py.
export TEST_SANITIZERS ?= 1
export TEST_FUZZ_SECONDS ?= 20
export QUICKSTART_PORT ?= 9092

help:
	@echo 'make build    install missing Debian 12 packages, build build/release/tidelog'
	@echo 'make run      build, start one broker on 127.0.0.1:$(QUICKSTART_PORT), send it log lines and read them as a group of two; Ctrl-C stops it'
	@echo 'make test     unit, simulator and integration tests; sanitizers (TEST_SANITIZERS=0: without); fuzzing (TEST_FUZZ_SECONDS=0: without)'
	@echo 'make faults   power loss, full, read-only, slow and failing disks: needs root and loop devices (COPIES=200 cuts of the power)'
	@echo 'make fuzz     every fuzz target until it has had an hour of CPU time, over as many runs as that takes (FUZZ_MINUTES=N: this run)'
	@echo 'make check    format, clang-tidy (changed files; CHECK_ALL=1: all), layers, headers, docs, build'
	@echo 'make bench    measure'
	@echo 'make compat   Kafka clients by others against a fresh broker (CLIENTS="kcat java": only those)'
	@echo 'make docs     write docs/configuration.md and the table in docs/protocol.md from what the program has'
	@echo 'make clean    remove build/ (data/ stays)'

packages-build packages-test packages-check packages-faults: packages-%:
	@deploy/packages.sh $*

build: packages-build
	@mkdir -p build && { cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }; }
	@cmake --build --preset release --target tidelog

run: build
	@exec deploy/quickstart.sh

test: packages-test
	@exec python3 tests/run_all.py

# Not a part of `make test`: what it mounts, only root may mount.
COPIES ?= 200
faults: packages-faults build
	@exec python3 tests/faults/run.py --tidelog build/release/tidelog --copies $(COPIES) --keep build/faults

# Goes on where the run before it ended; the account is bench/results/fuzzing.json.
FUZZ_MINUTES ?= 1440
fuzz: packages-test
	@cmake --preset fuzz >/dev/null
	@cmake --build --preset fuzz
	@exec python3 tests/fuzz/endurance.py --minutes $(FUZZ_MINUTES)

check: packages-check
	@exec tests/checks/run.sh

bench: build
	@exec bench/run.sh

compat: packages-test build
	@exec python3 tests/compat/run.py $(CLIENTS)

docs: packages-build
	@cmake --preset release >/dev/null
	@cmake --build --preset release --target render_configuration render_requests
	@python3 tests/checks/docs.py --write build/release/tests/checks/render_configuration build/release/tests/checks/render_requests

clean:
	rm -rf build
