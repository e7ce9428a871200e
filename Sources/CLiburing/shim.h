#pragma once
/* No _GNU_SOURCE here: types must be those of the Glibc module, which is built without it. */
#include "linux.h"
#include <liburing.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <sys/signalfd.h>
