/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h> /* which rpmcrypto.h needs */

#include <errno.h>
#include <rpm/rpmcrypto.h>
#include <rpm/rpmkeyring.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <stdio.h>
#include <string.h>

#include "diag.h"
#include "librpm.h"

static bool is_begun, is_configured;

/* The last error, or the first line that says what a digest did not agree with. */
static char last_message[sizeof(((struct diag *)NULL)->message)];

static int keep_message(rpmlogRec rec, _unused_ rpmlogCallbackData data)
{
	const char *text = rpmlogRecMessage(rec);
	bool is_result = strstr(text, "BAD") || strstr(text, "NOTFOUND");

	if (rpmlogRecPriority(rec) <= RPMLOG_ERR || is_result) {
		text += strspn(text, " \t\n");
		/* That is our name for it. */
		if (strncmp(text, "/proc/self/fd/", 14) == 0 && strstr(text, ": "))
			text = strstr(text, ": ") + 2;
		snprintf(last_message, sizeof(last_message), "%.*s",
			 (int)strcspn(text, "\n"), text);
	}
	return 0; /* printed nowhere */
}

const char *librpm_message(const char *otherwise)
{
	return last_message[0] ? last_message : otherwise;
}

int librpm_begin(void)
{
	if (is_begun)
		return 0;
	rpmlogSetCallback(keep_message, NULL);
	rpmSetVerbosity(RPMLOG_INFO); /* with a digest per line */
	if (rpmInitCrypto() != 0)
		return -EIO;
	is_begun = true;
	return 0;
}

int librpm_configure(void)
{
	int r = librpm_begin();

	if (r < 0 || is_configured)
		return r;
	if (rpmReadConfigFiles(NULL, NULL) != 0)
		return -EIO;
	is_configured = true;
	return 0;
}

void librpm_cleanup(void)
{
	if (is_configured)
		rpmFreeRpmrc();
	if (is_begun) {
		rpmFreeMacros(NULL);
		rpmFreeCrypto();
		rpmlogClose();
	}
	is_begun = is_configured = false;
}

rpmts librpm_transaction(void)
{
	rpmKeyring keyring = rpmKeyringNew();
	rpmts ts = rpmtsCreate();

	rpmtsSetKeyring(ts, keyring);
	rpmKeyringFree(keyring);
	rpmtsSetVSFlags(ts, rpmtsVSFlags(ts) | RPMVSF_MASK_NOSIGNATURES);
	rpmtsSetVfyFlags(ts, RPMVSF_MASK_NOSIGNATURES);
	rpmtsSetVfyLevel(ts, RPMSIG_DIGEST_TYPE);
	last_message[0] = 0;
	return ts;
}

bool librpm_file_path(rpmfiles files, int i, char *ret, size_t bytes)
{
	const char *dir = rpmfilesDN(files, rpmfilesDI(files, i));
	const char *base = rpmfilesBN(files, i);

	return dir && base && snprintf(ret, bytes, "%s%s", dir, base) < (int)bytes;
}
