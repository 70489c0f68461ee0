/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What syscall-filter.c forbids: X(NAME) of each that this architecture and these headers know. */

/* Signals, other processes. */
#ifdef SYS_kill
X(kill)
#endif
#ifdef SYS_tkill
X(tkill)
#endif
#ifdef SYS_rt_sigqueueinfo
X(rt_sigqueueinfo)
#endif
#ifdef SYS_rt_tgsigqueueinfo
X(rt_tgsigqueueinfo)
#endif
#ifdef SYS_pidfd_send_signal
X(pidfd_send_signal)
#endif
#ifdef SYS_pidfd_open
X(pidfd_open)
#endif
#ifdef SYS_pidfd_getfd
X(pidfd_getfd)
#endif
#ifdef SYS_ptrace
X(ptrace)
#endif
#ifdef SYS_process_vm_readv
X(process_vm_readv)
#endif
#ifdef SYS_process_vm_writev
X(process_vm_writev)
#endif
#ifdef SYS_process_madvise
X(process_madvise)
#endif
#ifdef SYS_process_mrelease
X(process_mrelease)
#endif
#ifdef SYS_kcmp
X(kcmp)
#endif

/* Programs and processes. */
#ifdef SYS_fork
X(fork)
#endif
#ifdef SYS_vfork
X(vfork)
#endif
#ifdef SYS_execve
X(execve)
#endif
#ifdef SYS_execveat
X(execveat)
#endif
#ifdef SYS_setns
X(setns)
#endif
#ifdef SYS_unshare
X(unshare)
#endif

/* Sockets and queues. */
#ifdef SYS_socket
X(socket)
#endif
#ifdef SYS_socketpair
X(socketpair)
#endif
#ifdef SYS_socketcall
X(socketcall)
#endif
#ifdef SYS_connect
X(connect)
#endif
#ifdef SYS_bind
X(bind)
#endif
#ifdef SYS_listen
X(listen)
#endif
#ifdef SYS_accept
X(accept)
#endif
#ifdef SYS_accept4
X(accept4)
#endif
#ifdef SYS_sendto
X(sendto)
#endif
#ifdef SYS_sendmsg
X(sendmsg)
#endif
#ifdef SYS_sendmmsg
X(sendmmsg)
#endif
#ifdef SYS_ipc
X(ipc)
#endif
#ifdef SYS_msgget
X(msgget)
#endif
#ifdef SYS_msgsnd
X(msgsnd)
#endif
#ifdef SYS_semget
X(semget)
#endif
#ifdef SYS_semop
X(semop)
#endif
#ifdef SYS_semtimedop
X(semtimedop)
#endif
#ifdef SYS_semtimedop_time64
X(semtimedop_time64)
#endif
#ifdef SYS_shmget
X(shmget)
#endif
#ifdef SYS_shmat
X(shmat)
#endif
#ifdef SYS_mq_open
X(mq_open)
#endif
#ifdef SYS_mq_unlink
X(mq_unlink)
#endif

/* Files; what Landlock does not know, and all where there is none. */
#ifdef SYS_creat
X(creat)
#endif
#ifdef SYS_mkdir
X(mkdir)
#endif
#ifdef SYS_mkdirat
X(mkdirat)
#endif
#ifdef SYS_mknod
X(mknod)
#endif
#ifdef SYS_mknodat
X(mknodat)
#endif
#ifdef SYS_link
X(link)
#endif
#ifdef SYS_linkat
X(linkat)
#endif
#ifdef SYS_symlink
X(symlink)
#endif
#ifdef SYS_symlinkat
X(symlinkat)
#endif
#ifdef SYS_rename
X(rename)
#endif
#ifdef SYS_renameat
X(renameat)
#endif
#ifdef SYS_renameat2
X(renameat2)
#endif
#ifdef SYS_unlink
X(unlink)
#endif
#ifdef SYS_unlinkat
X(unlinkat)
#endif
#ifdef SYS_rmdir
X(rmdir)
#endif
#ifdef SYS_truncate
X(truncate)
#endif
#ifdef SYS_truncate64
X(truncate64)
#endif
#ifdef SYS_flock
X(flock)
#endif
#ifdef SYS_chmod
X(chmod)
#endif
#ifdef SYS_fchmod
X(fchmod)
#endif
#ifdef SYS_fchmodat
X(fchmodat)
#endif
#ifdef SYS_fchmodat2
X(fchmodat2)
#endif
#ifdef SYS_chown
X(chown)
#endif
#ifdef SYS_chown32
X(chown32)
#endif
#ifdef SYS_fchown
X(fchown)
#endif
#ifdef SYS_fchown32
X(fchown32)
#endif
#ifdef SYS_lchown
X(lchown)
#endif
#ifdef SYS_lchown32
X(lchown32)
#endif
#ifdef SYS_fchownat
X(fchownat)
#endif
#ifdef SYS_setxattr
X(setxattr)
#endif
#ifdef SYS_lsetxattr
X(lsetxattr)
#endif
#ifdef SYS_fsetxattr
X(fsetxattr)
#endif
#ifdef SYS_removexattr
X(removexattr)
#endif
#ifdef SYS_lremovexattr
X(lremovexattr)
#endif
#ifdef SYS_fremovexattr
X(fremovexattr)
#endif
#ifdef SYS_utime
X(utime)
#endif
#ifdef SYS_utimes
X(utimes)
#endif
#ifdef SYS_utimensat
X(utimensat)
#endif
#ifdef SYS_utimensat_time64
X(utimensat_time64)
#endif
#ifdef SYS_futimesat
X(futimesat)
#endif
#ifdef SYS_open_by_handle_at
X(open_by_handle_at)
#endif
#ifdef SYS_name_to_handle_at
X(name_to_handle_at)
#endif
#ifdef SYS_fanotify_init
X(fanotify_init)
#endif
#ifdef SYS_inotify_init
X(inotify_init)
#endif
#ifdef SYS_inotify_init1
X(inotify_init1)
#endif

