# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   make                     build everything into $(BUILD)
#   sudo make demo           train, compile and prefetch a real program on a cold disk
#   sudo make check          all tests, plain and where memory is at stake under ASan and UBSan;
#                            with SYSTEM=1 also package managers and booted systems
#   sudo make soak           every test in both builds, and in full: an hour and more
#   sudo make matrix         builds and tests in roots of other releases: SUITES="trixie forky"
#   sudo make readme         README's two commands, in fresh roots of these releases
#   sudo make upgrade        packaged profiles in a fresh root, and what an upgrade leaves of them
#   sudo make methods        ways to record, on kernels and file systems, against an oracle: a table
#   sudo make cross          builds for other processors, and what qemu-user can run of the tests
#   sudo make kernels        recorders on other kernels, arm64's too: MACHINES="forky trixie/arm64-16k"
#   make install             DESTDIR and prefix as packagers expect; make uninstall
#   make bench fuzz lint format hdr-check rpm deb clean
#
# DEVELOPER=1 makes warnings errors, SANITIZE=address,undefined builds with sanitizers,
# V=1 shows commands. CFLAGS, CPPFLAGS and LDFLAGS are yours.

VERSION := 0.2

prefix     ?= /usr
bindir     ?= $(prefix)/bin
libexecdir ?= $(prefix)/libexec
libdir     ?= $(prefix)/lib
mandir     ?= $(prefix)/share/man
datadir    ?= $(prefix)/share
docdir     ?= $(datadir)/doc/elfcast
sysconfdir ?= /etc
unitdir    ?= $(prefix)/lib/systemd/system
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
sysusersdir ?= $(prefix)/lib/sysusers.d
zshdir     ?= $(datadir)/zsh/site-functions
# Where rpm looks for macros; empty: not installed.
rpmmacrodir ?=
# What is installed of packaging/initramfs: words of dracut, initramfs-tools, mkinitcpio.
INITRAMFS  ?=

CC         ?= gcc
CFLAGS     ?= -O2 -g
PKG_CONFIG ?= pkg-config
SCDOC      ?= scdoc

comma := ,
ifdef SANITIZE
BUILD    ?= build-$(subst $(comma),-,$(SANITIZE))
SAN_FLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
else
BUILD    ?= build
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	    -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wpointer-arith \
	    -Wwrite-strings -Wcast-qual -Wno-missing-field-initializers
ifdef DEVELOPER
WARNINGS += -Werror
endif

BASE_CFLAGS := -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	       -DELFCAST_VERSION='"$(VERSION)"' -DELFCAST_EXEC_DIR='"$(libexecdir)/elfcast"' -pthread -fno-strict-aliasing $(SAN_FLAGS)

ELF_LIBS  := $(shell $(PKG_CONFIG) --libs libelf 2>/dev/null || echo -lelf)
JSON_LIBS := $(shell $(PKG_CONFIG) --libs json-c 2>/dev/null || echo -ljson-c)
JSON_INC  := $(shell $(PKG_CONFIG) --cflags json-c 2>/dev/null)
ZLIB_LIBS := $(shell $(PKG_CONFIG) --libs zlib 2>/dev/null || echo -lz)
LIBS      := $(ELF_LIBS) $(JSON_LIBS) $(ZLIB_LIBS)
# Optional: without all of them there are no verbs of elfcast-tools.
PKG_LIBS  := $(shell $(PKG_CONFIG) --libs rpm libarchive 2>/dev/null)
PKG_INC   := $(if $(PKG_LIBS),$(shell $(PKG_CONFIG) --cflags rpm libarchive))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

