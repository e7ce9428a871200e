// Ways into a socket that io_uring offers, each in batches of `ring_batch` chunks. What won is in the product.
#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOT_ALIGNMENT = 4096 };

typedef struct {
    const Job *job;
    int connection;
    int flat;  // -1 where every chunk has a file of its own
    struct io_uring ring;
    uint8_t *slots;
    size_t slot_bytes;
    char names[RING_BATCH_MOST][PATH_BYTES];
} Sender;

static void failed(const char *call, int code) {
    errno = -code;
    fail(call);
}

static struct io_uring_sqe *entry(Sender *sender, uint64_t mark) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&sender->ring);
    if (!entry) stop("the ring is full");
    io_uring_sqe_set_data64(entry, mark);
    return entry;
}

// Submits what was prepared and waits for `count` completions; their results go to where their marks say.
static void run(Sender *sender, unsigned count, int *results) {
    int code = io_uring_submit_and_wait(&sender->ring, count);
    if (code < 0) failed("io_uring_enter", code);
    for (unsigned i = 0; i < count; i++) {
        struct io_uring_cqe *completion;
        if ((code = io_uring_wait_cqe(&sender->ring, &completion)) < 0) failed("io_uring_enter", code);
        if (completion->res < 0 && completion->res != -ECANCELED) failed("a ring operation", completion->res);
        results[completion->user_data] = completion->res;
        io_uring_cqe_seen(&sender->ring, completion);
    }
}

static void put_header(const Sender *sender, size_t chunk, uint8_t *header) {
    uint32_t length = htonl((uint32_t)chunk_length(sender->job, chunk)), number = htonl((uint32_t)chunk);
    memset(header, 0, HEADER_BYTES);
    memcpy(header, &length, 4);
    memcpy(header + 8, &number, 4);
}

static void push(int connection, const uint8_t *bytes, size_t length, int flags) {
    while (length > 0) {
        ssize_t count = send(connection, bytes, length, flags | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("send");
        bytes += count;
        length -= (size_t)count;
    }
}

static void push_file(int connection, int file, off_t offset, size_t length) {
    while (length > 0) {
        ssize_t count = sendfile(connection, file, &offset, length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("sendfile");
        if (count == 0) stop("the source is shorter than it was");
        length -= (size_t)count;
    }
}

static uint8_t *slot(const Sender *sender, size_t index) { return sender->slots + index * sender->slot_bytes; }
static const char *name(Sender *sender, size_t first, size_t index) {
    snprintf(sender->names[index], PATH_BYTES, "%s", chunk_path(sender->job, "source", first + index));
    return sender->names[index];
}

// Files opened with one call, then sendfile for each.
static void send_opened(Sender *sender, size_t first, size_t count) {
    int files[RING_BATCH_MOST];
    for (size_t i = 0; i < count; i++)
        io_uring_prep_openat(entry(sender, i), AT_FDCWD, name(sender, first, i), O_RDONLY | O_CLOEXEC, 0);
    run(sender, (unsigned)count, files);
    for (size_t i = 0; i < count; i++) posix_fadvise(files[i], 0, 0, POSIX_FADV_WILLNEED);
    for (size_t i = 0; i < count; i++) {
        uint8_t header[HEADER_BYTES];
        put_header(sender, first + i, header);
        push(sender->connection, header, HEADER_BYTES, MSG_MORE);
        push_file(sender->connection, files[i], 0, chunk_length(sender->job, first + i));
        close(files[i]);
    }
}

// Open into the ring's table, read into a registered buffer, close: one submission for the batch.
static void read_batch(Sender *sender, size_t first, size_t count) {
    int results[3 * RING_BATCH_MOST];
    unsigned expected = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = chunk_length(sender->job, first + i);
        uint8_t *bytes = slot(sender, i) + HEADER_BYTES;
        struct io_uring_sqe *next;
        put_header(sender, first + i, slot(sender, i));
        if (sender->flat < 0) {
            next = entry(sender, expected++);
            io_uring_prep_openat_direct(next, AT_FDCWD, name(sender, first, i), O_RDONLY, 0, (unsigned)i);
            io_uring_sqe_set_flags(next, IOSQE_IO_LINK);
        }
        next = entry(sender, expected++);
        unsigned long long offset = sender->flat < 0 ? 0 : (first + i) * sender->job->chunk_bytes;
        io_uring_prep_read_fixed(next, (int)(sender->flat < 0 ? i : 0), bytes, (unsigned)length, offset, 0);
        io_uring_sqe_set_flags(next, IOSQE_FIXED_FILE | (sender->flat < 0 ? IOSQE_IO_LINK : 0));
        if (sender->flat < 0) io_uring_prep_close_direct(entry(sender, expected++), (unsigned)i);
    }
    run(sender, expected, results);
}

static void send_read(Sender *sender, size_t first, size_t count) {
    int results[RING_BATCH_MOST];
    read_batch(sender, first, count);
    for (size_t i = 0; i < count; i++) {
        struct io_uring_sqe *next = entry(sender, i);
        size_t length = HEADER_BYTES + chunk_length(sender->job, first + i);
        io_uring_prep_send(next, sender->connection, slot(sender, i), length, MSG_WAITALL | MSG_NOSIGNAL);
        if (i + 1 < count) io_uring_sqe_set_flags(next, IOSQE_IO_LINK);
    }
    run(sender, (unsigned)count, results);
}

// Two completions for each: sent, and the buffer is free again.
static void send_without_copy(Sender *sender, size_t first, size_t count) {
    int results[RING_BATCH_MOST];
    read_batch(sender, first, count);
    for (size_t i = 0; i < count; i++) {
        struct io_uring_sqe *next = entry(sender, i);
        size_t length = HEADER_BYTES + chunk_length(sender->job, first + i);
        int flags = MSG_WAITALL | MSG_NOSIGNAL;
        io_uring_prep_send_zc_fixed(next, sender->connection, slot(sender, i), length, flags, 0, 0);
        if (i + 1 < count) io_uring_sqe_set_flags(next, IOSQE_IO_LINK);
    }
    run(sender, 2 * (unsigned)count, results);
}

// File to pipe to socket; the header goes by a send of its own in the same chain.
static void send_spliced(Sender *sender, size_t first, size_t count, const int *tube) {
    int files[RING_BATCH_MOST], results[3 * RING_BATCH_MOST];
    if (sender->flat < 0) {
        for (size_t i = 0; i < count; i++)
            io_uring_prep_openat(entry(sender, i), AT_FDCWD, name(sender, first, i), O_RDONLY | O_CLOEXEC, 0);
        run(sender, (unsigned)count, files);
    }
    unsigned expected = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned length = (unsigned)chunk_length(sender->job, first + i);
        int file = sender->flat < 0 ? files[i] : sender->flat;
        int64_t offset = sender->flat < 0 ? 0 : (int64_t)((first + i) * sender->job->chunk_bytes);
        put_header(sender, first + i, slot(sender, i));
        struct io_uring_sqe *next = entry(sender, expected++);
        io_uring_prep_send(next, sender->connection, slot(sender, i), HEADER_BYTES, MSG_MORE | MSG_NOSIGNAL);
        io_uring_sqe_set_flags(next, IOSQE_IO_LINK);
        next = entry(sender, expected++);
        io_uring_prep_splice(next, file, offset, tube[1], -1, length, 0);
        io_uring_sqe_set_flags(next, IOSQE_IO_LINK);
        next = entry(sender, expected++);
        io_uring_prep_splice(next, tube[0], -1, sender->connection, -1, length, 0);
        if (i + 1 < count) io_uring_sqe_set_flags(next, IOSQE_IO_LINK);
    }
    run(sender, expected, results);
    for (size_t i = 0; i < count; i++)
        if (results[3 * i + 2] != (int)chunk_length(sender->job, first + i)) stop("a splice was short");
    for (size_t i = 0; sender->flat < 0 && i < count; i++) close(files[i]);
}

