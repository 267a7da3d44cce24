/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockmaps for test programs, each with a program that sees what its sockets receive. */
#ifndef BPF_MAP_H
#define BPF_MAP_H

#include "check.h"

#include <linux/bpf.h>
#include <sys/syscall.h>

static TAP_UNUSED int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static TAP_UNUSED int map_new(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = sizeof(int),
		.value_size = sizeof(int),
		.max_entries = 4,
	};

	return must(bpf(BPF_MAP_CREATE, &attr));
}

/* 0 or an error. */
static TAP_UNUSED int map_put(int map, int key, int fd)
{
	union bpf_attr attr = {
		.map_fd = map,
		.key = (unsigned long)&key,
		.value = (unsigned long)&fd,
	};

	return errno_of(bpf(BPF_MAP_UPDATE_ELEM, &attr));
}

static TAP_UNUSED int map_delete(int map, int key)
{
	union bpf_attr attr = {
		.map_fd = map,
		.key = (unsigned long)&key,
	};

	return errno_of(bpf(BPF_MAP_DELETE_ELEM, &attr));
}

#define INSN(c, dst, src, o, i) \
	((struct bpf_insn) { .code = c, .dst_reg = dst, .src_reg = src, .off = o, .imm = i })
#define MOV(dst, i)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, i)
#define EXIT		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Has the program see what the map's sockets receive. */
static TAP_UNUSED void attach(int map, const struct bpf_insn *insns, int count)
{
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_SK_SKB,
		.insns = (unsigned long)insns,
		.insn_cnt = count,
		.license = (unsigned long)"GPL",
	};
	union bpf_attr attr = {
		.target_fd = map,
		.attach_type = BPF_SK_SKB_VERDICT,
	};

	attr.attach_bpf_fd = must(bpf(BPF_PROG_LOAD, &load));
	must(bpf(BPF_PROG_ATTACH, &attr));
	close(attr.attach_bpf_fd);
}

/* A map whose program lets all pass. */
static TAP_UNUSED int map_passing(void)
{
	const struct bpf_insn insns[] = { MOV(BPF_REG_0, SK_PASS), EXIT };
	int map = map_new();

	attach(map, insns, ARRAY_SIZE(insns));
	return map;
}

#endif
