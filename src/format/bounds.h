/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every limit that an input can hit, in one place. Going over one is -E2BIG and a message
 * with both numbers; none of them is a target.
 */
#ifndef ELFCAST_BOUNDS_H
#define ELFCAST_BOUNDS_H

#include <stdint.h>

/* The unit of every format, whatever the CPU's page size. */
#define PAGE_BYTES		4096u
#define PAGE_SHIFT		12

/* Text profiles (the hook parses at most 8 MiB, nested at most 8 deep). */
#define LIMIT_PROFILE_BYTES	(8u << 20)
#define LIMIT_JSON_DEPTH	8u
#define LIMIT_JSON_KEYS		64u	    /* keys of one JSON object */
#define LIMIT_EXTRA_BYTES	(64u << 10) /* text of the value of one unknown key */
#define LIMIT_PROFILE_OBJECTS	16384u
#define LIMIT_PROFILE_PAGE_RUNS (1u << 18) /* all objects together */
#define LIMIT_LOOKUP_DIRS	16384u
#define LIMIT_LOOKUP_NAMES	65536u /* all directories together */
#define LIMIT_PROFILE_RUNS                                                                 \
	1000000000u /* trained.runs: of a fleet, too; twice as many fit 32 bits */
#define LIMIT_WINDOW_MS		 3600000u /* one hour: a whole boot */
#define LIMIT_PATH_BYTES	 4095u	  /* PATH_MAX without its NUL */
#define LIMIT_NAME_BYTES	 128u	  /* scenario, method, arch, kernel */
#define LIMIT_FILE_NAME_BYTES	 255u	  /* NAME_MAX */
#define LIMIT_DIGEST_BYTES	 160u
#define LIMIT_WHEN		 127u /* bucket number, see pageset.h */
/* 16 TiB - 4 KiB: page numbers fit in 32 bits; the largest file ext4 allows. */
#define LIMIT_FILE_BYTES	 ((uint64_t)UINT32_MAX * PAGE_BYTES)

/* Binary containers. */
#define LIMIT_SHADOW_BYTES	 (32u << 20) /* one program's shadow */
#define LIMIT_PACK_BYTES	 (256u << 20)
#define LIMIT_BOOT_REPORT_BYTES	 (1u << 20)
/* What elfcastd keeps in memory; launches worth less are left out. */
#define LIMIT_BUNDLE_BYTES	 (16u << 20)
/*
 * In a program: bytes of its shadow, which elfcastd reads when it is launched, and of all. And how many
 * programs elfcastd looks into.
 */
#define LIMIT_EMBEDDED_SHADOW	 (1u << 20)
#define LIMIT_EMBEDDED_BYTES	 (LIMIT_PROFILE_BYTES + LIMIT_EMBEDDED_SHADOW)
#define LIMIT_EMBEDDED_PROGRAMS	 256u
/* Building a pack: how many (part of a file, launch that shares it) there may be. */
#define LIMIT_PACK_SHARES	 (64u << 20)
#define LIMIT_FIEMAP_RUNS	 65536u /* places of one file on its device */

/*
 * ext4, for one file system: runs of blocks found; for one inode: blocks of its extent tree
 * (1.4 million extents), bytes of a directory (some 300,000 names).
 */
#define LIMIT_EXT4_RUNS		 (1u << 20)
#define LIMIT_EXT4_TREE_BLOCKS	 4096u
#define LIMIT_EXT4_DIR_BYTES	 (16u << 20)

/* ELF files: program headers as binfmt_elf.c allows them; one segment or section of notes. */
#define LIMIT_ELF_HEADERS_BYTES	 65536u
#define LIMIT_SECTIONS_BYTES	 (1u << 20) /* headers of all */
#define LIMIT_ELF_NOTES_BYTES	 (64u << 10)

/*
 * Of an ELF file whose pages are looked for in another build: sections that are loaded, of one
 * of them what is read into memory, functions and gaps between them (Chromium: 0.9 million),
 * pieces of read-only data. What is kept in a profile, before base64: LIMIT_EXTRA_BYTES with it,
 * so that what does not know it keeps it.
 */
#define LIMIT_SECTIONS		 256u
#define LIMIT_SECTION_BYTES	 (256u << 20)
#define LIMIT_FUNCTIONS		 (4u << 20)
#define LIMIT_CALLS		 (4u << 20)
#define LIMIT_PIECES		 (8u << 20)
#define LIMIT_FINGERPRINT_BYTES	 49146u
#define LIMIT_REFERENCES_BYTES	 12288u
/*
 * Aligning functions: cells of all tables, a nanosecond or two each, and of one table, a byte each.
 */
#define LIMIT_ALIGN_CELLS	 (64u << 20)
#define LIMIT_ALIGN_TABLE	 (16u << 20)
/* The largest file that pages are looked for in. */
#define LIMIT_RETARGET_BYTES	 ((uint64_t)4 << 30)

