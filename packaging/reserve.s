# SPDX-License-Identifier: LGPL-2.1-or-later
	.section .note.elfcast,"a",%note
	.p2align 2
	.4byte 8, 8192, 1
	.asciz "elfcast"
	.zero 8192
	.section .note.GNU-stack,"",%progbits
