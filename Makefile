# Two commands: `make demo` and `make test`. `make help` lists the rest.

BUILD := build/release
COMMAND := $(BUILD)/gpucharts
POINTS ?= 100000000
JOBS ?= $(shell nproc)

.PHONY: help
help:
	@echo "make demo    install what is missing, build, draw $(POINTS) points to demo.png"
	@echo "             (POINTS=1000000000 for a billion)"
	@echo "make test    build and run every test, those in browsers too (BROWSERS=chromium for one)"
	@echo "make build   build the command: $(COMMAND)"
	@echo "make wasm    build the engine for browsers: build/wasm{,-threads}/src/web/gpucharts.wasm"
	@echo "make web     build the package gpu-charts and the viewer page (web/dist), for serve too"
	@echo "make test-web  test these alone, in node, Chromium, Firefox and WebKit"
	@echo "make check   format, lint, include ladder, tests under sanitizers"
	@echo "make bench-web  charts of the web side by side, and a billion points, in Chromium"
	@echo "make bench   run the benchmarks (POINTS=1000000000 for the billion-point figures)"
	@echo "make fuzz    build the libFuzzer targets and run each for FUZZ_SECONDS (60)"
	@echo "make soak    100,000 requests cancelled at random, plainly and under the sanitizers"
	@echo "make samples fetch the real data sets of the README and draw them"
	@echo "make clean   remove build/"

.PHONY: build
build:
	@scripts/install.sh build
	@scripts/wgpu_native.sh
	@cmake --preset release -DGCH_TESTS=OFF >/dev/null
	@cmake --build --preset release -j $(JOBS) --target gpucharts

.PHONY: demo
demo: build
	@scripts/demo.sh $(COMMAND) $(POINTS)

.PHONY: test
test:
	@scripts/install.sh build test lavapipe
	@scripts/wgpu_native.sh
	cmake --preset release
	cmake --build --preset release -j $(JOBS)
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)
	@$(MAKE) --no-print-directory web
	scripts/test_web.sh $(BROWSERS)

.PHONY: wasm
wasm:
	@scripts/install.sh build wasm
	@for preset in wasm wasm-threads; do cmake --preset $$preset >/dev/null && \
	    cmake --build --preset $$preset -j $(JOBS) --target gpucharts_wasm || exit 1; done

.PHONY: web
web: wasm
	@cd web && npm ci --silent --ignore-scripts && node build.mjs
	@rm -rf $(BUILD)/viewer && mkdir -p $(BUILD) && cp -r web/dist $(BUILD)/viewer

.PHONY: test-web
test-web: web build
	@scripts/test_web.sh $(BROWSERS)

.PHONY: check
check:
	@scripts/check.sh

.PHONY: soak
soak:
	@scripts/soak.sh

.PHONY: bench
bench:
	@scripts/bench.sh $(POINTS)

.PHONY: bench-web
bench-web: web build
	@scripts/bench_web.sh

.PHONY: fuzz
fuzz:
	@scripts/fuzz.sh $${FUZZ_SECONDS:-60}

.PHONY: samples
samples: build
	@scripts/samples.sh $(COMMAND)

.PHONY: format
format:
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

.PHONY: clean
clean:
	rm -rf build
