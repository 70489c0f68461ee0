/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "log.h"
#include "package-told.h"

/* No key is asked: a signature says who made the package, the digests that it is whole. */
static const char *signature_text(const struct package *p)
{
	return p->is_signed ? "signature not verified" : "not signed";
}

void package_told_print(const char *path, const struct package *p, const struct diag *error)
{
	char members[40];

	if (error)
		log_error("%s: %s", path, error->message);
	if (p->counts.n_bad_names > 0)
		log_warning("%s: %" PRIu64 " members with '..' in their names passed over",
			    path, p->counts.n_bad_names);
	if (error)
		return;
	if (p->is_header_only)
		snprintf(members, sizeof(members), "header only");
	else
		snprintf(members, sizeof(members), "%" PRIu64 " members",
			 p->counts.n_members);
	if (p->rpm_format)
		log_info("%s: %s, rpm format %u, %s, digests verified, %s", path, p->name,
			 p->rpm_format, members, signature_text(p));
	else if (p->counts.n_members > 0)
		log_debug("%s: %s, %s", path, p->kind, members);
	else
		log_debug("%s: %s", path, p->kind);
}