/* Users. */
#ifdef SYS_setuid
X(setuid)
#endif
#ifdef SYS_setuid32
X(setuid32)
#endif
#ifdef SYS_setgid
X(setgid)
#endif
#ifdef SYS_setgid32
X(setgid32)
#endif
#ifdef SYS_setreuid
X(setreuid)
#endif
#ifdef SYS_setreuid32
X(setreuid32)
#endif
#ifdef SYS_setregid
X(setregid)
#endif
#ifdef SYS_setregid32
X(setregid32)
#endif
#ifdef SYS_setresuid
X(setresuid)
#endif
#ifdef SYS_setresuid32
X(setresuid32)
#endif
#ifdef SYS_setresgid
X(setresgid)
#endif
#ifdef SYS_setresgid32
X(setresgid32)
#endif
#ifdef SYS_setgroups
X(setgroups)
#endif
#ifdef SYS_setgroups32
X(setgroups32)
#endif
#ifdef SYS_setfsuid
X(setfsuid)
#endif
#ifdef SYS_setfsuid32
X(setfsuid32)
#endif
#ifdef SYS_setfsgid
X(setfsgid)
#endif
#ifdef SYS_setfsgid32
X(setfsgid32)
#endif
#ifdef SYS_capset
X(capset)
#endif
#ifdef SYS_add_key
X(add_key)
#endif
#ifdef SYS_request_key
X(request_key)
#endif
#ifdef SYS_keyctl
X(keyctl)
#endif

/* The machine. */
#ifdef SYS_mount
X(mount)
#endif
#ifdef SYS_umount
X(umount)
#endif
#ifdef SYS_umount2
X(umount2)
#endif
#ifdef SYS_pivot_root
X(pivot_root)
#endif
#ifdef SYS_chroot
X(chroot)
#endif
#ifdef SYS_move_mount
X(move_mount)
#endif
#ifdef SYS_open_tree
X(open_tree)
#endif
#ifdef SYS_fsopen
X(fsopen)
#endif
#ifdef SYS_fsconfig
X(fsconfig)
#endif
#ifdef SYS_fsmount
X(fsmount)
#endif
#ifdef SYS_fspick
X(fspick)
#endif
#ifdef SYS_mount_setattr
X(mount_setattr)
#endif
#ifdef SYS_swapon
X(swapon)
#endif
#ifdef SYS_swapoff
X(swapoff)
#endif
#ifdef SYS_reboot
X(reboot)
#endif
#ifdef SYS_kexec_load
X(kexec_load)
#endif
#ifdef SYS_kexec_file_load
X(kexec_file_load)
#endif
#ifdef SYS_init_module
X(init_module)
#endif
#ifdef SYS_finit_module
X(finit_module)
#endif
#ifdef SYS_delete_module
X(delete_module)
#endif
#ifdef SYS_bpf
X(bpf)
#endif
#ifdef SYS_perf_event_open
X(perf_event_open)
#endif
#ifdef SYS_userfaultfd
X(userfaultfd)
#endif
#ifdef SYS_io_uring_setup
X(io_uring_setup)
#endif
#ifdef SYS_io_uring_enter
X(io_uring_enter)
#endif
#ifdef SYS_io_uring_register
X(io_uring_register)
#endif
#ifdef SYS_acct
X(acct)
#endif
#ifdef SYS_quotactl
X(quotactl)
#endif
#ifdef SYS_quotactl_fd
X(quotactl_fd)
#endif
#ifdef SYS_syslog
X(syslog)
#endif
#ifdef SYS_iopl
X(iopl)
#endif
#ifdef SYS_ioperm
X(ioperm)
#endif
#ifdef SYS_modify_ldt
X(modify_ldt)
#endif
#ifdef SYS_sethostname
X(sethostname)
#endif
#ifdef SYS_setdomainname
X(setdomainname)
#endif
#ifdef SYS_settimeofday
X(settimeofday)
#endif
#ifdef SYS_clock_settime
X(clock_settime)
#endif
#ifdef SYS_clock_settime64
X(clock_settime64)
#endif
#ifdef SYS_clock_adjtime
X(clock_adjtime)
#endif
#ifdef SYS_clock_adjtime64
X(clock_adjtime64)
#endif
#ifdef SYS_adjtimex
X(adjtimex)
#endif
#ifdef SYS_vhangup
X(vhangup)
#endif
#ifdef SYS_personality
X(personality)
#endif
