#pragma once
/* Linux calls and constants that the Glibc module map leaves out: it is built without _GNU_SOURCE. */
#include <linux/fs.h>
#include <linux/falloc.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <poll.h>
#include <signal.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
int ppoll(struct pollfd *entries, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
int eventfd(unsigned int initial, int flags);
int fallocate(int descriptor, int mode, off_t offset, off_t length);
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path, unsigned int flags);
ssize_t copy_file_range(int source, off_t *source_offset, int target, off_t *target_offset, size_t length,
                        unsigned int flags);
const char *strerrordesc_np(int code);
int pthread_setname_np(pthread_t thread, const char *name);
int sync_file_range(int descriptor, off_t offset, off_t length, unsigned int flags);

enum {
    millrace_O_TMPFILE = 020000000 | 0200000,
    millrace_AT_EMPTY_PATH = 0x1000,
    millrace_SEEK_DATA = 3,
    millrace_SEEK_HOLE = 4,
    millrace_RENAME_NOREPLACE = 1,
    millrace_EFD_CLOEXEC = 02000000,
    millrace_EFD_NONBLOCK = 04000,
    millrace_IP_MULTICAST_ALL = 49,
    millrace_IPV6_MULTICAST_ALL = 29,
    /* Where tcpi_min_rtt stands in the kernel's struct tcp_info, which libc's does not have. */
    millrace_TCPI_MIN_RTT_OFFSET = 148,
};
static const unsigned long millrace_FICLONERANGE = FICLONERANGE;

/* ioctl is variadic, which Swift does not import. */
#include <sys/ioctl.h>
static inline int millrace_clone_range(int target, const struct file_clone_range *range) {
    return ioctl(target, FICLONERANGE, range);
}

/* Bytes of a TCP connection that are not sent or not acknowledged (tcp(7)). */
#include <linux/sockios.h>
static inline int millrace_queued_bytes(int descriptor, int *count) {
    return ioctl(descriptor, SIOCOUTQ, count);
}

static inline int millrace_window_size(int descriptor, unsigned short *columns, unsigned short *rows) {
    struct winsize size = {0};
    int result = ioctl(descriptor, TIOCGWINSZ, &size);
    *columns = size.ws_col;
    *rows = size.ws_row;
    return result;
}
