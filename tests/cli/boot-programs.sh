#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Which programs a boot starts, told from the unit files of a fake root: aliases, masks, templates,
# drop-ins, conditions, order, the bus, scripts.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root U=$TMP/root/usr/lib/systemd/system E=$TMP/root/etc/systemd/system
mkdir -p "$U" "$E" "$R/usr/bin" "$R/usr/lib/systemd" "$R/opt"
chmod -R go-w "$R"
umask 022

program() { # path [first line]
	printf '%s\n' "${2:-}" >"$R$1"
	chmod 755 "$R$1"
}
# unit NAME [LINE...]: in /usr/lib; each [Service] of ours runs /usr/bin/NAME
unit() {
	local name=$1
	shift
	printf '%s\n' "$@" >"$U/$name"
}
service() { # NAME [LINE of [Unit]...]
	local name=$1
	shift
	program "/usr/bin/$name"
	unit "$name.service" "[Unit]" "$@" "[Service]" "ExecStart=/usr/bin/$name --option"
}
wants() { # TARGET UNIT...: enabled by links, as systemctl does
	local target=$1 u
	shift
	mkdir -p "$E/$target.wants"
	for u; do ln -sf "/usr/lib/systemd/system/$u" "$E/$target.wants/$u"; done
}
found() { "$BUILD/tests/boot-programs" "$R"; }
names() { found | sed 's# .*##; s#.*/##' | paste -sd ' '; }

same "no systemd: no programs" "" "$(found)"

program /usr/lib/systemd/systemd
unit multi-user.target "[Unit]" "Requires=basic.target"
unit basic.target "[Unit]" "Requires=sysinit.target"
unit sysinit.target "[Unit]"
ln -s multi-user.target "$U/default.target"
service z-early "DefaultDependencies=no" "Before=sysinit.target"
service a-late
service b-middle "Before=a-late.service"
service not-wanted
wants sysinit.target z-early.service
wants multi-user.target a-late.service b-middle.service
same "in the order in which they start" "systemd z-early b-middle a-late" "$(names)"
chmod 666 "$U/b-middle.service"
same "a unit that others may write is not read" "systemd z-early a-late" "$(names)"
chmod 644 "$U/b-middle.service"
if [ "$(id -u)" = 0 ]; then
	chown 65534 "$U/b-middle.service"
	same "nor somebody else's" "systemd z-early a-late" "$(names)"
	chown 0 "$U/b-middle.service"
else
	skip "nor somebody else's" "needs root"
fi
same "the unit is named" "$R" "$(found | grep -q '^/usr/bin/a-late a-late.service$' && echo "$R")"

service needed
mkdir "$U/a-late.service.d"
printf '[Unit]\nWants=needed.service\nAfter=needed.service\n' >"$U/a-late.service.d/10.conf"
same "a drop-in adds a need" "systemd z-early b-middle needed a-late" "$(names)"
program /usr/bin/other
mkdir "$E/a-late.service.d"
printf '[Service]\nExecStart=\nExecStart=-other x\nExecStartPost=/usr/bin/missing\n' >"$E/a-late.service.d/20.conf"
same "another replaces the command, which is looked for" "systemd z-early b-middle needed other" "$(names)"
ln -s /dev/null "$E/a-late.service.d/10.conf"
same "a masked drop-in adds nothing" "systemd z-early b-middle other" "$(names)"
ln -s /dev/null "$E/b-middle.service"
same "a masked unit starts nothing" "systemd z-early other" "$(names)"
rm -r "$E/b-middle.service" "$E/a-late.service.d"
: >"$E/z-early.service"
same "an empty file masks as well" "systemd b-middle needed a-late" "$(names)"
rm "$E/z-early.service"

unit tty@.service "[Unit]" "After=a-late.service" "[Service]" "ExecStart=/usr/bin/tty-%i"
program /usr/bin/tty-one
wants multi-user.target tty@one.service
same "an instance of a template" "systemd z-early b-middle needed a-late tty-one" "$(names)"
ln -s tty@.service "$U/autotty@.service"
mkdir "$U/basic.target.requires"
ln -s ../autotty@.service "$U/basic.target.requires/autotty@two.service"
program /usr/bin/tty-two
same "an alias of a template" 1 "$(found | grep -c '^/usr/bin/tty-two tty@two.service$')"
rm -r "$U/basic.target.requires" "$E/multi-user.target.wants/tty@one.service"

