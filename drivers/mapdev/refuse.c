// SPDX-License-Identifier: GPL-2.0
/*
 * Log why a region is refused, and tell the caller. The log has no rate limit:
 * only root can cause a refusal.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/printk.h>
#include <linux/sprintf.h>
#include <linux/stdarg.h>

#include "mapdev.h"
#include "refuse.h"

static void refuse(const struct mapdev_attrs *attrs, const char *name,
		   struct va_format *reason)
{
	struct mapdev_refusal *refusal = attrs->refusal;

	pr_err("%s: %pV\n", name, reason);
	if (refusal)
		snprintf(refusal->text, sizeof(refusal->text), "%pV", reason);
}

/**
 * mapdev_refuse_attrs - log the reason of an error, and keep it for the caller
 * @attrs: the attributes refused; the reason goes to their refusal, if any
 * @name: of the region, for the log
 * @fmt: one line without a newline, of printable characters
 */
void mapdev_refuse_attrs(const struct mapdev_attrs *attrs, const char *name,
			 const char *fmt, ...)
{
	struct va_format reason = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	reason.va = &args;
	refuse(attrs, name, &reason);
	va_end(args);
}

/* The same for a region that is being created or resized. */
void mapdev_refuse(const struct mapdev_region *region, const char *fmt, ...)
{
	struct va_format reason = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	reason.va = &args;
	refuse(&region->attrs, mapdev_name(region), &reason);
	va_end(args);
}