# The house: one noun a folder. A folder may include only those named here, all above it, and
# the build fails where it includes another. The folders down to pack need libc alone, and so
# do those that may see nothing below pack.
USES_format  :=
USES_base    := format
USES_text    := format base
USES_process := format base
USES_file    := format base
USES_disk    := format base
USES_shadow  := format base file
USES_store   := format base text process file disk shadow
USES_state   := format base text file disk shadow store
USES_read    := format base file disk shadow
USES_gain    := format base text file disk shadow store state
USES_units   := format base process file disk shadow store
USES_plot    := format base file disk store state gain units
USES_pack    := format base file disk shadow store state read units
USES_daemon  := format base process file disk shadow store state read pack pace gain
USES_pace    := format base file disk shadow
USES_boot    := format base text process file disk shadow store state read pack pace
USES_preload := format base file disk shadow store read
USES_layout  := format base file
USES_elf     := format base file layout
USES_profile := format base text file disk layout
USES_evidence := format base text file disk layout profile
USES_retarget := format base text file disk layout align elf profile evidence
USES_align   := format base layout
USES_embed   := format base text file disk shadow store state layout elf profile
USES_filelist := format base text file disk shadow layout profile
USES_compile := format base process file disk shadow store state read pack layout elf profile embed evidence retarget
USES_trace/functions := format base file layout
USES_trace   := format base process file disk store layout elf profile trace/functions
USES_trace/paths := $(USES_trace) trace
USES_trace/cpu := base
USES_trace/tracee := format base trace/cpu
USES_trace/system := $(USES_trace) trace
USES_trace/launch := $(USES_trace) trace trace/paths trace/cpu trace/tracee trace/system
USES_trace/running := $(USES_trace) trace trace/paths trace/tracee trace/launch
USES_trace/around := $(USES_trace) trace trace/launch trace/system
USES_bench   := format base process file disk shadow store state read gain
USES_pkg     := format base file layout elf
USES_installed := format base file pkg
USES_cmd     := format base text process file disk shadow store state read gain units plot pack daemon layout elf profile embed evidence retarget compile trace \
		trace/functions trace/tracee trace/launch trace/running trace/system trace/around bench filelist
USES_tools   := format base text process file disk shadow store read layout elf profile embed evidence retarget compile pkg installed cmd

# Folders with code, in that order; pkg, installed and tools where their libraries are.
DIRS     := base text process file disk shadow store state read gain units plot pack daemon pace boot preload layout align elf profile embed evidence retarget compile \
	    trace/functions trace trace/paths trace/cpu trace/tracee trace/system trace/launch trace/running trace/around bench filelist $(if $(PKG_LIBS),pkg installed) cmd $(if $(PKG_LIBS),tools)
includes = $(foreach d,$(USES_$(1)) $(1),-iquote src/$(d))
# Only the folder that includes <json.h>: json-c installs below its own directory.
INC_LIB_profile := $(JSON_INC)
INC_LIB_pkg     := $(PKG_INC)
INC_LIB_installed := $(PKG_INC)
# Folders of the library, which holds all but verbs and what starts a program.
LIB_DIRS := $(filter-out preload pkg installed cmd tools,$(DIRS))
MAINS    := src/daemon/elfcastd.c src/boot/elfcast-prefetch.c src/cmd/elfcast-hook.c
INC_tests := $(foreach d,format $(filter-out cmd tools,$(DIRS)),-iquote src/$(d))

