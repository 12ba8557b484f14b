// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/* Loaded in both tiers. */
#include "net.h"
#include "process.h"

char LICENSE[] SEC("license") = "GPL";