mkdir "$U/needed.service.d"
printf '[Unit]\nConditionPathExists=/opt/flag\n' >"$U/needed.service.d/c.conf"
same "a file that is not there" "systemd z-early b-middle a-late" "$(names)"
touch "$R/opt/flag"
same "a file that is there" "systemd z-early b-middle needed a-late" "$(names)"
printf '[Unit]\nConditionPathExists=|/opt/none\nConditionPathExists=|!/opt/flag\n' >"$U/needed.service.d/c.conf"
same "neither of two" "systemd z-early b-middle a-late" "$(names)"
printf '[Unit]\nConditionPathExists=|/opt/none\nConditionPathExists=|/opt/flag\n' >"$U/needed.service.d/c.conf"
same "one of two" "systemd z-early b-middle needed a-late" "$(names)"
printf '[Unit]\nConditionPathExists=/run/nobody-knows\n' >"$U/needed.service.d/c.conf"
same "what comes while the system runs" "systemd z-early b-middle needed a-late" "$(names)"
printf '[Unit]\nConditionKernelCommandLine=rescue\n' >"$U/needed.service.d/c.conf"
same "what is rarely on the kernel's command line" "systemd z-early b-middle a-late" "$(names)"
rm -r "$U/needed.service.d"

service bus "DefaultDependencies=no"
unit dbus.socket "[Socket]" "ListenStream=/run/bus"
unit dbus.service "[Service]" "ExecStart=/usr/bin/bus"
wants sockets.target dbus.socket
same "a socket alone starts nothing" 0 "$(found | grep -c /usr/bin/bus)"
mkdir "$E/needed.service.d"
printf '[Service]\nBusName=org.example\n' >"$E/needed.service.d/b.conf"
same "a service on the bus starts it" 1 "$(found | grep -c '/usr/bin/bus dbus.service$')"

program /usr/bin/script-user "#!/usr/bin/interpreter -x"
program /usr/bin/env-user "#!/usr/bin/env -S second arg"
program /usr/bin/interpreter
program /usr/bin/second
printf '[Service]\nExecStartPre=/usr/bin/script-user\nExecStartPre=/usr/bin/env-user\n' >"$E/needed.service.d/b.conf"
same "interpreters of scripts" \
	"systemd z-early b-middle needed script-user interpreter env-user second a-late" "$(names)"
mv "$R/usr/bin/interpreter" "$R/usr/bin/gone"
same "one that is not there" \
	"systemd z-early b-middle needed script-user env-user second a-late" "$(names)"
mv "$R/usr/bin/gone" "$R/usr/bin/interpreter"
rm "$E/needed.service.d/b.conf"

ln -s /opt/elsewhere.service "$E/elsewhere.service"
printf '[Service]\nExecStart=/usr/bin/other\n' >"$R/opt/elsewhere.service"
wants multi-user.target elsewhere.service
same "a unit that lies elsewhere" 1 "$(found | grep -c elsewhere.service)"
chmod o+w "$R/opt/elsewhere.service"
same "not one that anybody may write" 0 "$(found | grep -c elsewhere.service)"

ln -sf default.target "$E/loop-a.service"
ln -sf loop-b.service "$E/loop-c.service"
ln -sf loop-c.service "$E/loop-b.service"
wants multi-user.target loop-b.service
printf '[Unit]\nAfter=a-late.service\nRequires=a-late.service\n' >>"$U/sysinit.target"
same "aliases and orders in a circle" "a-late b-middle needed systemd z-early" \
	"$(found | sed 's# .*##; s#.*/##' | sort | grep -vx other | paste -sd ' ')"
mkfifo "$E/pipe.service"
wants multi-user.target pipe.service
check "a FIFO does not stop it" timeout 5 "$BUILD/tests/boot-programs" "$R"
finish
