/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "bounds.h"
#include "command.h"
#include "macro.h"
#include "systemd.h"

/* UNIT may be a pattern; NULL: the manager. */
static int show(const char *unit, const char *properties, uint64_t until_us, char **ret,
		size_t *ret_bytes)
{
	static char usr[] = "/usr/bin/systemctl", bin[] = "/bin/systemctl";
	static char verb[] = "show", no_pager[] = "--no-pager", all[] = "--all",
		    dashes[] = "--";
	char property[256], name[UNIT_NAME_BYTES];
	char *argv[] = { access(usr, X_OK) == 0 ? usr : bin,
			 verb,
			 no_pager,
			 all,
			 property,
			 dashes,
			 unit ? name : NULL,
			 NULL };

	snprintf(property, sizeof(property), "--property=%s", properties);
	snprintf(name, sizeof(name), "%s", unit ? unit : "");
	return command_read(argv, LIMIT_SYSTEMCTL_BYTES, until_us, ret, ret_bytes);
}

int systemd_ask_boot(uint64_t until_us, struct boot_times *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = show(NULL, boot_times_properties(), until_us, &text, &bytes);

	return r < 0 ? r : boot_times_parse(text, bytes, ret);
}

int systemd_ask_units(uint64_t until_us, struct unit_times *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r;

	*ret = (struct unit_times){ 0 };
	r = show("*", unit_times_properties(), until_us, &text, &bytes);
	return r < 0 ? r : unit_times_parse(text, bytes, ret);
}

int systemd_ask_default_target(uint64_t until_us, uint64_t *ret_us)
{
	_cleanup_(unit_times_done) struct unit_times t = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = show("default.target", unit_times_properties(), until_us, &text, &bytes);

	if (r == 0)
		r = unit_times_parse(text, bytes, &t);
	if (r < 0)
		return r;
	*ret_us = t.n == 1 ? t.items[0].active_us : 0;
	return 0;
}
