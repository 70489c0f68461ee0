@ A 32-bit ARM program for tests/system/trace.sh, see there; assembled by tests/matrix/kernels.sh:
@ open(argv[1]); mmap2(0, 4096 * 8, PROT_READ, MAP_PRIVATE, fd, 40); touch; read(); exit
	.globl _start
_start:
	ldr r0, [sp, #8]
	mov r1, #0
	mov r7, #5
	svc #0
	mov r6, r0
	mov r0, #0
	mov r1, #32768
	mov r2, #1
	mov r3, #2
	mov r4, r6
	mov r5, #40
	mov r7, #192
	svc #0
	add r0, r0, #8192
	ldr r1, [r0, #8]
	mov r0, r6
	mov r1, sp
	mov r2, #1
	mov r7, #3
	svc #0
	mov r0, #0
	mov r7, #1
	svc #0