/* Directories of profiles: more than that is an accident or an attack. */
#define LIMIT_PROFILES		 100000u  /* the others by name are not read */
#define LIMIT_PROFILE_NAMES	 1000000u /* then nothing is */
#define LIMIT_PROFILE_NAME_BYTES 200u	  /* leaves room for HASH16. and .shadow */

/* Unit files as systemd reads them (its own bound on a file), and units of one boot. */
#define LIMIT_UNIT_BYTES	 (1u << 20)
#define LIMIT_UNITS		 4096u
#define LIMIT_SYSTEMCTL_BYTES	 (8u << 20) /* what systemctl says of all of them */

/* elfcast.conf; and programs in each of its lists. */
#define LIMIT_CONFIG_BYTES	 (64u << 10)
#define LIMIT_CONFIG_PROGRAMS	 4096u

/*
 * Launch counts: no machine has that many profiled programs, and the whole file is read and
 * written at once. Times: the year 36812.
 */
#define LIMIT_LAUNCHES		 4096u
#define LIMIT_LAUNCH_PATH_BYTES	 1023u
#define LIMIT_LAUNCHES_BYTES	 (LIMIT_LAUNCHES * (LIMIT_LAUNCH_PATH_BYTES + 160u))
#define LIMIT_TIME_S		 1099511627775u
#define LIMIT_VAIN_BOOTS	 1000u	   /* boots without a launch: more say no more */
#define LIMIT_FIRST_MS		 86400000u /* of a boot: its first day */

/*
 * The log of boots: so many that one of 16 makes the six controls that an interval takes. The
 * kernel's own bound on its release's name is 64.
 */
#define LIMIT_BOOTS		 128u
#define LIMIT_KERNEL_BYTES	 64u
#define LIMIT_BOOTS_BYTES	 (LIMIT_BOOTS * 320u)
#define LIMIT_BOOT_BYTES	 ((uint64_t)1 << 50)
#define LIMIT_BOOT_MS		 86400000u

/*
 * The log of launches that were timed: a year of them on a desktop. A launch that takes longer than
 * this waits for somebody.
 */
#define LIMIT_LAUNCH_TIMES	 1024u
#define LIMIT_LAUNCH_MS		 10000u
#define LIMIT_LAUNCH_TIMES_BYTES (LIMIT_LAUNCH_TIMES * (LIMIT_LAUNCH_PATH_BYTES + 32u))

/*
 * The log of this boot's launches: as many as a picture shows. Pages: what 32 bits hold.
 */
#define LIMIT_LAUNCHED		 512u
#define LIMIT_LAUNCH_PAGES	 UINT32_MAX
#define LIMIT_UPTIME_MS		 1099511627775u /* 34 years */
#define LIMIT_LAUNCHED_BYTES	 (LIMIT_LAUNCHED * (LIMIT_LAUNCH_PATH_BYTES + 64u))

/*
 * The log of this boot's launches: as many as a picture shows. Pages: what 32 bits hold.
 */
#define LIMIT_LAUNCHED		 512u
#define LIMIT_LAUNCH_PAGES	 UINT32_MAX
#define LIMIT_UPTIME_MS		 1099511627775u /* 34 years */
#define LIMIT_LAUNCHED_BYTES	 (LIMIT_LAUNCHED * (LIMIT_LAUNCH_PATH_BYTES + 64u))

/* Of its timeline, each of two; more is not read. */
#define LIMIT_BOOT_MOMENTS	 1024u

/* /proc/self/mountinfo; about 100 bytes a mount, and the kernel allows 100,000 mounts. */
#define LIMIT_MOUNTINFO_BYTES	 (64u << 20)

/*
 * Training reads a data file whole for its digest; larger ones (databases, disk images, which a
 * recorded boot may have touched) go without.
 */
#define LIMIT_DIGESTED_BYTES	 (256u << 20)

/* A data file of another size than trained is still read whole up to this many bytes. */
#define LIMIT_WHOLE_DATA_BYTES	 (64u << 10)

/*
 * Packages. An ELF member's build-id is looked for in its first bytes only (they are kept in
 * memory); everything unpacked together, so that a bomb ends; no distribution has a package
 * of a million members.
 */
#define LIMIT_PAYLOAD_ELF_BYTES	 (64u << 20)
#define LIMIT_PAYLOAD_BYTES	 ((uint64_t)64 << 30)
#define LIMIT_PAYLOAD_MEMBERS	 (4u << 20)
#define LIMIT_PAYLOAD_LINKS	 65536u /* hard links to members that are not wanted */
/*
 * Address space of who reads packages: librpm and libarchive take what a package's headers claim (a
 * name of 2 GiB, an xz dictionary of 1 GiB). xz -9 needs 65 MiB, zstd --ultra --long 128 MiB.
 */
#define LIMIT_CHECK_MEMORY_BYTES ((uint64_t)1 << 30)
/* /var/lib/dpkg/status and one package's list of files; 2 MiB and 5 MiB on big systems. */
#define LIMIT_DPKG_BYTES	 (256u << 20)

#endif
