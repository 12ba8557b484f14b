# clawjail: `make run` and `make test` set up what they need by themselves, once.
# `make help` lists the targets. Logic longer than a line lives in .ci/ and test/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PREFIX  ?= /usr/local
DESTDIR ?=
UNITDIR ?= /etc/systemd/system
FUZZTIME ?= 5s
BENCHFLAGS ?=

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

ENV   := . .ci/env.sh;
GO    := $(ENV) go
TALLY := go run ./test/tally

PURE_BINARIES := clawjail clawjaild clawjail-stage clawjail-egress clawjail-gateway clawjail-skill clawjail-act clawjail-counter

.PHONY: help deps build run test check unit race kernel vm vm-matrix e2e races chaos fuzz lint \
	generate generate-check bench install uninstall clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' Makefile

deps: ## install everything that build, test, vm and e2e need
	@.ci/deps.sh build test generate vm e2e

build: ## build all binaries into bin/
	@.ci/deps.sh build
	@mkdir -p bin
	$(GO) build -trimpath -tags netgo,osusergo -ldflags '$(LDFLAGS) -linkmode external -extldflags -static' \
		-o bin/clawjail-shim ./cmd/clawjail-shim
	$(ENV) for b in $(PURE_BINARIES); do \
		CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/$$b ./cmd/$$b; done

run: build ## run a small real agent in a jail, with a summary at the end
	@.ci/deps.sh test
	@$(ENV) go build -o build/ ./test/e2e/demo && build/demo -bin bin $(RUNFLAGS)

test: ## everything: lint, unit, race, kernel, VM, end to end, fuzz
	@.ci/deps.sh build
	@.ci/test.sh

check: build ## the fast part of test, under two minutes
	@.ci/deps.sh test
	@$(ENV) test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)"
	$(GO) vet ./...
	@$(ENV) go test -json -short ./... | $(TALLY)

unit: ## unit tests, without privileges
	@.ci/deps.sh build test
	@$(ENV) go test -json ./... | $(TALLY)

race: ## unit tests under the race detector
	@.ci/deps.sh build test
	@$(ENV) CGO_ENABLED=1 go test -race -json ./... | $(TALLY) -prefix race/

kernel: build ## privileged tests on this kernel (as root)
	@.ci/deps.sh test
	@$(ENV) .ci/kernel.sh | $(TALLY) -prefix kernel/ -noskip

vm: build ## the privileged tests on Debian's 6.1 kernel, in a VM
	@.ci/deps.sh test vm
	@$(ENV) go run ./test/vm | $(TALLY) -prefix vm/ -noskip

vm-matrix: build ## the same on Debian's 6.1, 6.12 and newest kernel, in both tiers; 5.10 refuses
	@.ci/deps.sh test vm
	@$(ENV) go run ./test/vm -matrix $(if $(BOOTS),-boots $(BOOTS)) | $(TALLY) -prefix vm/ -noskip

e2e: build ## real agents in jails, in a small internet of their own (as root)
	@.ci/deps.sh test e2e
	@test/e2e/agents.sh
	@$(ENV) go test -json -count=1 -timeout 20m -p 1 -tags e2e ./test/e2e/... ./test/races/... ./test/chaos/... | $(TALLY) -prefix e2e/ -noskip

chaos: build ## 300 kills among 20 working jails; then, in the VM, with a clock that is set (as root)
	@.ci/deps.sh test e2e vm
	@$(ENV) CLAWJAIL_CHAOS_KILLS=$${CLAWJAIL_CHAOS_KILLS:-300} CLAWJAIL_CHAOS_JAILS=$${CLAWJAIL_CHAOS_JAILS:-20} \
		go test -json -count=1 -timeout 1h -tags e2e ./test/chaos/... | $(TALLY) -prefix chaos/ -noskip
	@$(ENV) go run ./test/vm ./test/chaos | $(TALLY) -prefix chaos-vm/ -noskip

races: build ## every attack on the gate as often as promised; hours (as root)
	@.ci/deps.sh test e2e
	@$(ENV) CLAWJAIL_RACE_FULL=1 go test -json -count=1 -timeout 8h -tags e2e ./test/races/... | $(TALLY) -prefix races/ -noskip

fuzz: ## every fuzz target for FUZZTIME (5s)
	@.ci/deps.sh build
	@FUZZTIME=$(FUZZTIME) .ci/fuzz.sh

lint: ## gofmt, go vet, staticcheck, shell syntax
	@.ci/deps.sh build
	@.ci/lint.sh

generate: ## regenerate BPF objects, filters and golden files
	@.ci/deps.sh build generate
	$(GO) generate ./...

generate-check: ## fail if generated files differ from their sources
	@.ci/deps.sh build generate
	@.ci/generate-check.sh

bench: build ## measure against bare, bubblewrap and runc (as root)
	@.ci/deps.sh test bench
	@$(ENV) go build -o build/ ./test/bench && build/bench -bin bin $(BENCHFLAGS)

install: build ## install under PREFIX (DESTDIR is honoured)
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' UNITDIR='$(UNITDIR)' .ci/install.sh install

uninstall: ## remove what install installed; policies and records stay
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' UNITDIR='$(UNITDIR)' .ci/install.sh uninstall

clean: ## remove bin/ and build/
	rm -rf bin build
