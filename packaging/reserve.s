# SPDX-License-Identifier: LGPL-2.1-or-later
	.section .note.elfcast,"a",%note
	.p2align 2
	.4byte 8, 16384, 1
	.asciz "elfcast"
	.zero 16384
	.section .note.GNU-stack,"",%progbits
