#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What status says of the units of systemd, in a root whose systemctl says what the test wants: as
# systemd 252 does.
. "$(dirname "$0")/../lib.sh"

if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
	skip "status and systemd's units" "needs root and mount namespaces"
	finish
fi
make_root
mkdir -p "$R/run" "$R/tmp"
populate "$BUILD/elfcast" /bin/sh /bin/cat
# It is asked for the state of its units, by name, and for nothing else.
cat >"$R/usr/bin/systemctl" <<'SH'
#!/hook/sh
[ "$1 $2 $3" = "show --no-pager --all" ] || exit 1
shift 5
for unit; do
	[ ! -e "/units/$unit" ] || /hook/cat "/units/$unit"
	echo "Id=$unit"
	echo
done
SH
chmod 755 "$R/usr/bin/systemctl"
mkdir "$R/units"
# unit NAME UnitFileState [LoadState [ActiveState [Result [ConditionResult]]]]
unit() {
	cat >"$R/units/$1" <<-END
		ActiveState=${4:-inactive}
		ConditionResult=${6:-no}
		ConditionTimestampMonotonic=${6:+1700}
		LoadState=${3:-loaded}
		Result=${5:-success}
		UnitFileState=$2
		WantedBy=
	END
}
boot="elfcast-boot.service elfcast-boot-early.service elfcast-boot-note.timer elfcast-compile.timer \
elfcast-train-auto.service elfcast-train-auto-end.timer"
all() { for u in $boot elfcastd.service; do unit "$u" "$1" "${@:2}"; done; }
look() { in_root /hook/elfcast status "$@" >"$TMP/out" 2>"$TMP/err"; }
to_mend() { sed -n '/^to mend:/,$p' "$TMP/out"; }
told() { # NAME EXIT-STATUS-OF-CHECK LINES: hints, and what is to be mended
	look
	same "$1" "$3" "$(sed -n '/^hint:/p; /^to mend:/,$p' "$TMP/out")"
	look --check
	same "$1: check" "$2" $?
}
in_root /hook/elfcast compile -q

mkdir -p "$R/etc/elfcast"
told "there are no units of ours" 0 "to mend:   nothing"
all enabled loaded active
unit elfcastd.service disabled
told "the watcher is off" 0 "hint:      launches are not read ahead and not counted: 'systemctl enable --now elfcastd'
to mend:   nothing"
unit elfcastd.service masked masked
told "it is masked: nothing is recommended" 0 "hint:      elfcastd is masked: launches are not read ahead and not counted: 'systemctl status elfcastd'
to mend:   nothing"
unit elfcastd.service enabled
told "it was stopped" 0 "hint:      elfcastd is enabled, and does not run: launches are not read ahead and not counted: 'systemctl start elfcastd'
to mend:   nothing"
unit elfcastd.service enabled loaded inactive success no
told "it is not for this boot" 0 "hint:      elfcastd is enabled, and not for this boot: launches are not read ahead and not counted: 'systemctl status elfcastd'
to mend:   nothing"
for how in failed activating; do
	unit elfcastd.service disabled loaded $how exit-code yes
	told "it fails ($how)" 1 "to mend:
  elfcastd fails: launches are not read ahead and not counted: 'journalctl -u elfcastd'"
done
unit elfcastd.service enabled loaded activating success yes
told "it starts just now" 0 "to mend:   nothing"

# What reads at boot.
unit elfcast-boot.service disabled
unit elfcast-boot-early.service disabled
told "the boot's are not enabled" 1 "to mend:
  units that read ahead at boot are not enabled: 'systemctl enable elfcast-boot.service elfcast-boot-early.service'"
all disabled
unit elfcastd.service enabled loaded activating
look
check "after make install: all of them, in one command" test "$(to_mend | grep -o 'elfcast-[a-z.-]*' | paste -s -d ' ')" = "$boot"
echo BootTrain=no >"$R/etc/elfcast/elfcast.conf"
look
check "but what elfcast.conf switches off" test "$(to_mend | grep -c train)" = 0
echo Boot=no >"$R/etc/elfcast/elfcast.conf"
look
check "of the boot nothing then" test "$(to_mend | grep -o 'elfcast-[a-z.-]*' | paste -s -d ' ')" = elfcast-compile.timer
check "is said so" grep -q 'units that keep elfcast up to date are not enabled' "$TMP/out"
rm "$R/etc/elfcast/elfcast.conf"
mkdir -p "$R/run/systemd" && echo systemd-nspawn >"$R/run/systemd/container"
look
check "it says so" grep -qx 'next boot: not of this system: in a container nothing is read or recorded at boot, the host reads ahead' "$TMP/out"
check "nor in a container" test "$(to_mend | grep -o 'elfcast-[a-z.-]*' | paste -s -d ' ')" = elfcast-compile.timer
rm "$R/run/systemd/container"
all masked masked
told "masked: somebody meant it" 0 "hint:      elfcastd is masked: launches are not read ahead and not counted: 'systemctl status elfcastd'
to mend:   nothing"
all enabled loaded active
unit elfcast-boot.service enabled loaded failed signal yes
told "one has failed" 1 "to mend:
  elfcast-boot.service has failed: 'systemctl status elfcast-boot.service'"

# Where nobody answers.
printf '#!/hook/sh\nexit 1\n' >"$R/usr/bin/systemctl"
told "systemctl fails" 0 "to mend:   nothing"
rm "$R/usr/bin/systemctl"
told "there is none" 0 "to mend:   nothing"
finish
