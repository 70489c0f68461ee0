/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container on disk; elfcast-shadow(5) is the specification. Shadows, packs and the
 * compile index are this one format and have one parser, shadow/shadow-read.
 *
 *   header | launches | objects | extents | strings
 *
 * Sections follow each other without padding, every byte of the file belongs to one.
 * Extents lie in reading order; the extents of each object are also a chain by page, which
 * is how a reader without memory knows that none overlap and what one object needs. In a
 * pack launches lie in order of rank, and each extent names the first that needs it; the
 * boot's own extents come first, and the header says how many that are. In an
 * index extents say which objects a launch depends on. In a bundle each launch has all its
 * extents, so that those of one object overlap, and are no chain. The last strings of a shadow
 * or bundle are what launches look up: each directory, and then the names in it.
 *
 * Behind a shadow its file may hold a container of PLACES: where the metadata of its launch lies.
 */
#ifndef ELFCAST_SHADOW_FORMAT_H
#define ELFCAST_SHADOW_FORMAT_H

#include "le.h"

#define SHADOW_MAGIC                                                                       \
	"\x7f"                                                                             \
	"ECSHDW\n" /* 8 bytes */
#define SHADOW_VERSION	     1u
#define SHADOW_BUILDID_BYTES 32
#define SHADOW_NONE	     UINT32_MAX
#define SHADOW_UUID_BYTES    16 /* of a file system, in PLACES */

/* Among the names of a directory: all of them are listed. */
#define SHADOW_LISTED	     "."

enum shadow_kind {
	SHADOW_KIND_SHADOW = 1, /* one launch, read by prefetch */
	SHADOW_KIND_PACK = 2,	/* many launches, read at boot */
	SHADOW_KIND_INDEX = 3,	/* what the last compile saw */
	SHADOW_KIND_PLACES = 4, /* metadata blocks of file systems, read before a pack */
	SHADOW_KIND_OWN = 5,	/* files of this machine alone, told by their inode */
	SHADOW_KIND_BUNDLE = 6, /* many launches, each read when it comes */
};

/* What compile found where the profile names a file. */
enum object_state {
	OBJECT_MISSING = 0,    /* no such file; identity is zero */
	OBJECT_UNUSABLE = 1,   /* a link, directory, FIFO, device, or unreadable */
	OBJECT_STALE = 2,      /* other build-id, or other size: skipped */
	OBJECT_VALID = 3,      /* build-id or size as trained */
	OBJECT_WHOLE = 4,      /* small data file of another size: read whole */
	OBJECT_FILESYSTEM = 5, /* in a bundle: as an object of places */
	OBJECT_STATES,
};

enum storage_class {
	STORAGE_ROTATIONAL = 0,
	STORAGE_NETWORK = 1, /* about 1 ms a request, many at once */
	STORAGE_FLASH = 2,
	STORAGE_IMAGE = 3, /* squashfs, erofs: compressed, no physical order */
	STORAGE_CLASSES,
};

struct shadow_header {
	uint8_t magic[8];
	le32 version;
	le32 kind;	 /* enum shadow_kind */
	le64 file_bytes; /* of the whole file */
	le64 xxh3;	 /* XXH3-64 of the whole file with this field zero */
	le32 n_launches;
	le32 n_objects;
	le32 n_extents;
	le32 strings_bytes;
	le32 n_eager;	/* the first extents, read during the boot; pack, places, own */
	le32 n_lookups; /* strings behind those of the objects; shadow, bundle */
	uint8_t reserved[8]; /* zero */
};

struct shadow_launch {
	le32 program; /* string offsets */
	le32 scenario;
	le32 arch;
	le32 name; /* profile file name; in a shadow the link that is launched, or "" */
	/*
	 * Index: objects that are the profile's and the shadow's file. Bundle: what it looks up, the
	 * first string and how many. Else, and where there is none, SHADOW_NONE.
	 */
	le32 source;
	le32 target;
	le32 first_extent; /* both 0 in a pack */
	le32 n_extents;
};

struct shadow_object {
	le32 path;	       /* string offset; absolute below the root */
	uint8_t buildid_bytes; /* 0: a data file */
	uint8_t state;	       /* enum object_state */
	uint8_t storage;       /* enum storage_class */
	uint8_t confidence; /* 0: trained; else retargeted: of 100 pages so many are needed */
	uint8_t buildid[SHADOW_BUILDID_BYTES]; /* zero past buildid_bytes */
	le64 wanted_bytes;		       /* size in the profile */
	/* Identity of the file found; all zero when MISSING. */
	le64 ino;
	le64 size_bytes;
	le64 mtime_ns; /* since the epoch, two's complement */
	le64 ctime_ns;
	le32 first_extent; /* the one with the lowest page, SHADOW_NONE: no extents */
};

/* In an index only object says something: the others are zero, next SHADOW_NONE. */
struct shadow_extent {
	le32 object;
	le32 first_pgno;
	le32 n_pages;
	le32 when; /* bucket of first touch, see elfcast-profile(5); in a pack: launch */
	le32 next; /* extent of the same object with the next higher page, or SHADOW_NONE */
};

_Static_assert(sizeof(struct shadow_header) == 64, "header");
_Static_assert(sizeof(struct shadow_launch) == 32, "launch");
_Static_assert(sizeof(struct shadow_object) == 84, "object");
_Static_assert(sizeof(struct shadow_extent) == 20, "extent");

/* The scenario of what `elfcast train --system` records: a boot, which happens once a boot. */
#define SCENARIO_BOOT "boot"

#endif
