#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

size_t chunk_length(const Job *job, size_t chunk) {
    size_t start = chunk * job->chunk_bytes;
    return job->total_bytes - start < job->chunk_bytes ? job->total_bytes - start : job->chunk_bytes;
}

__attribute__((format(printf, 1, 2))) static const char *path(const char *format, ...) {
    static char bytes[PATH_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(bytes, sizeof bytes, format, arguments);
    va_end(arguments);
    if (count < 0 || count >= PATH_BYTES) stop("the path is too long");
    return bytes;
}

const char *flat_path(const Job *job, const char *role) {
    return path("%s/%s-%zu-%zu.flat", job->folder, role, job->total_bytes, job->chunk_bytes);
}

const char *chunk_path(const Job *job, const char *role, size_t chunk) {
    return path("%s/%s-%zu-%zu.chunks/%zu/%zu", job->folder, role, job->total_bytes, job->chunk_bytes,
                chunk / CHUNKS_PER_FOLDER, chunk);
}

static const char *chunk_folder(const Job *job, const char *role, size_t index) {
    return path("%s/%s-%zu-%zu.chunks/%zu", job->folder, role, job->total_bytes, job->chunk_bytes, index);
}

static const char *chunk_root(const Job *job, const char *role) {
    return path("%s/%s-%zu-%zu.chunks", job->folder, role, job->total_bytes, job->chunk_bytes);
}

static void make_folder(const char *name) {
    if (mkdir(name, 0755) < 0 && errno != EEXIST) fail("mkdir");
}

void make_chunk_folders(const Job *job, const char *role) {
    make_folder(chunk_root(job, role));
    for (size_t index = 0; index * CHUNKS_PER_FOLDER < job->chunk_count; index++)
        make_folder(chunk_folder(job, role, index));
}

static void fill_at_random(uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t count = getrandom(bytes, length, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("getrandom");
        bytes += count;
        length -= (size_t)count;
    }
}

static void write_whole(int file, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t count = write(file, bytes, length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("write");
        bytes += count;
        length -= (size_t)count;
    }
}

static uint8_t *chunk_buffer(const Job *job) {
    uint8_t *bytes = malloc(job->chunk_bytes);
    if (!bytes) stop("no memory");
    return bytes;
}

void make_source(const Job *job) {
    make_folder(job->folder);
    struct stat status;
    // The flat file gets its name last, so its size vouches for the chunk files too.
    if (stat(flat_path(job, "source"), &status) == 0 && (size_t)status.st_size == job->total_bytes) return;

    make_chunk_folders(job, "source");
    int flat = open(flat_path(job, "unfinished"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (flat < 0) fail("open");
    uint8_t *bytes = chunk_buffer(job);
    for (size_t chunk = 0; chunk < job->chunk_count; chunk++) {
        size_t length = chunk_length(job, chunk);
        fill_at_random(bytes, length);
        write_whole(flat, bytes, length);
        int file = open(chunk_path(job, "source", chunk), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (file < 0) fail("open");
        write_whole(file, bytes, length);
        close(file);
    }
    free(bytes);
    close(flat);
    char unfinished[PATH_BYTES];
    snprintf(unfinished, sizeof unfinished, "%s", flat_path(job, "unfinished"));
    if (rename(unfinished, flat_path(job, "source")) < 0) fail("rename");
}

void remove_output(const Job *job) {
    unlink(flat_path(job, "output"));
    for (size_t chunk = 0; chunk < job->chunk_count; chunk++) unlink(chunk_path(job, "output", chunk));
    for (size_t index = 0; index * CHUNKS_PER_FOLDER < job->chunk_count; index++)
        rmdir(chunk_folder(job, "output", index));
    rmdir(chunk_root(job, "output"));
}

static void read_at(const char *name, uint8_t *bytes, size_t length, off_t offset) {
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("open");
    if (pread(file, bytes, length, offset) != (ssize_t)length) stop("a stored file is too short");
    close(file);
}

void check_output(const Job *job, ReceiveMode mode, const uint8_t *digests) {
    uint8_t *expected = chunk_buffer(job), *stored = chunk_buffer(job), digest[DIGEST_BYTES];
    for (size_t chunk = 0; chunk < job->chunk_count; chunk++) {
        size_t length = chunk_length(job, chunk);
        off_t offset = (off_t)(chunk * job->chunk_bytes);
        read_at(flat_path(job, "source"), expected, length, offset);
        if (mode.hash != HASH_NOTHING) {
            EVP_Digest(expected, length, digest, NULL, EVP_sha256(), NULL);
            if (memcmp(digest, digests + chunk * DIGEST_BYTES, DIGEST_BYTES) != 0) stop("a digest is wrong");
        }
        if (mode.store == STORE_NOTHING) continue;
        if (mode.store == STORE_FILES)
            read_at(chunk_path(job, "output", chunk), stored, length, 0);
        else
            read_at(flat_path(job, "output"), stored, length, offset);
        if (memcmp(expected, stored, length) != 0) stop("a stored byte is wrong");
    }
    free(expected);
    free(stored);
}