SRC      := $(foreach d,$(DIRS),$(wildcard src/$(d)/*.c))
HEADERS  := $(foreach d,format $(DIRS),$(wildcard src/$(d)/*.h))
OBJ       = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB      := $(BUILD)/libelfcast.a
LIB_SRC  := $(filter-out $(MAINS),$(foreach d,$(LIB_DIRS),$(wildcard src/$(d)/*.c)))
LIB_OBJ  := $(call OBJ,$(LIB_SRC))
CMD_OBJ  := $(call OBJ,$(filter-out $(MAINS),$(wildcard src/cmd/*.c)))
PKG_LIB  := $(if $(PKG_LIBS),$(BUILD)/libelfcast-pkg.a)
TOOLS    := $(if $(PKG_LIBS),$(addprefix $(BUILD)/elfcast-,check retarget status-packages))
# What the tools share with elfcast, and with each other.
TOOL_OBJ := $(call OBJ,src/cmd/cmd.c src/tools/package-told.c src/tools/tool-main.c)
BINARIES := $(addprefix $(BUILD)/,elfcast elfcastd elfcast-hook)
# What is loaded into other programs, and what it takes of the library.
SHARED   := $(BUILD)/libelfcast-prefetch.so
SHARED_SRC := $(wildcard src/preload/*.c) $(addprefix src/,base/clock.c base/io.c base/utf8.c file/buildid.c \
	    file/elf-id.c file/elf-notes.c file/hash.c disk/fstypes.c shadow/embedded-block.c \
	    shadow/shadow-read.c store/store.c store/store-shadows.c read/object-open.c read/plugged.c)
# SCDOC= on the command line: without manuals.
MAN      := $(if $(SCDOC),$(patsubst src/man/%.scd,$(BUILD)/man/%,$(wildcard src/man/*.scd)))

# Tests of src/pkg, where it is built.
PKG_UNIT := tests/unit/test_payload.c tests/unit/test_dpkg.c
PKG_FUZZ := tests/fuzz/fuzz_payload.c tests/fuzz/fuzz_dpkg.c
UNIT_SRC := $(filter-out $(if $(PKG_LIBS),,$(PKG_UNIT)),$(wildcard tests/unit/test_*.c))
FUZZ_SRC := $(filter-out $(if $(PKG_LIBS),,$(PKG_FUZZ)),$(wildcard tests/fuzz/fuzz_*.c))
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
REPLAY   := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/replay_%,$(FUZZ_SRC))
FUZZ     := $(patsubst tests/fuzz/%.c,build-fuzz/%,$(FUZZ_SRC))
PRELOAD  := $(patsubst tests/preload/%.c,$(BUILD)/tests/%.so,$(wildcard tests/preload/*.c))
HELPERS  := $(patsubst tests/helpers/%.c,$(BUILD)/tests/%,$(wildcard tests/helpers/*.c))
LAB      := $(BUILD)/lab/slowdisk

all: $(BINARIES) $(BUILD)/elfcast-prefetch $(BUILD)/installed/elfcast-prefetch $(SHARED) $(TOOLS) $(MAN)

# Before anything is built: all that building needs, or what is missing, by the names of its packages.
$(BUILD)/needs: packaging/check-needs.sh
	@mkdir -p $(@D)
	$(Q)CC='$(CC)' CPPFLAGS='$(CPPFLAGS) $(JSON_INC)' PKG_CONFIG='$(PKG_CONFIG)' SCDOC='$(SCDOC)' $< && touch $@

define compile_dir
$$(BUILD)/src/$(1)/%.o: src/$(1)/%.c Makefile | $$(BUILD)/needs
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)
	$$(Q)$$(CC) $$(BASE_CFLAGS) $$(call includes,$(1)) $$(INC_LIB_$(1)) $$(CPPFLAGS) $$(CFLAGS) -MMD -MP -c -o $$@ $$<
$$(BUILD)/shared/src/$(1)/%.o: src/$(1)/%.c Makefile | $$(BUILD)/needs
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)
	$$(Q)$$(CC) $$(SHARED_CFLAGS) $$(call includes,$(1)) $$(CPPFLAGS) $$(CFLAGS) -fPIC -MMD -MP -c -o $$@ $$<
endef
# No sanitizer: the programs that it is loaded into have none.
SHARED_CFLAGS = $(filter-out $(SAN_FLAGS),$(BASE_CFLAGS)) -fvisibility=hidden -ffunction-sections -fdata-sections
$(foreach d,$(DIRS),$(eval $(call compile_dir,$(d))))

$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

link = $(CC) $(BASE_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(1) -Wl,--as-needed

# What is not used goes, and with it what it would need.
$(SHARED): $(patsubst %.c,$(BUILD)/shared/%.o,$(SHARED_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(SHARED_CFLAGS) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) -Wl,--gc-sections,-z,defs,--as-needed -o $@ $^

# It has the page in it.
$(BUILD)/src/cmd/show-html.o: src/cmd/show-page.html

$(BUILD)/elfcast: $(CMD_OBJ) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(call link,$^) $(LIBS)

$(BUILD)/elfcast-hook: $(call OBJ,src/cmd/elfcast-hook.c) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(call link,$^) $(LIBS)

# These two need libc alone.
$(BUILD)/elfcastd: $(call OBJ,src/daemon/elfcastd.c) $(LIB)
$(BUILD)/elfcast-prefetch: $(call OBJ,src/boot/elfcast-prefetch.c) $(LIB)
$(BUILD)/elfcastd $(BUILD)/elfcast-prefetch:
	$(call say,LINK,$@)
	$(Q)$(call link,$^)
# Whoever is process 1 waits for each page of ld.so and of libc. What is installed needs neither, where there is a libc.a.
$(BUILD)/installed/elfcast-prefetch: $(call OBJ,src/boot/elfcast-prefetch.c) $(LIB) | $(BUILD)/elfcast-prefetch
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(call link,$^) -static-pie 2>/dev/null || cp $(BUILD)/elfcast-prefetch $@

$(PKG_LIB): $(call OBJ,$(wildcard src/pkg/*.c src/installed/*.c))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/elfcast-status-packages: $(call OBJ,src/cmd/summary.c src/cmd/terminal.c src/cmd/text-out.c)
$(BUILD)/elfcast-retarget: $(call OBJ,src/cmd/retarget.c src/cmd/retarget-job.c src/cmd/output.c src/cmd/input-profile.c)
# check.c and check-*.c, and so on.
.SECONDEXPANSION:
$(TOOLS): $(BUILD)/elfcast-%: $$(call OBJ,$$(wildcard src/tools/$$*.c src/tools/$$*-*.c)) \
		$(TOOL_OBJ) $(PKG_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(call link,$(filter %.o,$^) $(filter %.a,$^)) $(LIBS) $(PKG_LIBS)

# The first line is for man(1): the page has tables. scdoc puts a paragraph before and behind each
# heading and in front of the end of each block, where there is none.
$(BUILD)/man/%: src/man/%.scd | $(BUILD)/needs
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)$(SCDOC) < $< > $@.scdoc
	$(Q)(echo "'\\\" t" && cat $@.scdoc) | awk '/^\.P$$/ { n = 1; next } \
		n && !/^\.(SH|SS|RE)/ && last !~ /^\.(SH|SS|TH|RS)/ { print ".P" } \
		{ n = 0; last = $$0; print }' > $@.tmp && mv $@.tmp $@ && rm $@.scdoc

$(BUILD)/tests/test_%: tests/unit/test_%.c $(PKG_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(INC_tests) -iquote tests/unit $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) \
		-o $@ $< $(PKG_LIB) $(LIB) -Wl,--as-needed $(LIBS) $(PKG_LIBS) -lcmocka

$(BUILD)/tests/replay_%: tests/fuzz/%.c tests/fuzz/replay.c $(PKG_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,REPLAY,$@)
	$(Q)$(CC) $(BASE_CFLAGS) -Wno-missing-prototypes $(INC_tests) -iquote tests/fuzz $(CPPFLAGS) \
		$(CFLAGS) $(LDFLAGS) -o $@ $< tests/fuzz/replay.c $(PKG_LIB) $(LIB) \
		-Wl,--as-needed $(LIBS) $(PKG_LIBS)

$(BUILD)/tests/%.so: tests/preload/%.c
	@mkdir -p $(@D)
	$(call say,SO,$@)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -O2 -g -fPIC -shared -o $@ $<

$(BUILD)/tests/%: tests/helpers/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,HELPER,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(INC_tests) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LIBS)

# Needs libfuse3; built only where the lab is used. No sanitizers: it is the disk.
$(LAB): $(wildcard tests/lab/*.[ch])
	@mkdir -p $(@D)
	$(call say,LAB,$@)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -O2 -g -pthread $(CPPFLAGS) \
		$$($(PKG_CONFIG) --cflags fuse3) -o $@ $(filter %.c,$^) $$($(PKG_CONFIG) --libs fuse3) -lm
lab: $(LAB)

# libFuzzer: make fuzz FUZZ_SECONDS=600 [FUZZERS=fuzz_shadow]; the library is built once for all.
FUZZ_SECONDS ?= 60
FUZZERS      ?= $(notdir $(FUZZ))
build-fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(PKG_LIB) $(LIB)
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(BASE_CFLAGS) -Wno-missing-prototypes $(INC_tests) $(PKG_INC) -iquote tests/fuzz \
		$(CFLAGS) -fsanitize=fuzzer -o $@ $< $(PKG_LIB) $(LIB) $(LIBS) $(PKG_LIBS)
fuzz-programs:
	$(Q)$(MAKE) BUILD=build-fuzz CC=clang CFLAGS='-g -O1' \
		SANITIZE=fuzzer-no-link,address,undefined $(FUZZ)
fuzz: deps-fuzz fuzz-programs
	$(Q)for f in $(FUZZERS); do tests/fuzz/run.sh build-fuzz/$$f $(FUZZ_SECONDS) || exit 1; done

# The tests: see tests/run. As root everything runs; without, system tests are skipped.
test-programs: all $(UNIT) $(REPLAY) $(PRELOAD) $(HELPERS)
check: deps-check $(if $(SYSTEM),deps-system)
	$(Q)tests/run --all $(if $(SYSTEM),--system)
system-check: deps-check deps-system
	$(Q)tests/run --system
soak: deps-check deps-system
	$(Q)SOAK=1 tests/run --all --system
matrix: deps-matrix test-programs
	$(Q)tests/matrix/run.sh $(SUITES)
cross: deps-cross
	$(Q)tests/matrix/cross.sh $(ARCHITECTURES)
kernels: deps-kernels
	$(Q)tests/matrix/kernels.sh $(MACHINES)
methods: deps-kernels deps-check test-programs
	$(Q)tests/matrix/methods.sh
	$(Q)TESTS=methods tests/matrix/kernels.sh $(MACHINES)
# All of them on all bench programs, here.
bench-methods: deps-check lab test-programs
	$(Q)KINDS=$(or $(KINDS),ext4) tests/matrix/methods.sh all more
readme: deps-matrix
	$(Q)tests/matrix/readme.sh $(SUITES)
upgrade: deps-matrix
	$(Q)tests/matrix/upgrade.sh $(SUITE)
quick-check: test-programs
	$(Q)tests/run --build $(BUILD)
demo: deps-demo
	$(Q)tests/demo.sh
bench: deps-bench
	$(Q)tests/bench.sh
deps-%:
	$(Q)tests/install-deps.sh $*

# Each header alone, with what its folder may see.
define check_header
	$(Q)$(CC) $(BASE_CFLAGS) -Werror $(call includes,$(1)) $(INC_LIB_$(1)) -Wno-unused -fsyntax-only \
		-x c -include $(2) /dev/null

endef
hdr-check:
	$(foreach d,format $(DIRS),$(foreach h,$(wildcard src/$(d)/*.h),$(call check_header,$(d),$(h))))
lint: hdr-check
	$(Q)tests/lint.sh
format:
	$(Q)clang-format -i $(SRC) $(HEADERS) $(wildcard tests/*/*.c)

install: all
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man5 \
		$(DESTDIR)$(mandir)/man7 $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(docdir) \
		$(DESTDIR)$(datadir)/elfcast/profiles.d $(DESTDIR)$(datadir)/elfcast/evidence.d
	install -m 755 $(BINARIES) $(BUILD)/installed/elfcast-prefetch $(DESTDIR)$(bindir)
	install -D -m 644 -t $(DESTDIR)$(libdir)/elfcast $(SHARED)
	$(if $(TOOLS),install -d $(DESTDIR)$(libexecdir)/elfcast)
	$(if $(TOOLS),install -m 755 $(TOOLS) $(DESTDIR)$(libexecdir)/elfcast)
	for m in $(MAN); do install -m 644 $$m $(DESTDIR)$(mandir)/man$${m##*.}/ || exit 1; done
	install -m 644 README.md LICENSE $(DESTDIR)$(docdir)
	install -m 644 $(wildcard profiles/*.schema.json) packaging/reserve.s $(DESTDIR)$(datadir)/elfcast
	install -d $(DESTDIR)$(datadir)/pkgconfig
	sed 's|@datadir@|$(datadir)|; s|@version@|$(VERSION)|' packaging/elfcast.pc.in \
		>$(DESTDIR)$(datadir)/pkgconfig/elfcast.pc
	chmod 644 $(DESTDIR)$(datadir)/pkgconfig/elfcast.pc
	install -m 644 $(wildcard profiles/collection/*.json) $(DESTDIR)$(datadir)/elfcast/profiles.d
	install -m 644 $(wildcard profiles/evidence/*.json) $(DESTDIR)$(datadir)/elfcast/evidence.d
	install -m 644 profiles/README.md $(DESTDIR)$(docdir)/PROFILES.md
	install -D -m 644 -t $(DESTDIR)$(docdir)/examples profiles/merge-on-dask
	install -d $(DESTDIR)$(sysconfdir)/elfcast/profiles.d
	[ -e $(DESTDIR)$(sysconfdir)/elfcast/elfcast.conf ] || \
		install -m 644 packaging/elfcast.conf $(DESTDIR)$(sysconfdir)/elfcast
	install -D -m 644 -t $(DESTDIR)$(unitdir) packaging/systemd/*.service \
		packaging/systemd/*.timer packaging/systemd/*.target
	install -D -m 644 -t $(DESTDIR)$(tmpfilesdir) packaging/tmpfiles.d/*.conf
	install -D -m 644 -t $(DESTDIR)$(sysusersdir) packaging/sysusers.d/*.conf
	install -D -m 644 packaging/completions/elfcast.bash \
		$(DESTDIR)$(datadir)/bash-completion/completions/elfcast
	install -D -m 644 -t $(DESTDIR)$(zshdir) packaging/completions/_elfcast
	install -D -m 644 -t $(DESTDIR)$(datadir)/fish/vendor_completions.d \
		packaging/completions/elfcast.fish
	$(if $(filter dracut,$(INITRAMFS)),install -D -m 755 -t $(DESTDIR)$(prefix)/lib/dracut/modules.d/95elfcast \
		packaging/initramfs/dracut/*.sh)
	$(if $(filter initramfs-tools,$(INITRAMFS)),install -D -m 755 -t \
		$(DESTDIR)$(datadir)/initramfs-tools/scripts/init-bottom packaging/initramfs/initramfs-tools/elfcast)
	$(if $(filter mkinitcpio,$(INITRAMFS)),install -D -m 644 packaging/initramfs/mkinitcpio/install \
		$(DESTDIR)$(prefix)/lib/initcpio/install/elfcast)
	$(if $(filter mkinitcpio,$(INITRAMFS)),install -D -m 644 packaging/initramfs/mkinitcpio/hook \
		$(DESTDIR)$(prefix)/lib/initcpio/hooks/elfcast)
	$(if $(filter mkinitcpio,$(INITRAMFS)),install -D -m 644 -t $(DESTDIR)$(prefix)/lib/initcpio \
		packaging/initramfs/mkinitcpio/elfcast-initrd.service)
	$(if $(rpmmacrodir),install -D -m 644 -t $(DESTDIR)$(rpmmacrodir) packaging/rpm/macros.elfcast)

# Where systemd runs the machine that things are taken from, what is ours there is stopped, and not enabled any more.
SYSTEMCTL    ?= systemctl
SYSTEMD_RUNS ?= $(if $(DESTDIR),,$(wildcard /run/systemd/system))
UNITS        := $(notdir $(wildcard packaging/systemd/*.service packaging/systemd/*.timer))

# What install puts there, and directories that are empty then. What was learned and set stays.
uninstall: all
	$(if $(SYSTEMD_RUNS),-$(SYSTEMCTL) disable --quiet --now $(UNITS))
	$(Q)tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && \
	$(MAKE) -s install DESTDIR="$$tmp" >/dev/null && \
	rm -f "$$tmp$(sysconfdir)/elfcast/elfcast.conf" && \
	if cmp -s packaging/elfcast.conf "$(DESTDIR)$(sysconfdir)/elfcast/elfcast.conf"; then \
		rm "$(DESTDIR)$(sysconfdir)/elfcast/elfcast.conf"; fi && \
	(cd "$$tmp" && find . -type f) | while read -r file; do rm -f "$(DESTDIR)/$$file"; done && \
	for dir in $(libexecdir)/elfcast $(libdir)/elfcast $(docdir)/examples $(docdir) $(datadir)/elfcast/profiles.d $(datadir)/elfcast/evidence.d $(datadir)/elfcast \
		$(sysconfdir)/elfcast/profiles.d $(sysconfdir)/elfcast; do \
		rmdir "$(DESTDIR)$$dir" 2>/dev/null; done; \
	for dir in $(sysconfdir)/elfcast /var/lib/elfcast; do \
		if [ -e "$(DESTDIR)$$dir" ]; then echo "left, yours: $(DESTDIR)$$dir"; fi; done
	$(if $(SYSTEMD_RUNS),-$(SYSTEMCTL) daemon-reload)

# profiles/collection, trained anew: see profiles/README.md.
JOBS ?= 2
collection: all deps-collection
	$(Q)$(MAKE) BUILD=build-static LDFLAGS=-static build-static/elfcast
	$(Q)profiles/make-collection -j $(JOBS) --output=profiles/collection --report=profiles/collection \
		$(or $(SUITES),bookworm trixie forky)

# Packages of HEAD and of what is changed and known to git, in build/packages/.
rpm deb:
	$(Q)packaging/build-$@.sh

clean:
	rm -rf build build-*

.PHONY: all lab fuzz fuzz-programs test-programs check system-check soak matrix cross kernels methods bench-methods readme upgrade quick-check demo bench hdr-check lint format install uninstall clean \
	collection rpm deb
.DELETE_ON_ERROR:
.SECONDARY:
-include $(wildcard $(BUILD)/src/*/*.d $(BUILD)/src/*/*/*.d $(BUILD)/shared/src/*/*.d $(BUILD)/tests/*.d)