static void set_up(Sender *sender) {
    unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    int code = io_uring_queue_init(4 * RING_BATCH_MOST, &sender->ring, flags);
    if (code < 0) failed("io_uring_setup", code);
    size_t bytes = HEADER_BYTES + sender->job->chunk_bytes;
    sender->slot_bytes = (bytes + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
    if (posix_memalign((void **)&sender->slots, SLOT_ALIGNMENT, RING_BATCH_MOST * sender->slot_bytes) != 0) stop("no memory");
    struct iovec memory = {sender->slots, RING_BATCH_MOST * sender->slot_bytes};
    if ((code = io_uring_register_buffers(&sender->ring, &memory, 1)) < 0) failed("io_uring_register", code);
    int files[RING_BATCH_MOST];
    for (int i = 0; i < RING_BATCH_MOST; i++) files[i] = -1;
    files[0] = sender->flat;
    if ((code = io_uring_register_files(&sender->ring, files, RING_BATCH_MOST)) < 0) failed("io_uring_register", code);
}

void send_all_by_ring(const Job *job, SendMode mode, int connection) {
    Sender *sender = calloc(1, sizeof *sender);
    if (!sender) stop("no memory");
    sender->job = job;
    sender->connection = connection;
    sender->flat = mode.flat ? open(flat_path(job, "source"), O_RDONLY | O_CLOEXEC) : -1;
    if (mode.flat && sender->flat < 0) fail("open");
    set_up(sender);
    int tube[2] = {-1, -1};
    if (mode.way == RING_SPLICE && (pipe(tube) < 0 || fcntl(tube[1], F_SETPIPE_SZ, 1 << 20) < 0)) fail("pipe");
    for (size_t first = 0; first < job->chunk_count; first += job->ring_batch) {
        size_t rest = job->chunk_count - first, count = rest < job->ring_batch ? rest : job->ring_batch;
        switch (mode.way) {
        case RING_OPEN: send_opened(sender, first, count); break;
        case RING_READ: send_read(sender, first, count); break;
        case RING_ZERO_COPY: send_without_copy(sender, first, count); break;
        case RING_SPLICE: send_spliced(sender, first, count, tube); break;
        default: stop("no way of the ring");
        }
    }
    io_uring_queue_exit(&sender->ring);
    free(sender->slots);
    free(sender);
}
