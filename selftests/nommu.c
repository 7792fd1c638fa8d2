// SPDX-License-Identifier: GPL-2.0
/* What a program can do with a region on a machine without an MMU. */
#include "nommu.h"

TEST(loaded)
{
	CHECK(0, access("/sys/class/mapdev", F_OK));
}
