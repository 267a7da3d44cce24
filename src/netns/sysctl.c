// SPDX-License-Identifier: GPL-2.0-only
/* /proc/sys/net/vsock: ns_mode, child_ns_mode and g2h_fallback. */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "netns/netns.h"

static const char * const mode_names[] = {
	[VNS_MODE_GLOBAL] = "global",
	[VNS_MODE_LOCAL] = "local",
};

/* A name, its newline and the final zero byte. */
#define MODE_TEXT_SIZE sizeof("global\n")

static int show_mode(const struct ctl_table *table, enum vns_mode mode,
		     void *buffer, size_t *lenp, loff_t *ppos)
{
	char text[MODE_TEXT_SIZE];
	struct ctl_table shown = *table;

	strscpy(text, mode_names[mode], sizeof(text));
	shown.data = text;
	shown.maxlen = sizeof(text);

	return proc_dostring(&shown, 0, buffer, lenp, ppos);
}

static int parse_mode(const char *buffer, size_t len, loff_t pos)
{
	char text[MODE_TEXT_SIZE] = {};
	int mode;

	/* One write() is one value, not a piece of one; a line ends it. */
	if (pos || len >= sizeof(text))
		return -EINVAL;

	memcpy(text, buffer, len);
	text[strcspn(text, "\n")] = '\0';
	mode = match_string(mode_names, ARRAY_SIZE(mode_names), text);

	return mode < 0 ? -EINVAL : mode;
}

static int ns_mode_handler(VNS_CTL_TABLE *table, int write, void *buffer,
			   size_t *lenp, loff_t *ppos)
{
	const struct vns_net *vn = table->extra1;

	if (write)
		return -EPERM;
	return show_mode(table, vn->domain->mode, buffer, lenp, ppos);
}

static int child_ns_mode_handler(VNS_CTL_TABLE *table, int write, void *buffer,
				 size_t *lenp, loff_t *ppos)
{
	struct vns_net *vn = table->extra1;
	int mode, err;

	if (!write)
		return show_mode(table, vns_net_child_mode(vn), buffer, lenp,
				 ppos);
	if (!*lenp)
		return 0;

	mode = parse_mode(buffer, *lenp, *ppos);
	if (mode < 0)
		return mode;

	err = vns_net_set_child_mode(vn, mode);
	if (!err)
		*ppos += *lenp;
	return err;
}

enum {
	ENTRY_NS_MODE,
	ENTRY_CHILD_NS_MODE,
	ENTRY_G2H_FALLBACK,
	ENTRY_COUNT,
};

/* One element more than entries: older kernels look for an empty one. */
static const struct ctl_table entries[ENTRY_COUNT + 1] = {
	[ENTRY_NS_MODE] = {
		.procname = "ns_mode",
		.mode = 0444,
		.proc_handler = ns_mode_handler,
	},
	[ENTRY_CHILD_NS_MODE] = {
		.procname = "child_ns_mode",
		.mode = 0644,
		.proc_handler = child_ns_mode_handler,
	},
	[ENTRY_G2H_FALLBACK] = {
		.procname = "g2h_fallback",
		.maxlen = sizeof(int),
		.mode = 0644,
		.proc_handler = proc_dointvec_minmax,
		.extra1 = SYSCTL_ZERO,
		.extra2 = SYSCTL_ONE,
	},
};

/**
 * vns_sysctl_register() - show a namespace's sysctls
 * @vn: its state; the modes must be set
 *
 * Context: namespace creation or module load; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vns_sysctl_register(struct vns_net *vn)
{
	struct ctl_table *table;

	table = kmemdup(entries, sizeof(entries), GFP_KERNEL);
	if (!table)
		return -ENOMEM;

	/* Each namespace owns its data: nothing in a table is shared. */
	table[ENTRY_NS_MODE].data = &vn->domain;
	table[ENTRY_NS_MODE].extra1 = vn;
	table[ENTRY_CHILD_NS_MODE].data = &vn->child;
	table[ENTRY_CHILD_NS_MODE].extra1 = vn;
	table[ENTRY_G2H_FALLBACK].data = &vn->g2h_fallback;

	vn->sysctl_header = register_net_sysctl_sz(vn->net, "net/vsock", table,
						   ENTRY_COUNT);
	if (!vn->sysctl_header) {
		kfree(table);
		return -ENOMEM;
	}
	vn->sysctl_table = table;

	return 0;
}

/**
 * vns_sysctl_unregister() - take a namespace's sysctls away
 * @vn: its state
 *
 * Waits for handlers that run.  Context: may sleep.
 */
void vns_sysctl_unregister(struct vns_net *vn)
{
	unregister_net_sysctl_table(vn->sysctl_header);
	kfree(vn->sysctl_table);
}
